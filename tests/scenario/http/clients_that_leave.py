"""A client that goes away frees the backend at once, counts as no failure of the backend, and is logged as what it is."""

import asyncio

from waiting import eventually
from weir import config_of, pool_of


def test_a_reset_while_waiting_for_the_response(proxy):
    async def never(exchange):
        assert await exchange.reader.read(1) == b""

    running, origin = proxy(never)
    connection = running.connect()
    connection.send_request()
    eventually(lambda: origin.requests)
    connection.reset()
    eventually(lambda: running.metric("weir_backend_requests_active") == 0, what="the backend is free")
    eventually(lambda: running.metric("weir_connections_active") == 0)
    assert running.metric("weir_backend_failures_total") == 0


def test_a_close_while_waiting_for_the_response(proxy):
    """It may be only half a close, so the exchange goes on; the answer then finds nobody."""

    async def slow(exchange):
        await asyncio.sleep(0.3)
        await exchange.respond(body=b"x" * 1_000_000)

    running, origin = proxy(slow)
    connection = running.connect()
    connection.send_request()
    eventually(lambda: origin.requests)
    connection.close()
    eventually(lambda: running.metric("weir_backend_requests_active") == 0, what="the backend is free")
    eventually(lambda: running.metric("weir_connections_active") == 0)
    assert running.metric("weir_backend_failures_total") == 0


def test_in_the_middle_of_a_body(proxy):
    async def endless(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await exchange.send(b"400\r\n" + b"x" * 1024 + b"\r\n")

    running, origin = proxy(endless)
    connection = running.connect()
    connection.send_request()
    assert connection.head().status == 200
    connection.read_exactly(5000)
    connection.reset()
    eventually(lambda: running.metric("weir_backend_requests_active") == 0)
    eventually(lambda: running.metric("weir_connections_active") == 0)


def test_in_the_middle_of_an_upload(proxy):
    running, origin = proxy()
    connection = running.connect()
    connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
    eventually(lambda: origin.requests)
    connection.close()
    eventually(lambda: running.metric("weir_backend_requests_active") == 0)
    eventually(lambda: running.metric("weir_connections_active") == 0)


def test_half_closed_clients_still_get_their_answer(proxy):
    async def slow(exchange):
        await asyncio.sleep(0.2)
        await exchange.respond(body=b"late")

    running, _ = proxy(slow)
    with running.connect() as connection:
        connection.send_request()
        connection.end()
        response = connection.response()
        assert response.body == b"late"


def test_what_a_client_cut_short_says_nothing_of_the_backends_speed(weir, origins):
    async def behave(exchange):
        await asyncio.sleep(30 if exchange.request.target == "/never" else 0.002)
        await exchange.respond()

    a, b = origins("a", "b", behave=behave)
    running = weir(config_of(pool_of([a, b], algorithm="least_response_time"), workers=1))
    running.wait_for_state("healthy", "a", "b")
    with running.connect() as client:
        for _ in range(100):
            assert client.request().status == 200
        leaving = running.connect()
        seen = len(a.requests), len(b.requests)
        leaving.send_request(target="/never")
        eventually(lambda: (len(a.requests), len(b.requests)) != seen)
        left = a if len(a.requests) > seen[0] else b
        leaving.reset()
        eventually(lambda: running.metric("weir_backend_requests_active") == 0)
        before = len(left.requests)
        for _ in range(300):
            assert client.request().status == 200
        assert len(left.requests) > before, "both are equally fast"
