"""A store that takes seconds, here a file that another process holds locked, keeps nothing waiting but the changes that
are to be stored: probes, verdicts, drains, reads, traffic and SIGTERM go on."""

import concurrent.futures
import contextlib
import sqlite3
import time

import pytest
from client import get
from waiting import eventually, free_port
from weir import config_of, pool_of


@pytest.fixture
def backends(origins):
    return origins("a", "b")


@pytest.fixture
def config(tmp_path, backends):
    store = {"type": "sqlite", "path": str(tmp_path / "weir.db")}
    return config_of(pool_of(backends), store=store, drain_timeout="1s")


@contextlib.contextmanager
def locked(config):
    store = sqlite3.connect(config["store"]["path"], isolation_level=None)
    store.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        store.rollback()
        store.close()


@pytest.fixture
def later():
    with concurrent.futures.ThreadPoolExecutor() as threads:
        yield threads.submit


def test_everything_else_goes_on(weir, config, backends, later):
    running = weir(config)
    running.wait_for_state("healthy", "a", "b")
    port = free_port()
    with locked(config):
        pool = later(running.admin, "POST", "/pools", {"name": "extra"})
        time.sleep(0.3)
        opened = later(running.admin, "POST", "/listeners",
                       {"name": "second", "address": f"127.0.0.1:{port}", "pool": "site"})
        time.sleep(0.3)
        drained = running.admin("POST", "/backends/a/drain")
        assert (drained.status, drained.json["status"], drained.json["stored"]) == (200, "draining", False)
        for path in ("/health", "/health/ready", "/metrics", "/config", "/backends"):
            assert running.admin("GET", path).status == 200
        assert {get(running.port, "/").backend for _ in range(4)} == {"b"}
        backends[1].healthy = False
        running.wait_for_state("unhealthy", "b")
        backends[1].healthy = True
        running.wait_for_state("healthy", "b")
        assert not pool.done() and not opened.done()
        assert running.admin("GET", "/pools/extra").status == 404
    assert pool.result().status == 201, pool.result().text
    assert opened.result().status == 201, opened.result().text
    assert get(port, "/").backend == "b"
    assert running.admin("GET", "/backends/a").json["status"] == "draining"
    eventually(lambda: running.admin("GET", "/backends/a").json["stored"], 20, "stored when it can be")


def test_a_verdict_while_a_listener_waits_does_not_take_its_sockets(weir, config, backends, later):
    running = weir(config)
    running.wait_for_state("healthy", "a", "b")
    port = free_port()
    with locked(config):
        opened = later(running.admin, "POST", "/listeners",
                       {"name": "second", "address": f"127.0.0.1:{port}", "pool": "site"})
        time.sleep(0.3)
        backends[0].healthy = False
        running.wait_for_state("unhealthy", "a")
        assert not opened.done()
    assert opened.result().status == 201, opened.result().text
    assert get(port, "/").backend == "b"


def test_a_change_that_waits_too_long_is_refused_with_the_reason(weir, config, later):
    running = weir(config)
    with locked(config):
        changes = [later(running.admin, "POST", "/pools", {"name": f"p{i}"}) for i in range(3)]
        eventually(lambda: any(change.done() for change in changes), 20)
        refused = next(change.result() for change in changes if change.done())
        assert refused.status == 503, refused.text
        assert refused.problem["status"] == 503
        assert "nothing was changed" in refused.problem["detail"]
        assert int(refused.headers["retry-after"]) > 0
    statuses = sorted(change.result().status for change in changes)
    assert statuses[0] in (201, 503) and statuses[-1] == 503
    assert running.admin("POST", "/pools", {"name": "next"}).status == 201


def test_sigterm_is_followed_while_a_change_waits(weir, config, later):
    running = weir(config)
    with locked(config):
        change = later(running.admin, "POST", "/pools", {"name": "extra"})
        time.sleep(0.3)
        begun = time.monotonic()
        running.terminate()
        assert running.wait() == 0
        assert time.monotonic() - begun < 8
        assert change.exception() is not None or change.result().status == 503
    running.start()
    assert running.admin("GET", "/pools/extra").status == 404
    assert running.admin("POST", "/pools", {"name": "extra"}).status == 201
