"""GET /health, /backends/{id}/health, /connections, /config, /events and /openapi.json."""

import json

import pytest
from client import Connection, get
from waiting import eventually, free_port
from weir import config_of, pool_of


@pytest.fixture
def site(weir, origins):
    started = origins("a", "b")
    running = weir(config_of(pool_of(started)))
    running.wait_for_state("healthy", "a", "b")
    return running, *started


def test_health_of_weir(site):
    running, a, b = site
    health = running.admin("GET", "/health").json
    for key in ("load_balancer_id", "version", "uptime", "active_connections", "requests_per_sec", "backend_health"):
        assert any(name.startswith(key) for name in health), (key, health)
    assert running.admin("GET", "/health/live").status == 200
    assert running.admin("GET", "/health/ready").status == 200


def test_health_of_a_backend(site):
    running, a, b = site
    for _ in range(10):
        get(running.port)
    health = running.admin("GET", "/backends/a/health").json
    assert health["status"] == "healthy"
    assert (health["total_requests"], health["failed_requests"], health["active_connections"]) == (5, 0, 0)
    assert health["consecutive_failures"] == 0
    assert health["last_check"]["ok"] is True
    assert health["last_check"]["latency_ms"] >= 0
    assert health["last_check"]["at"]
    a.stop()
    running.wait_for_state("unhealthy", "a")
    health = running.admin("GET", "/backends/a/health").json
    assert health["status"] == "unhealthy"
    assert health["consecutive_failures"] >= 1
    assert health["last_check"]["ok"] is False and health["last_check"]["error"]
    assert [change for change in health["history"]][-1]
    assert health["since"]


def test_connections(site):
    running, _, _ = site
    with running.connect() as connection:
        assert connection.request().status == 200
        answer = running.admin("GET", "/connections")
        assert answer.status == 200
        assert answer.json


def test_config_shows_where_each_object_comes_from(site):
    running, _, _ = site
    running.admin("POST", "/pools", {"name": "extra"})
    config = running.admin("GET", "/config").json
    origins = {pool["name"]: pool["origin"] for pool in config["pools"]}
    assert "weir.yaml" in json.dumps(origins["site"])
    assert "api" in json.dumps(origins["extra"])


def test_events_are_streamed(site):
    running, a, _ = site
    with Connection(running.admin_port) as stream:
        stream.send_request("GET", "/events", [("Host", f"127.0.0.1:{running.admin_port}"),
                                               ("Accept", "text/event-stream")])
        head = stream.head()
        assert (head.status, head.get("content-type").partition(";")[0]) == (200, "text/event-stream")
        assert running.admin("POST", "/backends/a/drain").status == 200
        assert b"a" in stream.read_until(b"data:") + stream.read_until(b"\n")


def test_openapi_describes_the_calls(site):
    running, _, _ = site
    document = running.admin("GET", "/openapi.json").json
    assert document["openapi"].startswith("3.1")
    for path in ("/backends", "/backends/{id}", "/backends/{id}/health", "/config/algorithm", "/pools",
                 "/routing-rules", "/health", "/config", "/connections", "/metrics"):
        assert path in document["paths"], path


def test_what_get_shows_may_be_sent_back_as_described(site):
    """Every body that the admin API takes in any scenario is held against its description (support/described.py)."""
    running, _, _ = site
    made = {"/pools/p": {"algorithm": "p2c", "backends": [{"address": "127.0.0.1:1", "id": "z"}]},
            "/listeners/l": {"address": f"127.0.0.1:{free_port()}", "routes": [{"match": {"path": "/"}, "pool": "p"}]},
            "/routing-rules/r": {"path_prefix": "/r", "backends": ["z"]}}
    for path, body in made.items():
        assert running.admin("PUT", path, body).status == 201
    for path in made:
        assert running.admin("PUT", path, running.admin("GET", path).json).status == 200
    assert running.admin("POST", "/backends", {"address": "127.0.0.1:2", "pool": "p", "id": "y"}).status == 201
    for patch in ({"weight": 3}, {"health_override": "healthy"}, {"health_override": None}):
        assert running.admin("PATCH", "/backends/y", patch).status == 200
    assert running.admin("PUT", "/config/algorithm", {"algorithm": "random", "pool": "p"}).status == 200


def test_changes_leave_an_audit_line(site):
    running, _, _ = site
    running.admin("POST", "/pools", {"name": "audited"})
    eventually(lambda: "audited" in running.log())
