"""Requests of many client connections share few connections to a backend, also over workers."""

import pytest
from client import get


def test_one_after_another_needs_one_connection_of_a_worker(proxy):
    running, _ = proxy(workers=1)
    for _ in range(20):
        assert get(running.port).status == 200
    assert running.metric("weir_upstream_connections_opened_total") == 1
    assert running.metric("weir_upstream_connections_reused_total") == 19


@pytest.mark.multiworker
def test_a_worker_takes_over_an_idle_connection_of_another(proxy):
    running, _ = proxy(workers=4)

    def taken_over():
        return running.metric("weir_upstream_connections_taken_over_total")

    for _ in range(15):
        for _ in range(20):
            assert get(running.port).status == 200
        if taken_over() >= 3:
            break
    assert taken_over() >= 3
    # A worker that gets no answer from the other within some milliseconds opens a connection of its own.
    assert running.metric("weir_upstream_connections_opened_total") <= 10


def test_a_backend_that_asks_to_close_is_not_reused(proxy):
    async def closing(exchange):
        await exchange.respond(headers=[("Connection", "close")])
        exchange.close()

    running, _ = proxy(closing)
    for _ in range(5):
        assert get(running.port).status == 200
    assert running.metric("weir_upstream_connections_opened_total") == 5
