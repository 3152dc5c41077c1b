"""At max_connections of a backend requests wait for one that comes free, in order of arrival, and no longer than their
queue timeout."""

import asyncio
import threading
import time

import pytest
from waiting import PATIENCE, background, eventually
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker


@pytest.fixture
def gate(origins):
    """A backend that holds every request until the gate opens."""
    (origin,) = origins("one")
    origin.release = asyncio.Event()

    async def hold(exchange):
        await origin.release.wait()
        await exchange.respond()

    origin.behave = hold
    return origin


def limited(origin, **timeouts):
    pool = pool_of([origin], timeouts=timeouts)
    pool["backends"][0]["max_connections"] = 2
    return config_of(pool, workers=2)


def test_the_third_request_waits_until_a_connection_is_free(weir, gate):
    running = weir(limited(gate, queue="10s"))
    connections = [running.connect() for _ in range(6)]
    for connection in connections:
        connection.send_request()
    eventually(lambda: len(gate.requests) == 2)
    running.settle()
    assert len(gate.requests) == 2
    background.loop.call_soon_threadsafe(gate.release.set)
    for connection in connections:
        assert connection.response().status == 200
        connection.close()
    assert len(gate.requests) == 6


def test_who_waits_too_long_gets_503(weir, gate):
    running = weir(limited(gate, queue="300ms"))
    holders = [running.connect() for _ in range(2)]
    for connection in holders:
        connection.send_request()
    eventually(lambda: len(gate.requests) == 2)
    with running.connect() as waiting:
        begin = time.monotonic()
        assert waiting.request().status == 503
        assert 0.25 <= time.monotonic() - begin <= 2 * PATIENCE
    (line,) = eventually(running.access_log)
    assert line["termination"] == "queue_timeout" and "timeouts.queue" in line["detail"], line
    background.loop.call_soon_threadsafe(gate.release.set)
    for connection in holders:
        assert connection.response().status == 200
        connection.close()


def test_a_full_queue_is_named_and_its_requests_are_not_the_backend_s(weir, gate):
    config = limited(gate, queue="10s")
    config["pools"][0]["connections"] = {"max_queue": 0}
    running = weir(config)
    holders = [running.connect() for _ in range(2)]
    for connection in holders:
        connection.send_request()
    eventually(lambda: len(gate.requests) == 2)
    with running.connect() as refused:
        assert refused.request().status == 503
    (line,) = eventually(running.access_log)
    assert line["termination"] == "queue_full" and "connections.max_queue" in line["detail"], line
    background.loop.call_soon_threadsafe(gate.release.set)
    for connection in holders:
        assert connection.response().status == 200
        connection.close()
    assert running.metric("weir_backend_requests_total", pool="site") == 2


def test_clients_of_all_workers_have_their_turns(weir, origins):
    """The backend closes after each response, so that places come free and not connections."""

    async def behave(exchange):
        await exchange.respond(headers=[("Connection", "close")])
        exchange.close()

    (origin,) = origins("one", behave=behave)
    pool = pool_of([origin], timeouts={"queue": "30s"})
    pool["backends"][0]["max_connections"] = 1
    running = weir(config_of(pool, workers=2))
    running.wait_for_state("healthy", "one")
    served = []
    give_up = time.monotonic() + 50 * PATIENCE

    def ask():
        with running.connect(timeout=30) as client:
            count = 0
            while len(served) < 12 and time.monotonic() < give_up:
                assert client.request().status == 200
                count += 1
                if count == 5:
                    served.append(client)

    clients = [threading.Thread(target=ask) for _ in range(12)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60 * PATIENCE)
    assert len(served) == 12, "each had five answers"
    assert running.metric("weir_requests_total", code="503") == 0
