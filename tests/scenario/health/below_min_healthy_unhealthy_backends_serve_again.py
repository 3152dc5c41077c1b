"""Degraded service instead of an outage of our own making: with fewer healthy backends than min_healthy, the unhealthy
ones are used again, and a metric says so."""

from client import get
from waiting import eventually
from weir import config_of, pool_of


def test_all_unhealthy_by_their_probes_still_serve(weir, origins):
    a, b = origins("a", "b")
    running = weir(config_of(pool_of([a, b], min_healthy=1)))
    running.wait_for_state("healthy", "a", "b")
    assert running.metric("weir_pool_degraded", pool="site") == 0
    a.healthy = b.healthy = False
    running.wait_for_state("unhealthy", "a", "b")
    eventually(lambda: running.metric("weir_pool_degraded", pool="site") == 1)
    assert {get(running.port).backend for _ in range(6)} == {"a", "b"}
    a.healthy = True
    running.wait_for_state("healthy", "a")
    eventually(lambda: running.metric("weir_pool_degraded", pool="site") == 0)
    assert {get(running.port).backend for _ in range(6)} == {"a"}
