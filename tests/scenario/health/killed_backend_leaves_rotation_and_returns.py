"""A crashed backend costs no client a request that can be repeated, leaves rotation at once, and comes back."""

import pytest
from client import get
from load import Load
from waiting import PATIENCE, eventually
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker


def test_load_goes_on_without_a_loss_and_the_backend_returns(weir, origins):
    a, b, c = origins("a", "b", "c")
    running = weir(config_of(pool_of([a, b, c])))
    running.wait_for_state("healthy", "a", "b", "c")
    with Load(running.port, connections=12) as load:
        load.wait_for_requests(200)
        b.stop()
        running.wait_for_state("unhealthy", "b", seconds=2)
        seen = len(b.requests)
        load.wait_for_requests(200)
        assert len(b.requests) == seen
        assert running.metric("weir_backend_up", backend="b") == 0
        b.start()
        running.wait_for_state("healthy", "b")
        eventually(lambda: len(b.requests) > seen + 20, what="traffic on b again")
    load.assert_nothing_lost()


def test_traffic_notices_long_before_a_probe(weir, origins):
    a, b = origins("a", "b")
    check = {"type": "tcp", "interval": f"{60 * PATIENCE}s", "fast_interval": f"{60 * PATIENCE}s", "unhealthy_threshold": 3}
    running = weir(config_of(pool_of([a, b], health_check=check)))
    eventually(lambda: running.state("a") == running.state("b") == "healthy")
    with Load(running.port, connections=8) as load:
        load.wait_for_requests(100)
        b.stop()
        running.wait_for_state("unhealthy", "b", seconds=10)  # three probes take two minutes
    load.assert_nothing_lost()


def test_when_all_are_gone_clients_get_503_and_then_service_again(weir, origins):
    (a,) = origins("a")
    running = weir(config_of(pool_of([a])))
    running.wait_for_state("healthy", "a")
    a.stop()
    running.wait_for_state("unhealthy", "a")
    response = get(running.port)
    assert response.status == 503
    assert int(response.get("retry-after")) >= 1
    a.start()
    running.wait_for_state("healthy", "a")
    assert get(running.port).status == 200
