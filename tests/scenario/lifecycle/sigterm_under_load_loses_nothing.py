"""SIGTERM under load: every request that was sent is answered, connections are told to close, and Weir exits with 0."""

import pytest
from client import get
from load import Load
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker


@pytest.mark.parametrize("think", [0, 0.005], ids=["without pauses", "with pauses"])
def test_kept_alive_connections(weir, origins, think):
    running = weir(config_of(pool_of(origins("a", "b")), workers=2))
    with Load(running.port, connections=24, think=think, until_refused=True) as load:
        load.wait_for_requests(300)
        running.terminate()
        assert running.wait(12) == 0
    load.assert_nothing_lost()
    with pytest.raises(ConnectionRefusedError):
        get(running.port)


def test_fresh_connections(weir, origins):
    running = weir(config_of(pool_of(origins("a", "b")), workers=2))
    with Load(running.port, connections=8, fresh=True, until_refused=True) as load:
        load.wait_for_requests(200)
        running.terminate()
        assert running.wait(12) == 0
    load.assert_nothing_lost()
