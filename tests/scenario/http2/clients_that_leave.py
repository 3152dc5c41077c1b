"""A client that resets a stream, or goes away, ends the exchange on it at once, whatever code it gives for it."""

import asyncio
import base64
import hashlib

import pytest

from h2_raw import DataFrame, HeadersFrame, RawH2, frame, get, post
from h2_raw_backend import END_HEADERS, END_STREAM, HEADERS, RawH2Backend
from h2_websocket import connect
from waiting import PATIENCE, eventually
from weir import config_of

NO_ERROR, CANCEL = 0, 8
DATA, RST_STREAM = 0, 3
CODES = [*range(14), 0x7fffffff]
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]


async def endless(exchange):
    """Events without end; small ones, so that no window is ever full."""
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        await exchange.send(b"4\r\ntick\r\n")
        await asyncio.sleep(0.02)


async def quiet_tunnel(exchange):
    key = exchange.request.get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    await exchange.send_head(101, [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", accept)])
    while await exchange.reader.read(4096):
        pass
    await asyncio.sleep(60 * PATIENCE)


def wait_until_idle(running):
    eventually(lambda: running.metric("weir_backend_requests_active") == 0, what="no exchange is left")


def test_a_reset_of_any_code_ends_an_endless_response(proxy):
    running, _ = proxy(endless, listener={"http2": True})
    with RawH2(running.port) as client:
        streams = [2 * i + 1 for i in range(len(CODES))]
        for stream in streams:
            client.headers(stream, get())
        for stream in streams:
            client.wait(lambda made, stream=stream: isinstance(made, DataFrame) and made.stream_id == stream)
        assert running.metric("weir_backend_requests_active") == len(CODES)
        for stream, code in zip(streams, CODES):
            client.reset(stream, code)
        wait_until_idle(running)
        assert client.ping(), "the connection goes on"
    assert running.metric("weir_backend_failures_total") == 0


@pytest.mark.parametrize("how", ["close", "GOAWAY and close"])
def test_a_connection_that_goes_away_ends_its_endless_responses(proxy, how):
    running, _ = proxy(endless, listener={"http2": True})
    with RawH2(running.port) as client:
        for stream in (1, 3, 5):
            client.headers(stream, get())
            client.wait(lambda made, stream=stream: isinstance(made, DataFrame) and made.stream_id == stream)
        client.reset(1, NO_ERROR)
        if how != "close":
            client.send(frame(7, 0, 0, bytes(8)))
    wait_until_idle(running)
    eventually(lambda: running.metric("weir_connections_active") == 0)


@pytest.mark.parametrize("code", [NO_ERROR, CANCEL])
def test_a_reset_ends_an_upload_that_is_not_answered(proxy, code):
    async def never(exchange):
        await exchange.reader.read()

    running, origin = proxy(never, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, post(), end_stream=False)
        client.data(1, b"all of it", end_stream=True)
        eventually(lambda: origin.requests)
        client.reset(1, code)
        wait_until_idle(running)


@pytest.mark.parametrize("code", [NO_ERROR, CANCEL])
def test_a_reset_ends_a_tunnel_of_which_the_client_has_ended_its_half(proxy, code):
    running, _ = proxy(quiet_tunnel, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, connect(), end_stream=False)
        client.wait(lambda made: isinstance(made, HeadersFrame))
        client.data(1, b"", end_stream=True)
        client.reset(1, code)
        wait_until_idle(running)


@pytest.mark.parametrize("code", [NO_ERROR, CANCEL])
def test_a_backend_that_resets_a_tunnel_ends_it(weir, code):
    """Also when the backend has ended its half before, and the client says nothing that could meet the reset."""

    async def answer(writer, stream):
        writer.write(frame(HEADERS, END_HEADERS, stream, b"\x88") + frame(DATA, END_STREAM, stream))
        writer.write(frame(RST_STREAM, 0, stream, code.to_bytes(4, "big")))

    with RawH2Backend(answer, settings=b"\0\x08\0\0\0\1") as origin:
        backend = {"id": "raw", "host": "127.0.0.1", "port": origin.port}
        pool = {"name": "site", "protocol": "h2", "health_check": "off", "backends": [backend]}
        running = weir(config_of(pool))
        with running.connect() as client:
            client.send_request("GET", "/ws", UPGRADE)
            assert client.head().status == 101
            wait_until_idle(running)
