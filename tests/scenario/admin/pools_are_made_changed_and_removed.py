"""GET, POST, PUT and DELETE /pools, with ETag and If-Match, dry runs, and the file's objects protected."""

import pytest
from client import get
from waiting import eventually, free_port
from weir import config_of, pool_of


@pytest.fixture
def running(weir, origins):
    return weir(config_of(pool_of(origins("one"))))


def test_the_life_of_a_pool(running):
    made = running.admin("POST", "/pools", {"name": "extra", "algorithm": "p2c", "min_healthy": 1})
    assert made.status == 201, made.text
    shown = running.admin("GET", "/pools/extra")
    assert (shown.status, shown.json["name"], shown.json["min_healthy"]) == (200, "extra", 1)
    assert "extra" in running.admin("GET", "/pools").text
    changed = running.admin("PUT", "/pools/extra", {"name": "extra", "min_healthy": 2})
    assert (changed.status, changed.json["min_healthy"]) == (200, 2)
    assert running.admin("POST", "/pools", {"name": "extra"}).status == 409
    assert running.admin("DELETE", "/pools/extra").status == 200
    assert running.admin("GET", "/pools/extra").status == 404


def test_an_outdated_etag_is_412(running):
    running.admin("POST", "/pools", {"name": "extra"})
    etag = running.admin("GET", "/pools/extra").headers["etag"]
    body = {"name": "extra", "min_healthy": 2}
    assert running.admin("PUT", "/pools/extra", body, [("If-Match", etag)]).status == 200
    assert running.admin("PUT", "/pools/extra", body, [("If-Match", etag)]).status == 412
    assert running.admin("DELETE", "/pools/extra", None, [("If-Match", etag)]).status == 412
    now = running.admin("GET", "/pools/extra").headers["etag"]
    assert running.admin("DELETE", "/pools/extra", None, [("If-Match", now)]).status == 200


def test_a_dry_run_checks_and_changes_nothing(running):
    before = running.admin("GET", "/config").json
    assert running.admin("POST", "/pools?dry_run=true", {"name": "extra"}).status in (200, 201)
    assert running.admin("POST", "/pools?dry_run=true", {"name": "extra", "min_healthy": -1}).status == 400
    assert running.admin("DELETE", "/backends/one?dry_run=true").status in (200, 409)
    assert running.admin("GET", "/config").json == before


def test_objects_of_the_file_are_read_only_and_say_where_they_are(running):
    for method, path, body in (("PUT", "/pools/site", {"name": "site"}), ("DELETE", "/pools/site", None),
                               ("DELETE", "/backends/one", None), ("POST", "/pools", {"name": "site"})):
        answer = running.admin(method, path, body)
        assert answer.status == 409, (method, path, answer.text)
        assert "weir.yaml" in answer.text, answer.text
    line = next(n for n, text in enumerate(running.config_path.read_text().splitlines(), 1) if "name: site" in text)
    assert str(line) in running.admin("DELETE", "/pools/site").text


def test_but_their_operational_state_is_not(running):
    for action, state in (("drain", "draining"), ("disable", "disabled"), ("enable", None)):
        assert running.admin("POST", f"/backends/one/{action}").status == 200
        if state:
            running.wait_for_state(state, "one")
    running.wait_for_state("healthy", "one")
    assert running.admin("PATCH", "/backends/one", {"weight": 5}).json["weight"] == 5


def test_a_pool_in_use_cannot_be_removed(running, weir):
    assert running.admin("POST", "/pools", {"name": "extra"}).status == 201
    listener = {"name": "more", "address": "127.0.0.1:1", "protocol": "http", "pool": "extra"}
    made = running.admin("POST", "/listeners?dry_run=true", listener)
    assert made.status in (200, 201), made.text


def test_a_listener_of_the_api_serves_at_once(running):
    port = free_port()
    body = {"name": "more", "address": f"127.0.0.1:{port}", "protocol": "http", "pool": "site"}
    assert running.admin("POST", "/listeners", body).status == 201
    eventually(lambda: serves(port))
    assert running.admin("DELETE", "/pools/site").status == 409
    assert running.admin("DELETE", "/listeners/more").status == 200
    eventually(lambda: not serves(port))


def serves(port):
    try:
        return get(port).status == 200
    except (ConnectionError, AssertionError):  # also closed before the response
        return False
