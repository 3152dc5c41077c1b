"""The tcp checker needs a connection and nothing more: no request is ever sent."""

from weir import HEALTH_CHECK, config_of, pool_of


def test_open_is_healthy_and_closed_is_not(weir, origins):
    (origin,) = origins("one")
    running = weir(config_of(pool_of([origin], health_check={**{k: v for k, v in HEALTH_CHECK.items() if k != "path"},
                                                             "type": "tcp"})))
    running.wait_for_state("healthy", "one")
    origin.stop()
    running.wait_for_state("unhealthy", "one")
    origin.start()
    running.wait_for_state("healthy", "one")
    assert origin.probes == [] and origin.requests == []
