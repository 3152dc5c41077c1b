"""Requests sent without waiting are answered one after another, whatever their sizes and however the bytes arrive."""

import asyncio

from waiting import eventually


async def echo_target(exchange):
    body = await exchange.read_body()
    if exchange.request.target == "/0":
        await asyncio.sleep(0.1)
    await exchange.respond(body=exchange.request.target.encode() + b":" + body)


def test_twenty_at_once(proxy):
    running, _ = proxy(echo_target)
    with running.connect() as connection:
        for number in range(20):
            connection.send_request("POST", f"/{number}", body=b"x" * (number * 1000))
        for number in range(20):
            assert connection.response().body == b"/%d:" % number + b"x" * (number * 1000)


def test_bytes_that_arrive_one_by_one(proxy):
    running, _ = proxy(echo_target)
    with running.connect() as connection:
        data = (b"POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n0\r\nT: 1\r\n\r\n"
                b"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        for position in range(len(data)):
            connection.send(data[position:position + 1])
        assert connection.response().body == b"/1:abc"
        assert connection.response().body == b"/2:"


def test_after_a_request_that_closes_nothing_more_is_answered(proxy):
    running, origin = proxy(echo_target)
    with running.connect() as connection:
        connection.send_request(target="/1", headers=[("Connection", "close")])
        connection.send_request(target="/2")
        assert connection.response().body == b"/1:"
        assert connection.is_closed()
    eventually(lambda: len(origin.requests) == 1)


def test_an_empty_line_before_a_request_is_skipped(proxy):
    running, _ = proxy(echo_target)
    with running.connect() as connection:
        connection.send("\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.response().body == b"/1:"
        assert connection.response().body == b"/2:"
