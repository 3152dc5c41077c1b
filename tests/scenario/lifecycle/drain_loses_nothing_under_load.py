"""Draining a backend under load: it gets no new work, its requests finish, and no client notices."""

import pytest
from load import Load
from waiting import eventually
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker


def test_drain_and_enable_again(weir, origins):
    a, b = origins("a", "b")
    running = weir(config_of(pool_of([a, b])))
    running.wait_for_state("healthy", "a", "b")
    with Load(running.port, connections=16) as load:
        load.wait_for_requests(200)
        assert running.admin("POST", "/backends/b/drain").status == 200
        running.wait_for_state("draining", "b")
        load.wait_for_requests(50)  # every worker has heard of it
        eventually(lambda: running.metric("weir_backend_requests_active", backend="b") == 0)
        seen = len(b.requests)
        load.wait_for_requests(300)
        assert len(b.requests) == seen
        assert running.admin("POST", "/backends/b/enable").status == 200
        eventually(lambda: len(b.requests) > seen + 20)
    load.assert_nothing_lost()


def test_disable_takes_it_out_and_enable_brings_it_back(weir, origins):
    a, b = origins("a", "b")
    running = weir(config_of(pool_of([a, b])))
    with Load(running.port, connections=16) as load:
        load.wait_for_requests(100)
        assert running.admin("POST", "/backends/a/disable").status == 200
        running.wait_for_state("disabled", "a")
        load.wait_for_requests(50)
        eventually(lambda: running.metric("weir_backend_requests_active", backend="a") == 0)
        seen = len(a.requests)
        load.wait_for_requests(200)
        assert len(a.requests) == seen
        assert running.admin("POST", "/backends/a/enable").status == 200
        eventually(lambda: len(a.requests) > seen + 20)
    load.assert_nothing_lost()
