"""A peer that goes silent gets the answer that says so, and no connection waits for ever."""

import asyncio
import time

import pytest
from client import refused
from waiting import PATIENCE


async def never(exchange):
    await asyncio.sleep(30)
    exchange.close()


def within(begin, least, most):
    assert least <= time.monotonic() - begin <= most * PATIENCE


def test_a_head_that_never_ends_is_408(proxy):
    running, _ = proxy(timeouts={"header": "500ms"})
    begin = time.monotonic()
    assert refused(running.port, b"GET / HTTP/1.1\r\nHost: a\r\n") == 408
    within(begin, 0.4, 3)


def test_a_head_that_drips_is_408_too(proxy):
    running, _ = proxy(timeouts={"header": "500ms"})
    with running.connect() as connection:
        begin = time.monotonic()
        try:
            for byte in b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 100:
                connection.send(bytes([byte]))
                time.sleep(0.05)
        except ConnectionError:
            pass
        within(begin, 0.4, 3)


def test_an_idle_connection_is_closed(proxy):
    running, _ = proxy(timeouts={"idle": "500ms"})
    with running.connect() as connection:
        begin = time.monotonic()
        assert connection.request().status == 200
        assert connection.is_closed()
        within(begin, 0.4, 3)


def test_a_connection_that_never_says_anything_is_closed(proxy):
    running, _ = proxy(timeouts={"idle": "500ms", "header": "500ms"})
    begin = time.monotonic()
    with running.connect() as connection:
        connection.read_to_end()
        within(begin, 0.4, 3)


def test_a_backend_that_does_not_answer_is_504(proxy):
    running, _ = proxy(never, pool={"timeouts": {"response": "500ms"}, "retries": {"attempts": 0}})
    with running.connect() as connection:
        begin = time.monotonic()
        assert connection.request().status == 504
        within(begin, 0.4, 3)


def test_a_route_may_wait_longer_or_shorter(proxy):
    async def slow(exchange):
        await asyncio.sleep(0.6)
        await exchange.respond()

    routes = [{"match": {"path_prefix": "/quick"}, "pool": "site", "timeouts": {"response": "200ms"}}]
    running, _ = proxy(slow, listener={"routes": routes}, pool={"retries": {"attempts": 0}})
    with running.connect() as connection:
        assert connection.request(target="/slow").status == 200
        assert connection.request(target="/quick").status == 504


def test_a_response_body_that_stalls_is_cut(proxy):
    async def stall(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await never(exchange)

    running, _ = proxy(stall, timeouts={"body": "500ms"})
    with running.connect() as connection:
        begin = time.monotonic()
        connection.send_request()
        assert connection.head().status == 200
        with pytest.raises((AssertionError, ConnectionError)):
            connection.read_exactly(10)
        within(begin, 0.3, 3)


def test_a_request_body_that_stalls_is_408(proxy):
    running, _ = proxy(timeouts={"body": "500ms"})
    begin = time.monotonic()
    assert refused(running.port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc") == 408
    within(begin, 0.4, 3)


def test_a_slow_but_steady_body_is_not_cut(proxy):
    async def echo(exchange):
        await exchange.respond(body=await exchange.read_body())

    running, _ = proxy(echo, timeouts={"body": f"{1500 * PATIENCE}ms"})
    with running.connect() as connection:
        connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        for byte in b"0123456789":
            time.sleep(0.25 * PATIENCE)
            connection.send(bytes([byte]))
        assert connection.response("POST").body == b"0123456789"
