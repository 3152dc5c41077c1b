"""Chunked bodies are streamed both ways; extensions are dropped, trailers go on to who can take them."""

import asyncio

import pytest
from client import request


async def echo(exchange):
    body = await exchange.read_body()
    await exchange.respond(body=body)


def test_a_chunked_request_arrives_whole_with_its_trailers(proxy):
    running, origin = proxy(echo)
    body = b"3;name=value\r\nabc\r\n000A;q=\"a;b\"\r\n0123456789\r\n0\r\nX-Sum: 13\r\n\r\n"
    fields = [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")]
    assert request(running.port, "POST", "/", fields, body).body == b"abc0123456789"
    assert origin.requests[0].body == b"abc0123456789"
    assert origin.requests[0].trailers == [("X-Sum", "13")]


def test_an_empty_chunked_request(proxy):
    running, origin = proxy(echo)
    response = request(running.port, "POST", "/", [("Transfer-Encoding", "chunked")], b"0\r\n\r\n")
    assert response.status == 200
    assert origin.requests[0].body == b""


async def chunked_with_trailers(exchange):
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
    await exchange.send(b"3\r\nabc\r\n")
    await asyncio.sleep(0.05)
    await exchange.send(b"5;x=y\r\ndefgh\r\n0\r\nX-Sum: 8\r\n\r\n")


def test_a_chunked_response_arrives_whole_with_its_trailers(proxy):
    running, _ = proxy(chunked_with_trailers)
    with running.connect() as connection:
        response = connection.request(headers=[("TE", "trailers"), ("Connection", "TE")])
        assert (response.body, response.trailers) == (b"abcdefgh", [("X-Sum", "8")])
        assert connection.request().body == b"abcdefgh"


def test_forbidden_trailers_are_not_forwarded(proxy):
    async def forbidden(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
                            b"Content-Length: 5\r\nTransfer-Encoding: gzip\r\nX-Fine: 1\r\n\r\n")

    running, _ = proxy(forbidden)
    with running.connect() as connection:
        response = connection.request(headers=[("TE", "trailers"), ("Connection", "TE")])
        assert response.body == b"a"
        assert [name.lower() for name, _ in response.trailers] in ([], ["x-fine"])


@pytest.mark.parametrize("pieces", [1, 50])
def test_the_first_piece_arrives_before_the_last_is_sent(proxy, pieces):
    release = asyncio.Event()

    async def in_two_steps(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"2\r\nab\r\n" * pieces)
        await release.wait()
        await exchange.send(b"0\r\n\r\n")

    from waiting import background

    running, _ = proxy(in_two_steps)
    with running.connect() as connection:
        connection.send_request()
        assert connection.head().status == 200
        connection.read_until(b"ab")
        background.loop.call_soon_threadsafe(release.set)
        connection.read_until(b"0\r\n\r\n")
