"""POST, GET and DELETE /routing-rules: a path prefix, and perhaps a host, with backends and a strategy of its own."""

import pytest
from client import get
from weir import config_of, pool_of


@pytest.fixture
def running(weir, origins):
    return weir(config_of(pool_of(origins("a", "b", "c"), name="default"), listener={"pool": "default"}))


def backends(running, target, host="x.org"):
    return {get(running.port, target, [("Host", host)]).backend for _ in range(9)}


def test_a_rule_takes_its_prefix_at_once_and_gives_it_back(running):
    body = {"path_prefix": "/only", "algorithm": "least_connections", "backends": ["a", "b"], "session_sticky": False}
    answer = running.admin("POST", "/routing-rules", body)
    assert answer.status == 201, answer.text
    rule = answer.json["rule_id"]
    assert backends(running, "/only/x") == {"a", "b"}
    assert backends(running, "/other") == {"a", "b", "c"}
    listed = running.admin("GET", "/routing-rules").json
    assert rule in str(listed)
    assert running.admin("DELETE", f"/routing-rules/{rule}").status == 200
    assert backends(running, "/only/x") == {"a", "b", "c"}
    assert running.admin("DELETE", f"/routing-rules/{rule}").status == 404


def test_a_host_makes_it_more_specific(running):
    for host, backend in ((None, "a"), ("shop.example", "b")):
        body = {"path_prefix": "/", "backends": [backend], **({"host": host} if host else {})}
        assert running.admin("POST", "/routing-rules", body).status == 201
    assert backends(running, "/") == {"a"}
    assert backends(running, "/", "shop.example") == {"b"}


def test_a_borrowed_backend_shares_its_health(running):
    assert running.admin("POST", "/routing-rules", {"path_prefix": "/a", "backends": ["a"]}).status == 201
    assert running.admin("POST", "/backends/a/drain").status == 200
    assert get(running.port, "/a").status == 503
    assert running.admin("POST", "/backends/a/enable").status == 200
    assert get(running.port, "/a").backend == "a"


def test_a_sticky_rule_sets_a_cookie(running):
    body = {"path_prefix": "/s", "backends": ["a", "b", "c"], "session_sticky": True}
    assert running.admin("POST", "/routing-rules", body).status == 201
    first = get(running.port, "/s")
    pair = first.get("set-cookie").partition(";")[0]
    assert {get(running.port, "/s", [("Cookie", pair)]).backend for _ in range(9)} == {first.backend}
