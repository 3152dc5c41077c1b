"""PUT /config/algorithm: the next connection is already picked by the new strategy, and stickiness comes with it."""

import pytest
from client import get
from weir import config_of, pool_of


@pytest.fixture
def running(weir, origins):
    started = weir(of_api=True)
    for origin in origins("a", "b", "c"):
        body = {"host": origin.host, "port": origin.port, "id": origin.name}
        assert started.admin("POST", "/backends", body).status == 201
    started.wait_for_state("healthy", "a", "b", "c", pool="default")
    return started


@pytest.mark.parametrize("algorithm", ["ip_hash", "maglev"])
def test_from_spreading_to_hashing_and_back(running, algorithm):
    assert len({get(running.port).backend for _ in range(6)}) == 3
    answer = running.admin("PUT", "/config/algorithm", {"algorithm": algorithm})
    assert answer.status == 200, answer.text
    assert answer.json["algorithm"] == algorithm
    assert len({get(running.port).backend for _ in range(6)}) == 1
    assert running.admin("PUT", "/config/algorithm", {"algorithm": "round_robin", "pool": "default"}).status == 200
    assert len({get(running.port).backend for _ in range(6)}) == 3


def test_a_pool_of_the_file_keeps_its_algorithm_and_says_where_it_is(weir, origins):
    running = weir(config_of(pool_of(origins("x"))))
    answer = running.admin("PUT", "/config/algorithm", {"algorithm": "random", "pool": "site"})
    assert answer.status == 409
    assert "weir.yaml" in answer.text


def test_an_open_connection_is_not_closed_for_it(running):
    with running.connect() as connection:
        assert connection.request().status == 200
        assert running.admin("PUT", "/config/algorithm", {"algorithm": "random"}).status == 200
        assert connection.request().status == 200


def test_sticky_sessions_keep_a_client_with_its_cookie(running):
    body = {"algorithm": "round_robin", "sticky_sessions": True, "sticky_ttl_seconds": 60}
    assert running.admin("PUT", "/config/algorithm", body).status == 200
    first = get(running.port)
    cookie = first.get("set-cookie")
    assert cookie is not None
    pair = cookie.partition(";")[0]
    assert "max-age=60" in cookie.lower()
    assert {get(running.port, "/", [("Cookie", pair)]).backend for _ in range(9)} == {first.backend}
    assert len({get(running.port).backend for _ in range(6)}) == 3
    name = pair.partition("=")[0]
    assert get(running.port, "/", [("Cookie", f"{name}=forged")]).status == 200
