"""POST, GET, PATCH and DELETE /backends, and the traffic that follows each of them at once."""

import asyncio

import pytest
from client import get
from waiting import background, eventually, free_port


@pytest.fixture
def site(weir, origins):
    """A listener and a pool "default" that the API made, and a backend that waits to be added."""
    return weir(of_api=True), origins("late")[0]


def add(running, origin, **more):
    return running.admin("POST", "/backends", {"host": origin.host, "port": origin.port, **more})


def test_a_backend_with_all_defaults(site):
    running, origin = site
    answer = add(running, origin)
    assert answer.status == 201, answer.text
    backend = answer.json
    assert {key: backend[key] for key in ("pool", "host", "port", "weight", "status")} == {
        "pool": "default", "host": "127.0.0.1", "port": origin.port, "weight": 1, "status": "unknown"}
    assert backend["id"] == f"127.0.0.1:{origin.port}"
    assert answer.headers["location"].startswith("/backends/")
    assert get(running.port).backend == "late"


def test_address_in_place_of_host_and_port(site):
    running, origin = site
    body = {"address": f"127.0.0.1:{origin.port}", "id": "x", "weight": 5, "max_connections": 100}
    answer = running.admin("POST", "/backends", body)
    assert answer.status == 201, answer.text
    assert (answer.json["id"], answer.json["port"], answer.json["weight"]) == ("x", origin.port, 5)
    assert answer.json["max_connections"] == 100


def test_a_backend_added_disabled_gets_nothing_until_enabled(site):
    running, origin = site
    assert add(running, origin, id="x", enabled=False).status == 201
    assert get(running.port).status == 503
    assert running.admin("POST", "/backends/x/enable").status == 200
    eventually(lambda: get(running.port).status == 200)


def test_the_same_address_or_id_is_409(site):
    running, origin = site
    assert add(running, origin, id="x").status == 201
    assert add(running, origin, id="y").status == 409
    other = {"host": "127.0.0.1", "port": free_port(), "id": "x"}
    answer = running.admin("POST", "/backends", other)
    assert answer.status == 409
    assert "x" in answer.problem["detail"]


def test_it_is_listed_and_shown(site):
    running, origin = site
    add(running, origin, id="x")
    listed = running.admin("GET", "/backends").json
    listed = listed["backends"] if isinstance(listed, dict) else listed
    assert [backend["id"] for backend in listed] == ["x"]
    shown = running.admin("GET", "/backends/x").json
    for key in ("id", "pool", "host", "port", "weight", "status", "active_connections"):
        assert key in shown
    assert running.admin("GET", "/backends/nobody").status == 404


def test_patch_changes_the_weight_at_once(site, origins):
    running, origin = site
    (other,) = origins("other")
    add(running, origin, id="x")
    add(running, other, id="y")
    assert running.admin("PUT", "/config/algorithm", {"algorithm": "weighted_round_robin"}).status == 200
    answer = running.admin("PATCH", "/backends/x", {"weight": 3})
    assert (answer.status, answer.json["weight"]) == (200, 3)
    names = [get(running.port).backend for _ in range(16)]
    assert names.count("late") == 12, names


def test_delete_counts_what_is_in_progress_and_lets_it_finish(site):
    running, origin = site
    release = asyncio.Event()

    async def hold(exchange):
        await release.wait()
        await exchange.respond(body=b"whole")

    origin.behave = hold
    add(running, origin, id="x")
    with running.connect() as connection:
        connection.send_request()
        eventually(lambda: origin.requests)
        answer = running.admin("DELETE", "/backends/x")
        assert answer.status == 200
        assert {"id": "x", "status": "deregistered", "drained_connections": 1}.items() <= answer.json.items()
        assert running.admin("GET", "/backends/x").status == 404
        assert get(running.port).status == 503
        background.loop.call_soon_threadsafe(release.set)
        assert connection.response().body == b"whole"
    assert running.admin("DELETE", "/backends/x").status == 404


def test_delete_with_a_drain_timeout_cuts_what_takes_longer(site):
    running, origin = site

    async def hold(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        await asyncio.sleep(30)

    origin.behave = hold
    add(running, origin, id="x")
    with running.connect() as connection:
        connection.send_request()
        assert connection.head().status == 200
        assert running.admin("DELETE", "/backends/x?drain_timeout=500ms").status == 200
        with pytest.raises((AssertionError, ConnectionError)):
            connection.read_exactly(5)


def test_a_removed_backend_may_come_back_under_the_same_id(site):
    running, origin = site
    for _ in range(3):
        assert add(running, origin, id="x").status == 201
        assert get(running.port).backend == "late"
        assert running.admin("DELETE", "/backends/x").status == 200
