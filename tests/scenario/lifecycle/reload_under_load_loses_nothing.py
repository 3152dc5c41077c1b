"""Ten reloads under load, each changing something: backends, weights, algorithm, routes. No request is lost."""

import pytest
from load import Load
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker


def test_ten_reloads(weir, origins):
    a, b, c = origins("a", "b", "c")
    config = config_of(pool_of([a, b]))
    running = weir(config)
    listener = dict(config["listeners"][0])
    variants = [
        {"pools": [pool_of([a, b, c])]},
        {"pools": [pool_of([b, c], algorithm="least_connections")]},
        {"pools": [pool_of([a, c], algorithm="weighted_round_robin", weights=[5, 1])]},
        {"pools": [pool_of([a, b], algorithm="maglev")]},
        {"pools": [pool_of([a, b, c]), pool_of([c], name="more")],
         "listeners": [{**listener, "routes": [{"match": {"path_prefix": "/"}, "pool": "more"}]}]},
    ]
    with Load(running.port, connections=8) as kept, Load(running.port, connections=4, fresh=True) as fresh:
        for variant in variants * 2:
            running.reload({**config, "listeners": [listener], **variant})
            kept.wait_for_requests(60)
            fresh.wait_for_requests(20)
    kept.assert_nothing_lost()
    fresh.assert_nothing_lost()
    assert kept.outcome.connections == 8, "a reload closed connections of an unchanged listener"
    assert running.metric("weir_config_reloads_total", result="success") >= 10
