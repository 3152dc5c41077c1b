"""What the API made is in the SQLite store when the call is answered: kill -9, also in the middle of writing, loses
nothing that was confirmed and spoils nothing."""

import threading

import pytest
from client import get
from waiting import eventually
from weir import config_of, pool_of


@pytest.fixture
def config(tmp_path, origins):
    return config_of(pool_of(origins("file")), store={"type": "sqlite", "path": str(tmp_path / "weir.db")})


def ids(running):
    return {line["backend"] for name, line, _ in running.metrics() if name == "weir_backend_up"}


def test_backends_pools_and_rules_survive(weir, config, origins):
    (origin,) = origins("kept")
    running = weir(config)
    assert running.admin("POST", "/pools", {"name": "extra", "algorithm": "least_connections"}).status == 201
    body = {"host": "127.0.0.1", "port": origin.port, "id": "kept", "pool": "extra", "weight": 7}
    assert running.admin("POST", "/backends", body).status == 201
    rule = running.admin("POST", "/routing-rules", {"path_prefix": "/kept", "algorithm": "random", "backends": ["kept"]})
    assert rule.status == 201, rule.text
    name = running.admin("GET", "/health").json["load_balancer_id"]
    running.kill()
    running.start()
    assert running.admin("GET", "/health").json["load_balancer_id"] == name
    backend = running.admin("GET", "/backends/kept").json
    assert (backend["weight"], backend["pool"]) == (7, "extra")
    assert running.admin("GET", "/pools/extra").json["algorithm"] in ("least_connections",
                                                                      {"type": "least_connections"})
    eventually(lambda: get(running.port, "/kept").backend == "kept")
    assert get(running.port, "/other").backend == "file"


def test_a_deleted_backend_stays_deleted(weir, config, origins):
    (origin,) = origins("gone")
    running = weir(config)
    body = {"host": "127.0.0.1", "port": origin.port, "id": "gone", "pool": "site"}
    assert running.admin("POST", "/backends", body).status == 201
    assert running.admin("DELETE", "/backends/gone").status == 200
    running.kill()
    running.start()
    assert running.admin("GET", "/backends/gone").status == 404


@pytest.mark.parametrize("round_number", range(3))
def test_killed_while_writing_every_confirmed_backend_is_there(weir, config, round_number):
    running = weir(config)
    confirmed = []

    def write():
        for number in range(10_000):
            body = {"host": "127.0.0.1", "port": 1 + number, "id": f"b{number}", "pool": "site", "enabled": False}
            try:
                if running.admin("POST", "/backends", body).status == 201:
                    confirmed.append(f"b{number}")
            except (OSError, AssertionError):
                return

    writer = threading.Thread(target=write)
    writer.start()
    eventually(lambda: len(confirmed) > 20 + 7 * round_number)
    process, running.process = running.process, None
    process.kill()
    process.wait()
    writer.join()
    running.start()
    there = ids(running)
    assert set(confirmed) <= there
    assert len(there - {"file"}) <= len(confirmed) + 1
