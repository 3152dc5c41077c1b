"""Each algorithm by its name alone, over several workers, loses nothing and uses its backends as it should."""

import pytest
from load import Load
from weir import config_of, pool_of

SPREADING = ["round_robin", "weighted_round_robin", "least_connections", "p2c", "least_response_time", "random"]
HASHING = ["ip_hash", "consistent_hash", "maglev"]

pytestmark = pytest.mark.multiworker


@pytest.mark.parametrize("algorithm", SPREADING)
def test_every_backend_gets_a_share(weir, origins, algorithm):
    running = weir(config_of(pool_of(origins("a", "b", "c"), algorithm=algorithm)))
    running.wait_for_state("healthy", "a", "b", "c")
    with Load(running.port, connections=12) as load:
        load.wait_for_requests(600)
    load.assert_nothing_lost()
    shares = {name: count / load.outcome.requests for name, count in load.outcome.by_backend.items()}
    assert set(shares) == {"a", "b", "c"}, shares
    if algorithm != "least_response_time":
        assert min(shares.values()) > 0.2, shares


@pytest.mark.parametrize("algorithm", HASHING)
def test_one_client_address_stays_on_one_backend(weir, origins, algorithm):
    running = weir(config_of(pool_of(origins("a", "b", "c"), algorithm=algorithm)))
    running.wait_for_state("healthy", "a", "b", "c")
    with Load(running.port, connections=4) as load:
        load.wait_for_requests(100)
    load.assert_nothing_lost()
    # consistent_hash has a bound on the load of one backend, beyond which work goes to the next on the ring.
    assert len(load.outcome.by_backend) == 1 or algorithm == "consistent_hash", load.outcome.by_backend
