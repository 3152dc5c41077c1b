"""Every fault in a call is answered with a problem document that names the field, and changes nothing."""

import json

import pytest
from client import raw

BACKENDS = [
    ({}, "host"),
    ({"host": "127.0.0.1"}, "port"),
    ({"host": "127.0.0.1", "port": 0}, "port"),
    ({"host": "127.0.0.1", "port": 65536}, "port"),
    ({"host": "127.0.0.1", "port": -1}, "port"),
    ({"host": "127.0.0.1", "port": "80"}, "port"),
    ({"host": "127.0.0.1", "port": 80.5}, "port"),
    ({"host": "127.0.0.1", "port": True}, "port"),
    ({"host": "", "port": 80}, "host"),
    ({"host": "not a host", "port": 80}, "host"),
    ({"host": ["127.0.0.1"], "port": 80}, "host"),
    ({"host": "127.0.0.1", "port": 80, "weight": -1}, "weight"),
    ({"host": "127.0.0.1", "port": 80, "weight": 1001}, "weight"),
    ({"host": "127.0.0.1", "port": 80, "weight": "heavy"}, "weight"),
    ({"host": "127.0.0.1", "port": 80, "weight": None}, "weight"),
    ({"host": "127.0.0.1", "port": 80, "max_connections": -5}, "max_connections"),
    ({"host": "127.0.0.1", "port": 80, "enabled": "yes"}, "enabled"),
    ({"host": "127.0.0.1", "port": 80, "health_check_path": "health"}, "health_check_path"),
    ({"host": "127.0.0.1", "port": 80, "health_check_path": "/a b\r\n"}, "health_check_path"),
    ({"host": "127.0.0.1", "port": 80, "wieght": 1}, "wieght"),
    ({"host": "127.0.0.1", "port": 80, "pool": "nowhere"}, "pool"),
    ({"host": "127.0.0.1", "port": 80, "id": ""}, "id"),
    ({"address": "127.0.0.1:80", "host": "127.0.0.1", "port": 80}, "address"),
    ({"address": "127.0.0.1:99999"}, "address"),
]

BODIES = [b"", b"{", b"[]", b'"x"', b"null", b'{"host": "127.0.0.1", "port": 80,}', b"\xff\xfe{}", b'{"host": "\xff"}',
          b'{"host": "a", "host": "b", "port": 80}', b"[" * 10_000, b'{"port": 1e999}']

ALGORITHMS = [
    ({}, "algorithm"),
    ({"algorithm": "fastest"}, "algorithm"),
    ({"algorithm": 5}, "algorithm"),
    ({"algorithm": "random", "pool": "nowhere"}, "pool"),
    ({"algorithm": "random", "sticky_ttl_seconds": 0}, "sticky_ttl_seconds"),
    ({"algorithm": "random", "sticky_ttl_seconds": -1}, "sticky_ttl_seconds"),
    ({"algorithm": "random", "sticky_ttl_seconds": "1h"}, "sticky_ttl_seconds"),
    ({"algorithm": "random", "sticky_sessions": "yes"}, "sticky_sessions"),
    ({"algorithm": "random", "stiky": 1}, "stiky"),
]

RULES = [
    ({}, "path_prefix"),
    ({"path_prefix": "no-slash", "backends": ["one"]}, "path_prefix"),
    ({"path_prefix": "/x", "backends": ["nobody"]}, "backends"),
    ({"path_prefix": "/x", "backends": ["one"], "algorithm": "fastest"}, "algorithm"),
    ({"path_prefix": "/x", "backends": ["one"], "session_sticky": 1}, "session_sticky"),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    from origin import Origin
    from weir import Weir, config_of, pool_of

    origin = Origin("one").start()
    pool = pool_of([origin], name="default")
    started = Weir(tmp_path_factory.mktemp("weir"), config_of(pool)).start()
    yield started
    started.stop()
    origin.stop()


@pytest.fixture(autouse=True)
def nothing_changed(running):
    before = running.admin("GET", "/config").json
    yield
    assert running.admin("GET", "/config").json == before


def assert_problem(answer, field, status=400):
    assert answer.status == status, answer.text
    problem = answer.problem
    assert problem["title"] and problem["detail"]
    assert field in json.dumps(problem), problem


@pytest.mark.parametrize("body, field", BACKENDS, ids=[json.dumps(body) for body, _ in BACKENDS])
def test_post_backends(running, body, field):
    assert_problem(running.admin("POST", "/backends", body), field)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("method, path", [("POST", "/backends"), ("PUT", "/config/algorithm"), ("POST", "/pools"),
                                          ("POST", "/routing-rules")])
def test_bodies_that_are_no_json_object(running, method, path, body):
    answer = running.admin(method, path, body)
    assert answer.status == 400, answer.text
    assert answer.problem["detail"]


@pytest.mark.parametrize("body, field", ALGORITHMS, ids=[json.dumps(body) for body, _ in ALGORITHMS])
def test_put_algorithm(running, body, field):
    answer = running.admin("PUT", "/config/algorithm", {"pool": "default", **body} if body else body)
    assert_problem(answer, field)


def test_an_unknown_algorithm_lists_the_known(running):
    answer = running.admin("PUT", "/config/algorithm", {"algorithm": "fastest"})
    for name in ("round_robin", "least_connections", "consistent_hash", "maglev"):
        assert name in answer.text


@pytest.mark.parametrize("body, field", RULES, ids=[json.dumps(body) for body, _ in RULES])
def test_post_routing_rules(running, body, field):
    assert_problem(running.admin("POST", "/routing-rules", body), field)


@pytest.mark.parametrize("method, path", [("GET", "/nothing"), ("GET", "/backends/x/y/z"), ("DELETE", "/backends/nobody"),
                                          ("PATCH", "/backends/nobody"), ("POST", "/backends/nobody/drain"),
                                          ("GET", "/backends/nobody/health"), ("DELETE", "/routing-rules/nothing")])
def test_what_is_not_there_is_404(running, method, path):
    assert_problem(running.admin(method, path, {} if method == "PATCH" else None), "", 404)


@pytest.mark.parametrize("method, path", [("DELETE", "/backends"), ("POST", "/health"), ("PUT", "/metrics"),
                                          ("GET", "/config/algorithm/x"), ("GET", "/backends/one/drain")])
def test_wrong_methods_are_405_with_what_is_allowed(running, method, path):
    answer = running.admin(method, path)
    assert answer.status in (404, 405)
    if answer.status == 405:
        assert answer.headers["allow"]


def test_a_body_that_is_too_large_is_413(running):
    answer = running.admin("POST", "/backends", b'{"host": "' + b"x" * (2 << 20) + b'"}')
    assert answer.status == 413


def test_a_malformed_chunked_body(proxy):
    running, _ = proxy()
    head = ("POST /pools HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n")
    answer = raw(running.admin_port, head.encode() + b"zz\r\n").decode()
    assert answer.startswith("HTTP/1.1 400 "), answer
    assert "application/problem+json" in answer and "connection: close" in answer
