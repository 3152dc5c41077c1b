"""A response without a length runs until the backend closes: an HTTP/1.1 client still learns where it ends, and keeps
its connection."""

import asyncio

from client import Connection
from waiting import background


async def until_close(exchange):
    await exchange.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000)
    exchange.close()


async def of_http_1_0(exchange):
    await exchange.send(b"HTTP/1.0 200 OK\r\n\r\nold")
    exchange.close()


def test_it_arrives_whole_and_framed(proxy):
    running, origin = proxy(until_close)
    with running.connect() as connection:
        response = connection.request()
        assert len(response.body) == 100_000
        assert response.closes or response.get("transfer-encoding") == "chunked"
        if not response.closes:
            origin.behave = of_http_1_0
            assert connection.request().body == b"old"


def test_an_http_1_0_client_gets_it_until_close(proxy):
    running, _ = proxy(until_close)
    with running.connect() as connection:
        response = connection.request(version="HTTP/1.0")
        assert response.get("transfer-encoding") is None
        assert len(response.body) == 100_000
        assert connection.is_closed()


def test_a_reset_does_not_look_like_an_end(proxy):
    begun = asyncio.Event()

    async def reset_in_the_middle(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000)
        await begun.wait()
        exchange.reset()

    running, _ = proxy(reset_in_the_middle)
    with Connection(running.port) as connection:
        connection.send_request()
        head = connection.head()
        background.loop.call_soon_threadsafe(begun.set)
        try:
            connection.read_body(head, "GET")
            whole = True
        except (AssertionError, ConnectionError, ValueError):
            whole = False
        assert not whole, "a body that was cut off ended as if it were whole"
