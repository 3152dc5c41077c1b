"""A backend of weight 0 stays in the pool, is probed, and gets no request."""

import pytest
from client import get
from weir import config_of, pool_of


@pytest.mark.parametrize("algorithm", ["round_robin", "weighted_round_robin", "least_connections", "random", "maglev",
                                       "consistent_hash", "p2c", "ip_hash", "least_response_time"])
def test_it_gets_nothing(weir, origins, algorithm):
    zero, one = origins("zero", "one")
    running = weir(config_of(pool_of([zero, one], algorithm=algorithm, weights=[0, 1])))
    running.wait_for_state("healthy", "zero", "one")
    assert {get(running.port).backend for _ in range(20)} == {"one"}
    assert zero.requests == []
    assert zero.probes
