"""A pool that names no algorithm heeds the weights of its backends."""

from client import get
from weir import config_of, pool_of


def test_three_to_one(weir, origins):
    running = weir(config_of(pool_of(origins("large", "small"), weights=[3, 1]), workers=1))
    running.wait_for_state("healthy", "large", "small")
    backends = [get(running.port).backend for _ in range(8)]
    assert (backends.count("large"), backends.count("small")) == (6, 2)


def test_weights_without_effect_are_a_warning_of_the_api(weir):
    running = weir(config_of())
    backends = [{"address": "127.0.0.1:1", "weight": 3}, {"address": "127.0.0.1:2"}]
    made = running.admin("POST", "/pools", {"name": "p", "algorithm": "round_robin", "backends": backends})
    assert made.status == 201
    assert "ignores the weights" in made.json["warnings"][0]
    assert running.admin("PUT", "/pools/p", made.json).status == 200
    changed = running.admin("PUT", "/config/algorithm", {"pool": "p", "algorithm": "weighted_round_robin"})
    assert "warnings" not in changed.json
    assert "warnings" not in running.admin("GET", "/pools/p").json
