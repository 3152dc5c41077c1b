"""RFC 9113 3 to 6 and RFC 7541 as h2spec would ask for them: states, sizes, windows, settings, compression."""

import asyncio

import pytest

from h2_raw import (COMPRESSION_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR, STREAM_CLOSED, DataFrame,
                    GoAwayFrame, PingFrame, RawH2, RstStreamFrame, SettingsFrame, frame, get, post)
from waiting import PATIENCE


@pytest.fixture
def client(proxy):
    running, _ = proxy(listener={"http2": True})
    with RawH2(running.port) as raw:
        yield raw


def test_settings_come_first_and_are_acknowledged(client):
    client.headers(1, get())
    assert client.status(1) == 200
    assert isinstance(client.frames[0], SettingsFrame) and "ACK" not in client.frames[0].flags
    assert any("ACK" in made.flags for made in client.of(SettingsFrame))


def test_a_ping_is_answered_with_its_bytes(client):
    client.send(frame(6, 0, 0, b"abcdefgh"))
    made = client.wait(lambda one: isinstance(one, PingFrame))
    assert made.opaque_data == b"abcdefgh" and "ACK" in made.flags


def test_unknown_frames_flags_and_settings_are_ignored(client):
    client.send(frame(0xee, 0xff, 0, b"whatever") + frame(4, 0, 0, b"\xff\xfe\0\0\0\1") + frame(6, 0xfe, 0, b"12345678"))
    client.headers(1, get())
    assert client.status(1) == 200


@pytest.mark.parametrize("name, bad, codes", [
    ("DATA on stream 0", frame(0, 0, 0, b"x"), [PROTOCOL_ERROR]),
    ("DATA on an idle stream", frame(0, 1, 1, b"x"), [PROTOCOL_ERROR, STREAM_CLOSED]),
    ("HEADERS on stream 0", frame(1, 5, 0, b"\x82"), [PROTOCOL_ERROR]),
    ("HEADERS on a stream of the server's", frame(1, 5, 2, b"\x82\x84\x86\x41\x01a"), [PROTOCOL_ERROR]),
    ("HEADERS padded beyond themselves", frame(1, 0xd, 1, b"\xff\x82"), [PROTOCOL_ERROR]),
    ("DATA padded beyond itself", frame(1, 4, 1, b"\x83\x84\x86\x41\x01a") + frame(0, 8, 1, b"\xff"), [PROTOCOL_ERROR]),
    ("RST_STREAM on an idle stream", frame(3, 0, 1, b"\0\0\0\x08"), [PROTOCOL_ERROR]),
    ("RST_STREAM on stream 0", frame(3, 0, 0, b"\0\0\0\x08"), [PROTOCOL_ERROR]),
    ("RST_STREAM of another size", frame(1, 4, 1, b"\x82\x84\x86\x41\x01a") + frame(3, 0, 1, b"\0"), [FRAME_SIZE_ERROR]),
    ("SETTINGS on a stream", frame(4, 0, 1), [PROTOCOL_ERROR]),
    ("SETTINGS ACK with a payload", frame(4, 1, 0, b"\0\1\0\0\0\0"), [FRAME_SIZE_ERROR]),
    ("SETTINGS of another size", frame(4, 0, 0, b"\0\1\0\0\0"), [FRAME_SIZE_ERROR]),
    ("ENABLE_PUSH of 2", frame(4, 0, 0, b"\0\2\0\0\0\2"), [PROTOCOL_ERROR]),
    ("a window above 2^31-1", frame(4, 0, 0, b"\0\4\x80\0\0\0"), [FLOW_CONTROL_ERROR]),
    ("MAX_FRAME_SIZE too small", frame(4, 0, 0, b"\0\5\0\0\x10\0"), [PROTOCOL_ERROR]),
    ("MAX_FRAME_SIZE too large", frame(4, 0, 0, b"\0\5\1\0\0\0"), [PROTOCOL_ERROR]),
    ("PUSH_PROMISE from a client", frame(5, 4, 1, b"\0\0\0\2\x82"), [PROTOCOL_ERROR]),
    ("PING on a stream", frame(6, 0, 1, b"12345678"), [PROTOCOL_ERROR]),
    ("PING of another size", frame(6, 0, 0, b"1234567"), [FRAME_SIZE_ERROR]),
    ("GOAWAY on a stream", frame(7, 0, 1, b"\0" * 8), [PROTOCOL_ERROR]),
    ("WINDOW_UPDATE of 0 on the connection", frame(8, 0, 0, b"\0\0\0\0"), [PROTOCOL_ERROR]),
    ("WINDOW_UPDATE on an idle stream", frame(8, 0, 1, b"\0\0\0\1"), [PROTOCOL_ERROR]),
    ("WINDOW_UPDATE of another size", frame(8, 0, 0, b"\0\0\1"), [FRAME_SIZE_ERROR]),
    ("a window grown above 2^31-1", frame(8, 0, 0, b"\x7f\xff\xff\xff") * 2, [FLOW_CONTROL_ERROR]),
    ("CONTINUATION without HEADERS", frame(9, 4, 1, b"\x82"), [PROTOCOL_ERROR]),
    ("another frame inside a field section", frame(1, 0, 1, b"\x82") + frame(6, 0, 0, b"12345678"), [PROTOCOL_ERROR]),
    ("CONTINUATION of another stream", frame(1, 0, 1, b"\x82") + frame(9, 4, 3, b"\x84"), [PROTOCOL_ERROR]),
    ("a frame larger than allowed", frame(0, 0, 1, b"x" * 16385), [FRAME_SIZE_ERROR, PROTOCOL_ERROR, STREAM_CLOSED]),
    ("an index beyond the tables", frame(1, 5, 1, b"\xff\xff\xff"), [COMPRESSION_ERROR]),
    ("index 0", frame(1, 5, 1, b"\x80"), [COMPRESSION_ERROR]),
    ("a table larger than offered", frame(1, 5, 1, b"\x3f\xe1\xff\x07"), [COMPRESSION_ERROR]),
    ("a table size behind fields", frame(1, 5, 1, b"\x82\x20"), [COMPRESSION_ERROR]),
    ("padding of Huffman that is not ones", frame(1, 5, 1, b"\x00\x81\xfe\x01a"), [COMPRESSION_ERROR]),
    ("Huffman with EOS", frame(1, 5, 1, b"\x00\x84\xff\xff\xff\xff\x01a"), [COMPRESSION_ERROR]),
    ("a stream that depends on itself", frame(2, 0, 1, b"\0\0\0\1\x10"), [PROTOCOL_ERROR]),
    ("PRIORITY of another size", frame(2, 0, 1, b"\0\0\0\0"), [FRAME_SIZE_ERROR]),
])
def test_what_ends_the_connection(client, name, bad, codes):
    client.send(bad)
    # A stream's error would do for some of these (RFC 9113 5.4).
    assert client.error_code(1) in codes, name


def test_a_new_stream_has_a_higher_number(client):
    client.headers(5, get())
    assert client.status(5) == 200
    client.headers(3, get())
    assert client.goaway_code() in (PROTOCOL_ERROR, STREAM_CLOSED)


def test_data_behind_the_end_of_a_request(proxy):
    async def never(exchange):
        await exchange.reader.read()

    running, _ = proxy(never, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, get())
        client.data(1, b"more")
        assert client.error_code(1) == STREAM_CLOSED


def test_a_closed_stream_takes_no_head(client):
    client.headers(1, get())
    assert client.status(1) == 200
    client.headers(1, get())
    assert client.goaway_code() in (PROTOCOL_ERROR, STREAM_CLOSED)


def test_a_window_of_the_client_is_kept(proxy):
    async def long(exchange):
        await exchange.respond(body=b"x" * 1000)

    running, _ = proxy(long, listener={"http2": True})
    with RawH2(running.port, settings={4: 1}) as client:
        client.headers(1, get())
        first = client.wait(lambda made: isinstance(made, DataFrame))
        assert len(first.data) == 1
        assert client.ping() and len(client.of(DataFrame)) == 1
        # Windows move with SETTINGS, below zero as well (RFC 9113 6.9.2).
        client.send(frame(4, 0, 0, b"\0\4\0\0\0\0"))
        client.window(1, 999)
        assert client.ping() and sum(len(made.data) for made in client.of(DataFrame)) == 999
        client.window(1, 1)
        assert len(client.response(1)[2]) == 1000


def test_more_data_than_the_window(proxy):
    async def never(exchange):
        await asyncio.sleep(60 * PATIENCE)

    running, _ = proxy(never, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, post(), end_stream=False)
        for _ in range(4000):
            if not client.data(1, b"x" * 16384) or client.of(GoAwayFrame) or client.of(RstStreamFrame):
                break
            client.receive(0.001)
        assert client.error_code(1) == FLOW_CONTROL_ERROR


def test_priorities_are_taken(client):
    client.send(frame(2, 0, 7, b"\0\0\0\0\x10") + frame(2, 0, 3, b"\x80\0\0\7\xff"))
    client.send(frame(1, 0x25, 9, b"\0\0\0\3\x10" + client.encode(get())))
    assert client.status(9) == 200


def test_no_preface_is_no_http2(proxy):
    running, _ = proxy(listener={"http2": True})
    with RawH2(running.port, greet=False) as client:
        client.send(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + b"\0" * 20)
        assert client.is_over()
    with running.connect() as connection:
        assert connection.request().status == 200, "HTTP/1.1 is served at the same port"
