"""RFC 6455 4.1: a backend behind HTTP/1.1 that does not answer the key of a handshake is a 502 (RFC 8441 in front too)."""

import base64
import hashlib

import pytest

from h2_raw import RawH2
from h2_websocket import StreamSocket

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]


def accept(key):
    return base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()


def switching(*fields):
    """A backend that agrees with these fields; {accept} is what the key asks for."""
    async def behave(exchange):
        right = accept(exchange.request.get("sec-websocket-key"))
        await exchange.send_head(101, [("Connection", "Upgrade")] +
                                 [(name, value.format(accept=right)) for name, value in fields])
        await exchange.reader.read(1)
        exchange.close()

    return behave


GOOD = [("Upgrade", "WebSocket"), ("Sec-WebSocket-Accept", "{accept}")]
BAD = {
    "another key's": [GOOD[0], ("Sec-WebSocket-Accept", accept("x3JJHMbDL1EzLkh9GBhXDw=="))],
    "in lower case": [GOOD[0], ("Sec-WebSocket-Accept", accept(KEY).lower())],
    "no accept": [GOOD[0]],
    "another protocol": [("Upgrade", "echo"), GOOD[1]],
    "no upgrade": [GOOD[1]],
}


def test_the_right_answer_passes(proxy):
    running, _ = proxy(switching(*GOOD), listener={"http2": True})
    with running.connect() as connection:
        connection.send_request(headers=[*HANDSHAKE, ("Sec-WebSocket-Key", KEY)])
        head = connection.head()
        assert (head.status, head.get("sec-websocket-accept")) == (101, accept(KEY))
    with RawH2(running.port) as client:
        assert StreamSocket(client, 1).status == 200


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD.keys())
def test_another_is_a_bad_gateway(proxy, fields):
    running, origin = proxy(switching(*fields), listener={"http2": True}, pool={"retries": {"attempts": 0}})
    with running.connect() as connection:
        connection.send_request(headers=[*HANDSHAKE, ("Sec-WebSocket-Key", KEY)])
        assert connection.response().status == 502
    with RawH2(running.port) as client:
        assert StreamSocket(client, 1).status == 502
    assert running.metric("weir_backend_failures_total", reason="protocol") == 2
    assert len(origin.requests) == 2
