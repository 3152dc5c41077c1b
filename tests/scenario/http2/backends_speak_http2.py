"""HTTP/2 to backends (Python's h2): many requests on few connections, in front of clients of both versions."""

import asyncio
import concurrent.futures

import h2.settings
import hpack
import httpx
import pytest

from h2_origin import H2Origin
from h2_raw import HeadersFrame, RawH2, get, post
from waiting import PATIENCE, background, eventually
from weir import config_of, pool_of

CODES = h2.settings.SettingCodes


@pytest.fixture
def multiplexed(weir):
    """multiplexed(behave) starts Weir in front of one HTTP/2 backend: (weir, backend)."""
    started = []

    def start(behave=None, settings=None, connections=None, workers=1, count=1, **pool):
        made = [H2Origin(f"h2-{i}", settings=settings, **({"behave": behave} if behave else {})).start()
                for i in range(count)]
        started.extend(made)
        site = pool_of(made, protocol="h2", **({"connections": connections} if connections else {}), **pool)
        site["health_check"] = "off"
        running = weir(config_of(site, listener={"http2": True}, workers=workers))
        return running, *made

    yield start
    for origin in started:
        origin.stop()
    assert [fault for origin in started for fault in origin.faults] == []


async def tell(call):
    body = await call.read_body()
    text = "\n".join(f"{name}: {value}" for name, value in call.headers)
    await call.respond(body=f"{text}\n{len(body)}".encode(), headers=[("x-kept", "yes")])


@pytest.mark.parametrize("http2", [False, True], ids=["from HTTP/1.1", "from HTTP/2"])
def test_both_versions_in_front(multiplexed, http2):
    running, origin = multiplexed(tell)
    with httpx.Client(http1=not http2, http2=http2, timeout=10 * PATIENCE) as client:
        for size in (0, 10, 1_000_000):
            answer = client.post(f"http://127.0.0.1:{running.port}/p?q", content=b"x" * size, headers={"X-Mixed": "a"})
            assert (answer.status_code, answer.http_version) == (200, "HTTP/2" if http2 else "HTTP/1.1")
            lines = answer.text.split("\n")
            assert lines[:4] == [":method: POST", ":scheme: http", ":path: /p?q", f":authority: 127.0.0.1:{running.port}"]
            assert "x-mixed: a" in lines and lines[-1] == str(size)
            assert not any(line.startswith(("connection", "host", "transfer-encoding")) for line in lines)
    assert len(origin.peers) == 1, "one connection for all"


def test_many_requests_share_one_connection(multiplexed):
    async def together(call):
        call.origin.waiting = getattr(call.origin, "waiting", 0) + 1
        while call.origin.waiting < 20:
            await asyncio.sleep(0.005)
        await call.respond(body=b"ok")

    running, origin = multiplexed(together)

    def ask(_):
        with running.connect() as connection:
            return connection.request().status

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {200}
    assert len(origin.peers) == 1


def test_no_more_streams_than_the_backend_allows(multiplexed):
    async def counted(call):
        now = sum(not one.done for one in call.origin.calls if hasattr(one, "done")) + 1
        call.done = False
        per_peer = sum(one.peer is call.peer and not getattr(one, "done", True) for one in call.origin.calls)
        call.origin.most = max(getattr(call.origin, "most", 0), per_peer)
        await asyncio.sleep(0.02)
        await call.respond(body=b"ok")
        call.done = True
        assert now

    running, origin = multiplexed(counted, settings={CODES.MAX_CONCURRENT_STREAMS: 3})
    with RawH2(running.port) as client:
        client.headers(1, get())
        assert client.status(1) == 200
        for stream in range(3, 43, 2):
            client.headers(stream, get())
        assert {client.status(stream) for stream in range(3, 43, 2)} == {200}
    assert origin.most <= 3


def test_trailers_and_interim_responses(multiplexed):
    async def all_of_it(call):
        await call.read_body()
        await call.send_headers([(":status", "103"), ("link", "</a.css>")])
        await call.respond(body=b"abc", trailers=[("x-sum", call.trailers[0][1])])

    running, _ = multiplexed(all_of_it)
    with RawH2(running.port) as client:
        client.headers(1, post("/"), end_stream=False)
        client.data(1, b"abc")
        client.headers(1, [("x-sum", "6")])
        status, _, body, trailers = client.response(1)
        assert dict(client.of(HeadersFrame, 1)[0].fields)[":status"] == "103"
        assert (status, body, trailers) == (200, b"abc", [("x-sum", "6")])
    with running.connect() as connection:
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n")
        response = connection.response()
        assert [one.status for one in response.interim] == [103]
        assert response.body == b"abc" and ("x-sum", "7") in response.trailers


def test_streams_behind_a_goaway_are_tried_again(multiplexed):
    async def slow(call):
        if call.path == "/first":
            await asyncio.sleep(0.1)
        elif len(call.origin.peers) == 1:
            return  # the GOAWAY below says that it was never looked at
        await call.respond(body=b"ok")

    running, origin = multiplexed(slow, retries={"attempts": 2})
    with RawH2(running.port) as client:
        client.headers(1, get("/first"))
        eventually(lambda: len(origin.calls) == 1)
        client.headers(3, post("/second"))  # not idempotent: only safe because the backend says so
        eventually(lambda: len(origin.calls) == 2)
        origin.goaway(last_stream=1)
        assert client.response(3)[2] == b"ok"
        assert client.response(1)[2] == b"ok", "what was below the last stream goes on"
    assert len(origin.peers) == 2


def test_a_refused_stream_is_tried_again(multiplexed):
    async def refuse_once(call):
        await call.read_body()
        if len(call.origin.calls) == 1:
            call.peer.h2.reset_stream(call.stream, 7)
            return await call.peer.flush()
        await call.respond(body=b"ok")

    running, origin = multiplexed(refuse_once)
    with running.connect() as connection:
        assert connection.request(method="POST", body=b"x").body == b"ok"
    assert len(origin.calls) == 2


def test_a_connection_that_died_is_replaced(multiplexed):
    running, origin = multiplexed(count=1)
    with running.connect() as connection:
        assert connection.request().status == 200
        background.loop.call_soon_threadsafe(origin.peers[0].transport.abort)
        eventually(lambda: origin.lost == 1)
        assert connection.request().status == 200
    assert len(origin.peers) == 2


def test_malformed_responses_are_502(multiplexed):
    async def bad(call):
        await call.read_body()
        encoder = call.peer.h2
        frames = {"/long": lambda: encoder.send_headers(call.stream, [(":status", "200"), ("content-length", "1")])}
        if call.path in frames:
            frames[call.path]()
            await call.send(b"four", end_stream=True)

    running, _ = multiplexed(bad, retries={"attempts": 0})
    with RawH2(running.port) as client:
        client.headers(1, get("/long"))
        made = client.response(1)
        assert made is None or not isinstance(made, tuple) or made[0] == 502


def test_max_requests_and_idle_connections(multiplexed):
    running, origin = multiplexed(connections={"max_requests": 3, "idle_timeout": f"{PATIENCE}s"})
    with running.connect() as connection:
        for _ in range(7):
            assert connection.request().status == 200
    assert len(origin.peers) == 3
    eventually(lambda: origin.open_connections == 0, 10, "idle connections are closed")


def test_a_draining_backend_finishes_its_streams(multiplexed):
    async def gated(call):
        while call.path == "/wait" and not getattr(call.origin, "open", False):
            await asyncio.sleep(0.01)
        await call.respond(body=b"done")

    running, first, second = multiplexed(gated, count=2)
    with RawH2(running.port) as client:
        client.headers(1, get("/wait"))
        client.headers(3, get("/wait"))
        eventually(lambda: first.calls and second.calls)
        assert running.admin("POST", "/backends/h2-0/drain").status == 200
        running.wait_for_state("draining", "h2-0")
        for stream in range(5, 15, 2):
            client.headers(stream, get("/"))
            assert client.response(stream)[2] == b"done"
        assert len(first.calls) == 1 or all(call.path == "/wait" for call in first.calls)
        first.open = second.open = True
        assert (client.response(1)[2], client.response(3)[2]) == (b"done", b"done")
        eventually(lambda: first.open_connections == 0, 10, "its connection ends")


def test_a_slow_client_holds_back_the_backend_but_not_its_siblings(multiplexed):
    async def endless(call):
        if call.path != "/endless":
            return await call.respond(body=b"ok")
        await call.send_headers([(":status", "200")])
        call.origin.sent = 0
        while True:
            await call.send(b"x" * 16384)
            call.origin.sent += 16384

    running, origin = multiplexed(endless)
    with RawH2(running.port) as client:
        client.window(0, 1 << 30)
        client.headers(1, get("/endless"))
        eventually(lambda: getattr(origin, "sent", 0) > 90_000)
        for stream in range(3, 23, 2):
            client.headers(stream, get("/"))
            assert client.response(stream)[2] == b"ok"
        assert origin.sent < 1_000_000
    assert len(origin.peers) == 1


def test_places_for_connections_pass_between_workers(multiplexed):
    """One worker has them all: others, which cannot use its connections, get one."""
    release = asyncio.Event()

    async def hold(call):
        if call.path == "/hold":
            await release.wait()
        await call.respond(body=b"ok")

    running, origin = multiplexed(hold, connections={"max_streams": 1}, workers=2)
    changed = {**running.config, "timeouts": {"queue": "4s"}}
    changed["pools"][0]["backends"][0]["max_connections"] = 2
    running.reload(changed)
    with RawH2(running.port) as client:
        for stream in (1, 3):
            client.headers(stream, get("/hold"))
        eventually(lambda: len(origin.peers) == 2)
        background.loop.call_soon_threadsafe(release.set)
        for _ in range(12):
            assert httpx.get(f"http://127.0.0.1:{running.port}/", timeout=20 * PATIENCE).status_code == 200


async def deaf_after_one(call):
    await call.respond(body=b"ok")
    if len(call.origin.peers) == 1:
        call.peer.transport.pause_reading()


def test_a_connection_that_has_died_in_silence_is_left(multiplexed):
    """The first request without an answer is 504, for the backend may be at work on it; all others go to a new one."""
    running, origin = multiplexed(deaf_after_one, timeouts={"response": f"{500 * PATIENCE}ms"})
    for status in (200, 504, 200, 200):
        with running.connect() as connection:
            assert connection.request().status == status
    assert len(origin.peers) == 2
    assert origin.calls[-1].peer is origin.peers[1]


def test_a_slow_answer_costs_no_connection_that_is_alive(multiplexed):
    async def by_path(call):
        if call.path == "/slow":
            return await asyncio.sleep(60 * PATIENCE)
        await call.respond(body=b"ok")

    running, origin = multiplexed(by_path, retries={"attempts": 0}, timeouts={"response": f"{700 * PATIENCE}ms"})
    with RawH2(running.port) as client:
        client.headers(1, get("/slow"))
        stream = 1
        while not client.of(HeadersFrame, 1):
            stream += 2
            client.headers(stream, get("/"))
            assert client.status(stream) == 200
        assert client.status(1) == 504
        client.headers(stream + 2, get("/"))
        assert client.status(stream + 2) == 200
    assert len(origin.peers) == 1


def test_a_reset_stream_is_tried_again_on_its_connection(multiplexed):
    """Only a connection that was lost leads to a new one."""
    async def reset_once(call):
        await call.read_body()
        if len(call.origin.calls) == 2:
            call.peer.h2.reset_stream(call.stream, 2)
            return await call.peer.flush()
        await call.respond(body=b"ok")

    running, origin = multiplexed(reset_once, retries={"attempts": 1})
    for _ in range(2):
        with running.connect() as connection:
            assert connection.request().status == 200
    assert (len(origin.calls), len(origin.peers)) == (3, 1)


def test_a_backend_that_takes_no_streams_for_now(multiplexed):
    """It is not asked again on new connections; requests wait, and go on when it takes some."""
    async def close_after_one(call):
        await call.respond(body=b"ok")
        if len(call.origin.calls) == 1:
            call.peer.h2.update_settings({CODES.MAX_CONCURRENT_STREAMS: 0})
            await call.peer.flush()

    running, origin = multiplexed(close_after_one, retries={"attempts": 0}, timeouts={"queue": "300ms"})
    with RawH2(running.port) as client:
        client.headers(1, get())
        assert client.status(1) == 200
        eventually(lambda: origin.peers[0].h2.local_settings.max_concurrent_streams == 0, 10, "its acknowledgement")
        for stream in range(3, 13, 2):
            client.headers(stream, get())
        assert [client.status(stream) for stream in range(3, 13, 2)] == [503] * 5

        async def open_again():
            origin.peers[0].h2.update_settings({CODES.MAX_CONCURRENT_STREAMS: 10})
            await origin.peers[0].flush()

        background.run(open_again())

        def is_served():
            client.highest = getattr(client, "highest", 13) + 2
            client.headers(client.highest, get())
            return client.status(client.highest) == 200

        eventually(is_served)
    assert len(origin.peers) == 1


def test_what_must_not_be_indexed_is_not_indexed_here_either(multiplexed):
    """RFC 7541 6.2.3: an intermediary keeps the representation."""
    async def answer(call):
        secret = hpack.NeverIndexedHeaderTuple("x-answer", "secret")
        await call.respond(headers=[secret, ("x-other", "plain")])

    running, origin = multiplexed(answer)
    with RawH2(running.port) as client:
        secret, plain = hpack.NeverIndexedHeaderTuple("x-question", "secret"), ("x-more", "plain")
        client.headers(1, get("/", secret, plain))
        status, fields, _, _ = client.response(1)
        assert status == 200
        assert {field[0]: field.indexable for field in fields if field[0] in ("x-answer", "x-other")} == {
            "x-answer": False, "x-other": True}
    asked = {field[0]: field.indexable for field in origin.calls[0].headers if field[0] in ("x-question", "x-more")}
    assert asked == {"x-question": False, "x-more": True}
