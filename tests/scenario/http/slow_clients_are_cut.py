"""A client that sends or reads a body slower than `min_rate` is cut, and nobody else: only waiting for the client counts."""

import asyncio
import time

import pytest
from h2_raw import DataFrame, RawH2, RstStreamFrame, get, post
from waiting import PATIENCE, eventually

# Quick enough for a test; a steady client is far above it, also on a busy machine.
STRICT = {"bytes_per_second": 1000, "grace": f"{500 * PATIENCE}ms"}
POST = "POST / HTTP/1.1\r\nHost: a\r\n"


async def echo(exchange):
    await exchange.respond(body=await exchange.read_body())


@pytest.fixture
def strict(proxy):
    """Weir with that rate for all that /free is not."""

    def start(behave=echo, **listener):
        routes = [{"match": {"path_prefix": "/free"}, "pool": "site", "min_rate": "off"}]
        running, _ = proxy(behave, listener={"min_rate": STRICT, "routes": routes, **listener}, workers=1)
        return running

    return start


def drip(send, ended, piece, seconds=20):
    """One piece now and then, until the other side has had enough."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        try:
            send(piece)
        except ConnectionError:
            return
        if ended():
            return
        time.sleep(0.05)
    raise AssertionError("it was never cut")


def has_answer(connection):
    connection.socket.settimeout(0.001)
    try:
        connection.fill()
    except TimeoutError:
        pass
    connection.socket.settimeout(10 * PATIENCE)
    return bool(connection.buffer)


def terminations(running):
    return [line["termination"] for line in running.access_log()]


@pytest.mark.parametrize("begin, piece", [(POST + "Content-Length: 100000\r\n\r\n", "x"),
                                          (POST + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")])
def test_a_body_that_drips_is_408(strict, begin, piece):
    running = strict()
    with running.connect() as connection:
        connection.send(begin)
        drip(connection.send, lambda: has_answer(connection), piece)
        assert connection.response("POST").status == 408
    eventually(lambda: terminations(running) == ["client_too_slow"])
    assert running.metric("weir_slow_clients_total", listener="web", direction="request") == 1


def test_a_body_of_http2_that_drips_costs_its_stream_only(strict):
    running = strict(http2=True)
    with RawH2(running.port) as client:
        client.headers(1, post("/"), end_stream=False)
        drip(lambda piece: client.data(1, piece), lambda: client.receive(0.001) is None or client.of(DataFrame, 1), b"x")
        assert client.response(1)[0] == 408
        client.headers(3, get("/"))
        assert client.response(3)[0] == 200
    eventually(lambda: "client_too_slow" in terminations(running))


async def endless(exchange):
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
    while True:
        await asyncio.wait_for(exchange.send(b"x" * 1_000_000), 60 * PATIENCE)


def test_a_reader_that_drips_is_cut(strict):
    running = strict(endless)
    with running.connect(receive_buffer=4096) as connection:
        connection.send_request()
        drip(lambda piece: connection.socket.recv(piece), lambda: "client_too_slow" in terminations(running), 1)
    assert running.metric("weir_slow_clients_total", listener="web", direction="response") == 1
    assert running.metric("weir_backend_requests_active") == 0


def test_a_reader_of_http2_that_opens_its_window_by_drops_loses_its_stream_only(strict):
    async def both(exchange):
        await (endless if exchange.request.target == "/endless" else echo)(exchange)

    running = strict(both, http2=True)
    with RawH2(running.port) as client:
        client.headers(1, get("/endless"))
        drip(lambda piece: client.window(1, piece), lambda: client.receive(0.001) is None or client.of(RstStreamFrame, 1), 1)
        client.headers(3, get("/"))
        assert client.response(3)[0] == 200
    eventually(lambda: "client_too_slow" in terminations(running))


def test_a_slow_backend_is_not_the_client_s_fault(strict):
    async def slow(exchange):
        # Takes nothing for longer than a client may, and gives its answer in drops.
        exchange.writer.transport.pause_reading()
        await asyncio.sleep(1.5 * PATIENCE)
        exchange.writer.transport.resume_reading()
        await exchange.read_body()
        await exchange.send_head(200, [("Content-Length", "30")])
        for _ in range(30):
            await exchange.send(b"x")
            await asyncio.sleep(0.05 * PATIENCE)

    running = strict(slow)
    with running.connect() as connection:
        assert connection.request("POST", body=b"x" * 8_000_000).body == b"x" * 30
    eventually(lambda: terminations(running) == ["ok"])


def test_a_route_may_let_its_clients_take_their_time(strict):
    running = strict()
    with running.connect() as connection:
        connection.send("POST /free HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n")
        for _ in range(30):
            connection.send("x")
            time.sleep(0.05 * PATIENCE)
        assert connection.response("POST").body == b"x" * 30


def test_a_steady_body_above_the_rate_is_taken_whole(strict):
    running = strict()
    with running.connect() as connection:
        connection.send(POST + f"Content-Length: {30 * 4096}\r\n\r\n")
        for _ in range(30):
            connection.send("x" * 4096)
            time.sleep(0.05 * PATIENCE)
        assert len(connection.response("POST").body) == 30 * 4096


def test_a_call_of_grpc_may_be_silent(strict):
    running = strict(http2=True)
    with RawH2(running.port) as client:
        client.headers(1, post("/", ("content-type", "application/grpc"), ("te", "trailers")), end_stream=False)
        for _ in range(30):
            client.data(1, b"x")
            time.sleep(0.05 * PATIENCE)
        client.data(1, b"", end_stream=True)
        assert client.response(1)[2] == b"x" * 30
