"""WebSockets by HTTP/1.1 Upgrade and by extended CONNECT (RFC 8441), with either behind either."""

import asyncio
import base64
import hashlib
import ssl

import h2.settings
import pytest
import websockets

from h2_origin import H2Origin, Peer
from h2_raw import RawH2, get
from h2_websocket import StreamSocket, echo_over_h2
from waiting import PATIENCE, background, eventually, free_port
from weir import config_of, pool_of

CODES = h2.settings.SettingCodes


UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


class EchoServer:
    """The websockets package as a backend: says back what it hears."""

    name, host = "ws", "127.0.0.1"

    def __init__(self):
        self.port, self.heads, self.server = free_port(), [], None

    async def echo(self, socket):
        self.heads.append({name.lower(): value for name, value in socket.request_headers.raw_items()})
        async for message in socket:
            await socket.send(message)

    def start(self):
        async def begin():
            self.server = await websockets.serve(self.echo, self.host, self.port, max_size=None, ping_interval=None,
                                                 subprotocols=["chat"])

        background.run(begin())
        return self

    def stop(self):
        background.loop.call_soon_threadsafe(self.server.close)


class Http1Echo(asyncio.Protocol):
    """Switches to a WebSocket that says back every byte."""

    def __init__(self):
        self.head, self.switched = b"", False

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if self.switched:
            return self.transport.write(data)
        self.head += data
        if self.head.endswith(b"\r\n\r\n"):
            self.switched = True
            key = next(line.split(b": ")[1] for line in self.head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                 b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")


class EitherOrigin(H2Origin):
    """A TLS backend of both versions, which takes WebSockets by HTTP/1.1, and by HTTP/2 where its settings say so."""

    def __init__(self, pair, settings=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        super().__init__(behave=echo_over_h2, settings=settings, tls=context)
        self.chosen = []

    def protocol(self):
        origin = self

        class ByAlpn(asyncio.Protocol):
            def connection_made(self, transport):
                version = transport.get_extra_info("ssl_object").selected_alpn_protocol()
                origin.chosen.append(version)
                spoken = Peer(origin) if version == "h2" else Http1Echo()
                transport.set_protocol(spoken)
                spoken.connection_made(transport)

        return ByAlpn()


@pytest.fixture
def backend(request, weir):
    """Weir in front of a WebSocket backend of the version that the test asks for."""
    made = None

    def start(version, **settings):
        nonlocal made
        made = EchoServer() if version == 1 else H2Origin(behave=echo_over_h2, settings={CODES.ENABLE_CONNECT_PROTOCOL: 1})
        made.start()
        pool = pool_of([made], **({"protocol": "h2"} if version == 2 else {}))
        pool["health_check"] = "off"
        return weir(config_of(pool, listener={"http2": True}, **settings)), made

    yield start
    made.stop()
    assert getattr(made, "faults", []) == []


async def talk(port, texts):
    url = f"ws://127.0.0.1:{port}/ws"
    async with websockets.connect(url, open_timeout=10 * PATIENCE, subprotocols=["chat"], max_size=None) as socket:
        answers = []
        for text in texts:
            await socket.send(text)
            answers.append(await asyncio.wait_for(socket.recv(), 10 * PATIENCE))
        return answers, socket.subprotocol


@pytest.mark.parametrize("version", [1, 2])
def test_an_http_1_client(backend, version):
    running, _ = backend(version)
    texts = ["one", "two", "x" * 100]
    assert background.run(talk(running.port, texts)) == (texts, "chat")


@pytest.mark.parametrize("version", [1, 2])
def test_an_http_2_client(backend, version):
    running, made = backend(version)
    with RawH2(running.port) as client:
        sockets = [StreamSocket(client, stream, "/ws", ("sec-websocket-protocol", "chat")) for stream in (1, 3, 5)]
        for number, socket in enumerate(sockets):
            assert socket.status == 200
            assert socket.headers["sec-websocket-protocol"] == "chat"
            assert not {"sec-websocket-accept", "upgrade", "connection"} & set(socket.headers)
            socket.send(f"hello {number}")
        for number, socket in enumerate(sockets):
            assert socket.receive() == (1, f"hello {number}".encode())
        sockets[0].close()
        assert sockets[0].receive() == (8, b"\x03\xe8")
        sockets[1].send("the others go on")
        assert sockets[1].receive() == (1, b"the others go on")
    if version == 1:
        assert made.heads[0]["upgrade"].lower() == "websocket" and made.heads[0]["sec-websocket-key"]


def test_a_websocket_that_says_it_is_a_call_has_no_deadline(backend):
    running, _ = backend(1)
    call = (("content-type", "application/grpc"), ("grpc-timeout", "300m"))
    with RawH2(running.port) as client:
        socket = StreamSocket(client, 1, "/ws", *call)
        assert socket.status == 200
        running.settle(0.6)
        socket.send("still here")
        assert socket.receive() == (1, b"still here")


def test_a_websocket_that_says_it_is_a_call_fails_as_a_websocket(weir):
    """200 would mean that the tunnel is open."""
    pool = {"name": "site", "health_check": "off",
            "backends": [{"id": "gone", "host": "127.0.0.1", "port": free_port()}]}
    running = weir(config_of(pool, listener={"http2": True}))
    with RawH2(running.port) as client:
        assert StreamSocket(client, 1, "/ws", ("content-type", "application/grpc")).status == 502


@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
def test_a_call_that_offers_an_upgrade_is_a_call(weir, protocol):
    pool = {"name": "site", "health_check": "off",
            "backends": [{"id": "gone", "host": "127.0.0.1", "port": free_port()}]}
    running = weir(config_of(pool))
    with running.connect() as client:
        answer = client.request("POST", headers=[("Connection", "Upgrade"), ("Upgrade", protocol),
                                                 ("Content-Type", "application/grpc"), ("Content-Length", "0")])
        assert (answer.status, answer.get("grpc-status")) == (200, "14")


@pytest.mark.parametrize("body", [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                                  b"\r\n"], ids=["with length", "in chunks", "without"])
def test_a_post_that_offers_an_upgrade_is_a_post(weir, body):
    async def tell(call):
        said = await call.read_body()
        await call.respond(body=call.get(":method").encode() + b" " + said)

    origin = H2Origin(behave=tell, settings={CODES.ENABLE_CONNECT_PROTOCOL: 1}).start()
    try:
        pool = pool_of([origin], protocol="h2")
        pool["health_check"] = "off"
        running = weir(config_of(pool, workers=1))
        upgrade = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE)
        with running.connect() as client:
            client.send(f"POST / HTTP/1.1\r\nHost: a\r\n{upgrade}".encode() + body)
            assert client.response("POST").body == (b"POST " if body == b"\r\n" else b"POST hello")
    finally:
        origin.stop()
    assert origin.faults == []


def test_a_get_with_an_empty_body_is_upgraded(backend):
    running, made = backend(2)
    with running.connect() as client:
        client.send_request(headers=[*UPGRADE, ("Content-Length", "0")])
        assert client.head().status == 101
    assert [call.get("content-length") for call in made.calls] == [None]


def test_large_messages(backend):
    running, _ = backend(1)
    texts = ["y" * 3_000_000]
    assert background.run(talk(running.port, texts))[0] == texts


def test_a_backend_without_extended_connect(weir):
    """501, and no blame: nobody should be able to use up retries or have backends ejected by asking for it."""
    origin = H2Origin(behave=echo_over_h2).start()
    try:
        pool = pool_of([origin], protocol="h2", retries={"attempts": 2})
        pool["health_check"] = "off"
        running = weir(config_of(pool, listener={"http2": True}))
        with RawH2(running.port) as client:
            assert StreamSocket(client, 1).status == 501
        with running.connect() as connection:
            answer = connection.request(headers=UPGRADE)
            assert (answer.status, b"WebSockets are not offered here" in answer.body) == (501, True)
        assert running.admin("GET", f"/backends/{origin.name}/health").json["failed_requests"] == 0
        lines = eventually(lambda: len(running.access_log()) == 2 and running.access_log())
        assert [(line["attempts"], line["termination"]) for line in lines] == [(1, "client_unsupported")] * 2
    finally:
        origin.stop()


@pytest.mark.parametrize("tunnels", [False, True], ids=["by HTTP/1.1", "by HTTP/2"])
def test_a_backend_of_both_versions(weir, authority, tunnels):
    """`protocol: auto`: HTTP/2 where it carries WebSockets, and otherwise a connection of HTTP/1.1 beside it."""
    origin = EitherOrigin(authority.issue("IP:127.0.0.1"), {CODES.ENABLE_CONNECT_PROTOCOL: 1} if tunnels else None).start()
    try:
        pool = pool_of([origin], protocol="auto", tls={"ca": str(authority.cert)}, retries={"attempts": 0})
        pool["health_check"] = "off"
        running = weir(config_of(pool, listener={"http2": True}, workers=1))
        with RawH2(running.port) as client:
            for stream in (1, 5):
                socket = StreamSocket(client, stream)
                assert socket.status == 200
                socket.send("hello")
                assert socket.receive() == (1, b"hello")
                client.headers(stream + 2, get("/plain"))
                assert client.status(stream + 2) == 400, "what this backend says to requests over HTTP/2"
        assert origin.chosen == (["h2"] if tunnels else ["h2", "http/1.1", "http/1.1"])
        assert running.admin("GET", f"/backends/{origin.name}/health").json["failed_requests"] == 0
    finally:
        origin.stop()
    assert origin.faults == []


def test_a_backend_of_http_2_alone(weir, authority):
    """`protocol: auto`: that it does not take HTTP/1.1 either is no failure of its own, however often it is asked."""
    pair = authority.issue("IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    context.set_alpn_protocols(["h2"])
    origin = H2Origin(tls=context).start()
    try:
        pool = pool_of([origin], protocol="auto", tls={"ca": str(authority.cert)}, retries={"attempts": 2})
        pool["health_check"] = "off"
        running = weir(config_of(pool, listener={"http2": True}, workers=1))
        for _ in range(5):
            with running.connect() as connection:
                assert connection.request(headers=UPGRADE).status == 501
        with running.connect() as connection:
            assert connection.request().status == 200
        health = running.admin("GET", f"/backends/{origin.name}/health").json
        assert (health["failed_requests"], health["consecutive_failures"]) == (0, 0)
    finally:
        origin.stop()


def test_a_backend_that_refuses(proxy):
    async def refuse(exchange):
        await exchange.respond(403, body=b"no")

    running, _ = proxy(refuse, listener={"http2": True})
    with RawH2(running.port) as client:
        assert StreamSocket(client, 1).status == 403


def test_quiet_websockets_end_in_time(backend):
    running, _ = backend(1, timeouts={"tunnel": "300ms"})
    with RawH2(running.port) as client:
        socket = StreamSocket(client, 1)
        assert socket.status == 200
        assert socket.receive() is None


def test_they_have_an_idle_timeout_of_their_own(backend):
    """Of the nearest scope that sets it, whatever `tunnel` says there."""
    running, _ = backend(1, timeouts={"tunnel": "300ms", "websocket": "1h"})
    with RawH2(running.port) as client:
        socket = StreamSocket(client, 1)
        assert socket.status == 200
        running.settle(1)
        socket.send("still on")
        assert socket.receive() == (1, b"still on")
    listener = {**running.config["listeners"][0], "timeouts": {"websocket": "300ms"}}
    running.reload({**running.config, "listeners": [listener]})
    with RawH2(running.port) as client:
        socket = StreamSocket(client, 1)
        assert socket.status == 200
        assert socket.receive() is None


def test_they_survive_a_reload_of_something_else(backend):
    running, _ = backend(1)
    with RawH2(running.port) as client:
        socket = StreamSocket(client, 1)
        socket.send("before")
        assert socket.receive() == (1, b"before")
        running.reload({**running.config, "log_level": "warning"})
        socket.send("after")
        assert socket.receive() == (1, b"after")


@pytest.mark.slow_with_sanitizer
def test_a_thousand_at_once(backend):
    running, made = backend(1)

    async def many():
        url = f"ws://127.0.0.1:{running.port}/ws"
        gate = asyncio.Semaphore(50)

        async def open_one():
            async with gate:
                return await websockets.connect(url, open_timeout=60 * PATIENCE, ping_interval=None)

        sockets = await asyncio.gather(*(open_one() for _ in range(1000)))
        await asyncio.gather(*(socket.send(str(i)) for i, socket in enumerate(sockets)))
        answers = await asyncio.gather(*(socket.recv() for socket in sockets))
        await asyncio.gather(*(socket.close() for socket in sockets))
        return answers

    assert background.run(many(), 120) == [str(i) for i in range(1000)]
    eventually(lambda: made is not None)
