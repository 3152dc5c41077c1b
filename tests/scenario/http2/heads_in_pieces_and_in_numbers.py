"""Heads and trailers over HTTP/2 that come in pieces, too late, too often or too large."""

import asyncio
import contextlib

import hpack
import pytest

from h2_raw import INTERNAL_ERROR, HeadersFrame, RawH2, RstStreamFrame, frame, get, post
from h2_raw_backend import CONTINUATION, END_HEADERS, END_STREAM, HEADERS, RawH2Backend, literal
from waiting import PATIENCE, background, eventually
from weir import config_of, pool_of

READ_BYTES = 16 * 1024


def site(port, protocol="http/1.1", **settings):
    return {"name": "site", "protocol": protocol, "health_check": "off", **settings,
            "backends": [{"id": "one", "host": "127.0.0.1", "port": port}]}


def test_trailers_that_cross_a_read_behind_a_finished_answer(weir):
    """Weir answers at once, between two reads, and the stream is gone when the rest of its trailers comes."""
    route = {"match": {"path_prefix": "/"}, "respond": {"status": 200, "body": "here"}}
    running = weir(config_of(listener={"http2": True, "routes": [route]}, workers=1))
    for _ in range(4):
        with RawH2(running.port) as client:
            client.receive(0.1)
            head = frame(HEADERS, END_HEADERS, 1, hpack.Encoder().encode(post()))
            first = b"".join(literal(b"a%d" % i, b"v") for i in range(20))
            rest = b"".join(literal(b"b%d" % i, b"w" * 100) for i in range(60))
            body = frame(0, 0, 1, b"x" * (READ_BYTES - len(head) - 2 * 9 - len(first) - 1))
            client.send(head + body + frame(HEADERS, END_HEADERS | END_STREAM, 1, first + rest))
            assert client.status(1) == 200
            assert client.ping(), "the connection goes on"


def test_a_final_head_that_is_not_complete_behind_an_interim_one(weir):
    """Both begin in one segment; the rest of the second comes later."""
    async def answer(writer, stream):
        hints = literal(b":status", b"103") + literal(b"link", b"</a>")
        begin = literal(b":status", b"200") + b"".join(literal(b"a%d" % i, b"v") for i in range(9))
        rest = b"".join(literal(b"b%d" % i, b"w" * 80) for i in range(30)) + literal(b"content-length", b"5")
        writer.write(frame(HEADERS, END_HEADERS, stream, hints) + frame(HEADERS, 0, stream, begin))
        await asyncio.sleep(0.1)
        writer.write(frame(CONTINUATION, END_HEADERS, stream, rest) + frame(0, END_STREAM, stream, b"hello"))

    with RawH2Backend(answer) as backend:
        running = weir(config_of(site(backend.port, "h2"), listener={"http2": True}, workers=1))
        for _ in range(3):
            with RawH2(running.port) as client:
                client.headers(1, get())
                status, fields, body, _ = client.response(1)
                assert (status, body) == (200, b"hello")
                assert {f"a{i}" for i in range(9)} | {f"b{i}" for i in range(30)} <= {name for name, _ in fields}
                assert [dict(head.fields)[":status"] for head in client.of(HeadersFrame, 1)] == ["103", "200"]


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_interim_responses_without_end(weir, origins, protocol):
    async def flood_h1(exchange):
        with contextlib.suppress(OSError):
            for _ in range(10_000):
                await exchange.send(b"HTTP/1.1 103 Early Hints\r\nlink: " + b"x" * 12_000 + b"\r\n\r\n")

    async def flood_h2(writer, stream):
        with contextlib.suppress(OSError):
            for _ in range(10_000):
                head = literal(b":status", b"103") + literal(b"link", b"x" * 100) * 100
                writer.write(frame(HEADERS, END_HEADERS, stream, head))
                await writer.drain()

    with RawH2Backend(flood_h2) as backend:
        port = backend.port if protocol == "h2" else origins("one", behave=flood_h1)[0].port
        pool = site(port, protocol, retries={"attempts": 0})
        running = weir(config_of(pool, listener={"http2": True}, workers=1))
        with RawH2(running.port) as client:
            client.receive(0.1)
            before = running.resident_kb()
            client.headers(1, get())
            eventually(lambda: running.access_log())
            # What came was kept nowhere; the client has read nothing of it yet.
            assert running.resident_kb() - before < 8 * 1024
            assert client.status(1) == 502
            assert len(client.of(HeadersFrame, 1)) < 20


@pytest.mark.parametrize("size", [1_000, 65_300, 65_410, 65_440, 70_000])
def test_a_head_about_as_large_as_may_be(proxy, size):
    async def large(exchange):
        await exchange.respond(headers=[("X-Large", "x" * size)])

    running, _ = proxy(large, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, get())
        got = client.response(1)
        assert got is not None, "an answer or a reset, not silence"
        if isinstance(got, RstStreamFrame):
            assert got.error_code == INTERNAL_ERROR
        else:
            assert got[0] == (200 if dict(got[1]).get("x-large") else 502)


def test_a_tunnel_with_a_length(weir, origins):
    """To an HTTP/1 backend it would announce a body that never comes: the next request would be taken for it."""
    [origin] = origins("one")
    running = weir(config_of(site(origin.port), listener={"http2": True}, workers=1))
    with RawH2(running.port) as client:
        client.headers(1, [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/ws"),
                           (":authority", "a"), ("sec-websocket-version", "13"), ("content-length", "400")],
                       end_stream=False)
        assert client.reset_code(1) == 1
    assert origin.requests == []


def test_a_connection_on_which_an_upgrade_was_refused_serves_nobody_else(weir, origins):
    [origin] = origins("one")
    running = weir(config_of(site(origin.port), workers=1))
    for upgrade in (True, False, False):
        with running.connect() as client:
            fields = "Connection: upgrade\r\nUpgrade: websocket\r\n" if upgrade else ""
            client.send(f"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
            assert client.response().status == 200
    assert origin.connections_opened == 2


def test_trailers_do_not_say_who_the_client_is(weir, origins):
    seen = []

    async def tell(exchange):
        await exchange.read_body()
        seen.extend(name.lower() for name, _ in exchange.request.trailers)
        await exchange.respond()

    [origin] = origins("one", behave=tell)
    running = weir(config_of(site(origin.port), listener={"http2": True}, workers=1))
    with RawH2(running.port) as client:
        client.headers(1, post(), end_stream=False)
        client.data(1, b"hello")
        client.headers(1, [("x-client-cert-subject", "CN=admin"), ("x-real-ip", "1.2.3.4"), ("x-checksum", "5"),
                           ("x_forwarded_for", "6.6.6.6"), ("forwarded", "for=6.6.6.6"), ("x-request-id", "mine")])
        assert client.status(1) == 200
    assert seen == ["x-checksum"]


def test_trailers_whose_end_comes_behind_an_early_answer_cost_no_other_stream(weir, origins):
    release, begun = asyncio.Event(), asyncio.Event()

    async def behave(exchange):
        if exchange.request.target == "/slow":
            await exchange.send_head(200, [("Content-Length", "10")])
            await exchange.send(b"first")
            await release.wait()
            await exchange.send(b"later")
        else:
            await begun.wait()
            await asyncio.sleep(0.1)
            await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            exchange.close()

    (origin,) = origins("one", behave=behave)
    limits = {"timeouts": {"header": f"{2 * PATIENCE}s"}}
    running = weir(config_of(pool_of([origin]), listener={"http2": True}, workers=1, **limits))
    running.wait_for_state("healthy", "one")
    with RawH2(running.port) as client:
        client.headers(1, get("/slow"))
        client.wait(lambda made: isinstance(made, HeadersFrame))  # SETTINGS have come and been acknowledged
        client.headers(3, post("/early"), end_stream=False)
        client.send(frame(HEADERS, END_STREAM, 3, literal(b"a", b"b")))
        background.loop.call_soon_threadsafe(begun.set)
        assert client.reset_code(3) == 0
        client.send(frame(CONTINUATION, END_HEADERS, 3, literal(b"c", b"d")))
        running.settle(2.5)  # more than the time for a head
        background.loop.call_soon_threadsafe(release.set)
        assert client.response(1)[2] == b"firstlater"


def test_a_backends_head_whose_end_comes_when_the_client_has_left_holds_no_connection(weir):
    writers = []

    async def answer(writer, stream):
        writers.append(writer)
        writer.write(frame(HEADERS, 0, stream, b"\x88"))

    with RawH2Backend(answer) as backend:
        running = weir(config_of(site(backend.port, "h2", connections={"idle_timeout": "200ms"}),
                                 listener={"http2": True}, workers=1))
        with RawH2(running.port) as client:
            client.headers(1, get())
            eventually(lambda: writers)
            running.settle(0.3)
            client.reset(1)
            running.settle(0.3)
            background.loop.call_soon_threadsafe(writers[0].write,
                                                 frame(CONTINUATION, END_HEADERS, 1, literal(b"a", b"b")))
            eventually(lambda: running.metric("weir_backend_connections_active") == 0, 5 / PATIENCE, "ended when idle")
