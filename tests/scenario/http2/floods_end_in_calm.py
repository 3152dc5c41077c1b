"""What is cheap for a client and dear for us is counted: ENHANCE_YOUR_CALM, while others are served as before."""

import threading
import time

import pytest
from hyperframe.frame import SettingsFrame

from h2_raw import ENHANCE_YOUR_CALM, RawH2, frame, get, post
from waiting import PATIENCE


async def slow(exchange):
    """Never answers /slow; the others at once."""
    if exchange.request.target == "/slow":
        await exchange.reader.read()
    else:
        await exchange.respond(body=b"ok")


def rapid_resets(client):
    for stream in range(1, 1200, 2):
        yield frame(1, 5, stream, client.encode(get("/slow"))) + frame(3, 0, stream, b"\0\0\0\x08")


def resets_we_are_made_to_send(client):
    for stream in range(1, 1200, 2):
        yield frame(1, 5, stream, client.encode(get("/slow"))) + frame(8, 0, stream, b"\x7f\xff\xff\xff")
        # Never more streams open than allowed, which would be an error of its own.
        if stream % 100 == 99:
            client.ping()


def repeated(one, count=4000):
    def flood(client):
        client.headers(1, post("/slow"), end_stream=False)
        for _ in range(count // 100):
            yield one * 100

    return flood


def continuations(client):
    yield frame(1, 1, 1, client.encode(get("/slow")))
    for _ in range(1000):
        yield frame(9, 0, 1, b"\x00\x01x\x01y")


def table_bomb(client):
    yield frame(1, 1, 1, b"\x82\x84\x86\x41\x01a" + b"\x40\x01x\x7f\xa1\x1e" + b"v" * 4000)
    for _ in range(100):
        yield frame(9, 0, 1, b"\xbe" * 16000)


def streams_beyond_the_limit(client):
    for stream in range(1, 400, 2):
        yield frame(1, 5, stream, client.encode(get("/slow")))


FLOODS = {"rapid resets": rapid_resets, "streams beyond the limit": streams_beyond_the_limit, "resets we are made to send": resets_we_are_made_to_send,
          "settings": repeated(frame(4, 0, 0)), "pings": repeated(frame(6, 0, 0, b"12345678")),
          "empty data": repeated(frame(0, 0, 1)), "window updates": repeated(frame(8, 0, 0, b"\0\0\0\1")),
          "priorities": repeated(frame(2, 0, 3, b"\0\0\0\0\x10")), "continuations": continuations,
          "a growing head": table_bomb, "unknown frames": repeated(frame(0xf0, 0, 0, b"x" * 200), 6000)}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_the_connection(proxy, name):
    running, _ = proxy(slow, listener={"http2": True})
    with RawH2(running.port) as client:
        # Acknowledged now, not in the middle of a head.
        client.wait(lambda made: isinstance(made, SettingsFrame))
        for piece in FLOODS[name](client):
            if not client.send(piece):
                break
            client.receive(0)
        assert client.goaway_code() == ENHANCE_YOUR_CALM
        assert client.is_over()


def test_as_many_streams_as_are_allowed_are_served(proxy):
    running, _ = proxy(slow, listener={"http2": {"enabled": True, "max_streams": 4}})
    with RawH2(running.port) as client:
        client.wait(lambda made: isinstance(made, SettingsFrame))
        for stream in (1, 3, 5):
            client.headers(stream, get("/slow"))
        for stream in range(7, 107, 2):
            client.headers(stream, get("/"))
            assert client.status(stream) == 200
        client.headers(107, get("/slow"))
        assert client.ping()
        client.headers(109, get("/"))
        assert client.goaway_code() == ENHANCE_YOUR_CALM


def test_others_keep_their_latency(proxy):
    running, _ = proxy(slow, listener={"http2": True})
    stop = threading.Event()

    def attack():
        while not stop.is_set():
            with RawH2(running.port) as client:
                for piece in rapid_resets(client):
                    if stop.is_set() or not client.send(piece):
                        break

    attacker = threading.Thread(target=attack)
    attacker.start()
    try:
        with running.connect() as connection:
            for _ in range(50):
                began = time.monotonic()
                assert connection.request().status == 200
                assert time.monotonic() - began < 2 * PATIENCE
    finally:
        stop.set()
        attacker.join()
