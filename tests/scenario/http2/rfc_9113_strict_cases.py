"""RFC 9113 3.4 to 8 and RFC 7541, case by case as conformance tests of HTTP/2 servers know them, SHOULDs included; in
clear and over TLS. Each case has a connection of its own to the same Weir."""

import asyncio
import ssl

import pytest

from h2_raw import (CANCEL, COMPRESSION_ERROR, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, NO_ERROR, PREFACE, PROTOCOL_ERROR,
                    REFUSED_STREAM, STREAM_CLOSED, DataFrame, GoAwayFrame, HeadersFrame, PingFrame, RawH2,
                    RstStreamFrame, SettingsFrame, frame)
from waiting import PATIENCE
from weir import config_of, pool_of

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 1, 1, 4, 8, 0x20
WHOLE = END_STREAM | END_HEADERS
MAX_STREAMS = 20


def literal(name, value):
    """A field that is in no table (RFC 7541 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def fields(*more, method="GET", path="/", leave_out=()):
    pseudo = {":method": method, ":scheme": "http", ":path": path, ":authority": "test.example"}
    return b"".join(literal(*field) for field in [*((k, v) for k, v in pseudo.items() if k not in leave_out), *more])


def slow(*more, **settings):
    return fields(*more, path="/slow", **settings)


def u32(value):
    return value.to_bytes(4, "big")


def setting(identifier, value):
    return identifier.to_bytes(2, "big") + u32(value)


OPEN = frame(HEADERS, END_HEADERS, 1, slow(method="POST"))  # a request whose body is still to come
ASKED = frame(HEADERS, WHOLE, 1, slow())  # one that is whole and not answered
CUT = frame(RST_STREAM, 0, 1, u32(CANCEL))

# (section and what is sent, frames, codes): the connection ends with one of these.
ENDS_THE_CONNECTION = [
    ("4.2 HEADERS larger than allowed", frame(HEADERS, WHOLE, 1, fields() + literal("x", "y" * 100) * 170), [FRAME_SIZE_ERROR]),
    ("4.3 a broken block", frame(HEADERS, WHOLE, 1, b"\0\x85\xf2\xb2\x4a\x87\xff\xff\xff\xfd\x25\x42\x7f"), [COMPRESSION_ERROR]),
    ("4.3 PRIORITY inside a block", frame(HEADERS, END_STREAM, 1, fields()) + frame(PRIORITY, 0, 1, u32(0) + b"\xff"), [PROTOCOL_ERROR]),
    ("4.3 HEADERS of another stream inside a block", frame(HEADERS, END_STREAM, 1, fields()) + frame(HEADERS, WHOLE, 3, fields()), [PROTOCOL_ERROR]),
    ("5.1 idle: DATA", frame(DATA, END_STREAM, 1, b"test"), [PROTOCOL_ERROR]),
    ("5.1 idle: RST_STREAM", CUT, [PROTOCOL_ERROR]),
    ("5.1 idle: WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 1, u32(100)), [PROTOCOL_ERROR]),
    ("5.1 idle: CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, fields()), [PROTOCOL_ERROR]),
    ("5.1 half-closed: CONTINUATION", ASKED + frame(CONTINUATION, END_HEADERS, 1, fields()), [PROTOCOL_ERROR, STREAM_CLOSED]),
    ("5.1 reset: CONTINUATION", OPEN + CUT + frame(CONTINUATION, END_HEADERS, 1, fields()), [PROTOCOL_ERROR, STREAM_CLOSED]),
    ("5.1.1 an even number", frame(HEADERS, WHOLE, 2, fields()), [PROTOCOL_ERROR]),
    ("5.1.1 a lower number", frame(HEADERS, WHOLE, 5, slow()) + frame(HEADERS, WHOLE, 3, fields()), [PROTOCOL_ERROR, STREAM_CLOSED]),
    ("5.5 an unknown frame inside a block", frame(HEADERS, END_STREAM, 1, fields()) + frame(0xfa, 0, 1, b"x") + frame(CONTINUATION, END_HEADERS, 1), [PROTOCOL_ERROR]),
    ("6.1 DATA on stream 0", frame(DATA, END_STREAM, 0, b"test"), [PROTOCOL_ERROR]),
    ("6.1 DATA padded beyond itself", OPEN + frame(DATA, PADDED | END_STREAM, 1, b"\x06test"), [PROTOCOL_ERROR]),
    ("6.2 HEADERS on stream 0", frame(HEADERS, WHOLE, 0, fields()), [PROTOCOL_ERROR]),
    ("6.2 HEADERS padded beyond themselves", frame(HEADERS, WHOLE | PADDED, 1, b"\xff" + fields()), [PROTOCOL_ERROR]),
    ("6.3 PRIORITY on stream 0", frame(PRIORITY, 0, 0, u32(0) + b"\xff"), [PROTOCOL_ERROR]),
    ("6.4 RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, u32(CANCEL)), [PROTOCOL_ERROR]),
    ("6.4 RST_STREAM of another size", OPEN + frame(RST_STREAM, 0, 1, b"\0\0\0"), [FRAME_SIZE_ERROR]),
    ("6.5 SETTINGS ACK with a payload", frame(SETTINGS, ACK, 0, b"\0"), [FRAME_SIZE_ERROR]),
    ("6.5 SETTINGS on a stream", frame(SETTINGS, 0, 1, setting(3, 100)), [PROTOCOL_ERROR]),
    ("6.5 SETTINGS of another size", frame(SETTINGS, 0, 0, b"\0\3\0"), [FRAME_SIZE_ERROR]),
    ("6.5.2 ENABLE_PUSH of 2", frame(SETTINGS, 0, 0, setting(2, 2)), [PROTOCOL_ERROR]),
    ("6.5.2 a window above 2^31-1", frame(SETTINGS, 0, 0, setting(4, 1 << 31)), [FLOW_CONTROL_ERROR]),
    ("6.5.2 MAX_FRAME_SIZE too small", frame(SETTINGS, 0, 0, setting(5, 16383)), [PROTOCOL_ERROR]),
    ("6.5.2 MAX_FRAME_SIZE too large", frame(SETTINGS, 0, 0, setting(5, 1 << 24)), [PROTOCOL_ERROR]),
    ("6.7 PING on a stream", frame(PING, 0, 1, bytes(8)), [PROTOCOL_ERROR]),
    ("6.7 PING of another size", frame(PING, 0, 0, bytes(6)), [FRAME_SIZE_ERROR]),
    ("6.8 GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), [PROTOCOL_ERROR]),
    ("6.9 WINDOW_UPDATE of 0 on the connection", frame(WINDOW_UPDATE, 0, 0, u32(0)), [PROTOCOL_ERROR]),
    ("6.9 WINDOW_UPDATE of another size", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), [FRAME_SIZE_ERROR]),
    ("6.9.1 the connection's window above 2^31-1", frame(WINDOW_UPDATE, 0, 0, u32((1 << 31) - 1)) * 2, [FLOW_CONTROL_ERROR]),
    ("6.9.2 a window of SETTINGS above 2^31-1", ASKED + frame(SETTINGS, 0, 0, setting(4, (1 << 32) - 1)), [FLOW_CONTROL_ERROR]),
    ("6.10 another frame than CONTINUATION", frame(HEADERS, END_STREAM, 1, fields()) + frame(DATA, END_STREAM, 1, b"x"), [PROTOCOL_ERROR]),
    ("6.10 CONTINUATION on stream 0", frame(HEADERS, END_STREAM, 1, fields()) + frame(CONTINUATION, END_HEADERS, 0), [PROTOCOL_ERROR]),
    ("6.10 CONTINUATION behind a whole block", OPEN + frame(CONTINUATION, END_HEADERS, 1), [PROTOCOL_ERROR]),
    ("6.10 CONTINUATION behind the last one", frame(HEADERS, 0, 1, fields()) + frame(CONTINUATION, END_HEADERS, 1) * 2, [PROTOCOL_ERROR]),
    ("6.10 CONTINUATION behind DATA", OPEN + frame(DATA, 0, 1, b"x") + frame(CONTINUATION, END_HEADERS, 1), [PROTOCOL_ERROR]),
    ("8.4 PUSH_PROMISE of a client", OPEN + frame(PUSH_PROMISE, END_HEADERS, 1, u32(2) + fields()), [PROTOCOL_ERROR]),
    ("7541 2.3.3 an index beyond the tables", frame(HEADERS, WHOLE, 1, fields() + b"\xc6"), [COMPRESSION_ERROR]),
    ("7541 2.3.3 a name beyond the tables", frame(HEADERS, WHOLE, 1, fields() + b"\x7f\x07\1x"), [COMPRESSION_ERROR]),
    ("7541 4.2 a table size behind fields", frame(HEADERS, WHOLE, 1, fields() + b"\x21"), [COMPRESSION_ERROR]),
    ("7541 5.2 padding of more than 7 bits", frame(HEADERS, WHOLE, 1, fields() + b"\0\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"), [COMPRESSION_ERROR]),
    ("7541 5.2 padding of zeros", frame(HEADERS, WHOLE, 1, fields() + b"\0\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90"), [COMPRESSION_ERROR]),
    ("7541 5.2 the end of a string", frame(HEADERS, WHOLE, 1, fields() + b"\0\x85\xf2\xb2\x4a\x84\xff\x87\xff\xff\xff\xff\x49\x50\x9f"), [COMPRESSION_ERROR]),
    ("7541 6.1 index 0", frame(HEADERS, WHOLE, 1, fields() + b"\x80"), [COMPRESSION_ERROR]),
    ("7541 6.3 a table larger than offered", frame(HEADERS, WHOLE, 1, b"\x3f\xe2\x1f" + fields()), [COMPRESSION_ERROR]),
]

# (section and what is sent, frames, codes): stream 1 ends with one of these; so may the connection (RFC 9113 5.4.2).
ENDS_THE_STREAM = [
    ("4.2 DATA larger than allowed", OPEN + frame(DATA, END_STREAM, 1, b"x" * 16385), [FRAME_SIZE_ERROR]),
    ("5.1 half-closed: DATA", ASKED + frame(DATA, END_STREAM, 1, b"test"), [STREAM_CLOSED]),
    ("5.1 half-closed: HEADERS", ASKED + frame(HEADERS, WHOLE, 1, fields()), [STREAM_CLOSED]),
    ("5.3.1 HEADERS that depend on themselves", frame(HEADERS, WHOLE | PRIORITISED, 1, u32(1) + b"\xff" + fields()), [PROTOCOL_ERROR]),
    ("5.3.1 PRIORITY that depends on itself", frame(PRIORITY, 0, 1, u32(1) + b"\xff"), [PROTOCOL_ERROR]),
    ("6.3 PRIORITY of another size", ASKED + frame(PRIORITY, 0, 1, b"\x80\0\0\1"), [FRAME_SIZE_ERROR]),
    ("6.9 WINDOW_UPDATE of 0 on a stream", ASKED + frame(WINDOW_UPDATE, 0, 1, u32(0)), [PROTOCOL_ERROR]),
    ("6.9.1 a stream's window above 2^31-1", ASKED + frame(WINDOW_UPDATE, 0, 1, u32((1 << 31) - 1)) * 2, [FLOW_CONTROL_ERROR]),
]

# The same, and the connection must go on: what is wrong concerns one stream only.
ENDS_ONLY_THE_STREAM = [
    ("5.1 reset: DATA", OPEN + CUT + frame(DATA, END_STREAM, 1, b"test"), [STREAM_CLOSED]),
    ("5.1 reset: HEADERS", OPEN + CUT + frame(HEADERS, WHOLE, 1, fields()), [STREAM_CLOSED]),
    ("8.1 a second head without an end", OPEN + frame(HEADERS, END_HEADERS, 1, literal("x", "y")), [PROTOCOL_ERROR]),
    ("8.2.1 a name in upper case", frame(HEADERS, WHOLE, 1, fields(("X-TEST", "ok"))), [PROTOCOL_ERROR]),
    ("8.3 an unknown pseudo-field", frame(HEADERS, WHOLE, 1, fields((":test", "ok"))), [PROTOCOL_ERROR]),
    ("8.3 a response's pseudo-field", frame(HEADERS, WHOLE, 1, fields((":status", "200"))), [PROTOCOL_ERROR]),
    ("8.3 a pseudo-field in trailers", OPEN + frame(HEADERS, WHOLE, 1, literal(":method", "GET")), [PROTOCOL_ERROR]),
    ("8.3 a pseudo-field behind fields", frame(HEADERS, WHOLE, 1, fields(("x-test", "ok"), leave_out=[":path"]) + literal(":path", "/")), [PROTOCOL_ERROR]),
    ("8.2.2 a field of the connection", frame(HEADERS, WHOLE, 1, fields(("connection", "keep-alive"))), [PROTOCOL_ERROR]),
    ("8.2.2 TE of another coding", frame(HEADERS, WHOLE, 1, fields(("te", "trailers, deflate"))), [PROTOCOL_ERROR]),
    ("8.3.1 an empty path", frame(HEADERS, WHOLE, 1, fields(path="")), [PROTOCOL_ERROR]),
    *((f"8.3.1 no {name}", frame(HEADERS, WHOLE, 1, fields(leave_out=[name])), [PROTOCOL_ERROR]) for name in (":method", ":scheme", ":path")),
    *((f"8.3.1 {name} twice", frame(HEADERS, WHOLE, 1, literal(name, value) + fields()), [PROTOCOL_ERROR])
      for name, value in ((":method", "GET"), (":scheme", "http"), (":path", "/"))),
    ("8.1.1 a longer body", frame(HEADERS, END_HEADERS, 1, slow(("content-length", "1"), method="POST")) + frame(DATA, END_STREAM, 1, b"test"), [PROTOCOL_ERROR]),
    ("8.1.1 a longer body in pieces", frame(HEADERS, END_HEADERS, 1, slow(("content-length", "1"), method="POST")) + frame(DATA, 0, 1, b"test") + frame(DATA, END_STREAM, 1, b"test"), [PROTOCOL_ERROR]),
]

ANSWERED = frame(HEADERS, WHOLE, 1, fields())

# (section and what is sent, frames): the request on stream 1 is answered as if nothing were special.
IS_ANSWERED = [
    ("2 PRIORITY on an idle stream", frame(PRIORITY, 0, 1, u32(0) + b"\xff") + ANSWERED),
    ("3.1 DATA in pieces", frame(HEADERS, END_HEADERS, 1, fields(method="POST")) + frame(DATA, 0, 1, b"te") + frame(DATA, END_STREAM, 1, b"st")),
    ("3.1 DATA with padding", frame(HEADERS, END_HEADERS, 1, fields(method="POST")) + frame(DATA, END_STREAM | PADDED, 1, b"\x06test" + bytes(6))),
    ("3.2 HEADERS with padding", frame(HEADERS, WHOLE | PADDED, 1, b"\x06" + fields() + bytes(6))),
    ("3.2 HEADERS with a priority", frame(HEADERS, WHOLE | PRIORITISED, 1, u32(0) + b"\xff" + fields())),
    ("3.3 exclusive PRIORITY", frame(PRIORITY, 0, 3, u32(1 << 31) + b"\0") + ANSWERED),
    ("3.9 WINDOW_UPDATE on both", frame(HEADERS, END_HEADERS, 1, fields(method="POST")) + frame(WINDOW_UPDATE, 0, 0, u32(1)) + frame(WINDOW_UPDATE, 0, 1, u32(1)) + frame(DATA, END_STREAM, 1, b"test")),
    ("3.10 CONTINUATION twice", frame(HEADERS, END_STREAM, 1, fields()) + frame(CONTINUATION, 0, 1, literal("a", "b")) + frame(CONTINUATION, END_HEADERS, 1, literal("c", "d"))),
    ("4 HEAD", frame(HEADERS, WHOLE, 1, fields(method="HEAD"))),
    ("4 POST with trailers", frame(HEADERS, END_HEADERS, 1, fields(method="POST")) + frame(DATA, 0, 1, b"test") + frame(HEADERS, WHOLE, 1, literal("x-test", "ok"))),
    ("4.1 an unknown frame, unknown flags, the reserved bit", frame(0xff, 0, 0, bytes(8)) + frame(PING, 0x16, 0, bytes(8)) + frame(PING, 0, 1 << 31, bytes(8)) + ANSWERED),
    ("4.2 DATA of 2^14 bytes", frame(HEADERS, END_HEADERS, 1, fields(method="POST")) + frame(DATA, END_STREAM, 1, bytes(1 << 14))),
    ("5 HPACK of every form", frame(HEADERS, WHOLE, 1, b"\x20\x3f\xe1\x1f\x82\x84\x86\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff\x10\1a\1b\x1f\x21\1e\x40\1c\1d\xbe")),
    ("6.5.2 an unknown setting", frame(SETTINGS, 0, 0, setting(0xff, 1)) + ANSWERED),
    ("6.5.3 a setting twice", frame(SETTINGS, 0, 0, setting(4, 1) + setting(4, 1000)) + ANSWERED),
    ("6.7 a PING's answer that nobody asked for", frame(PING, ACK, 0, b"invalid!") + ANSWERED),
    ("7 an unknown code of RST_STREAM", frame(HEADERS, END_HEADERS, 3, slow(method="POST")) + frame(RST_STREAM, 0, 3, u32(0xff)) + frame(HEADERS, WHOLE, 5, fields())),
]


async def behave(exchange):
    if exchange.request.target == "/slow":
        await asyncio.sleep(60 * PATIENCE)
    await exchange.respond(body=b"answer")


@pytest.fixture(params=["in clear", "over TLS"])
def opened(request, weir, origins, authority):
    """opened() is a new connection; the same Weir for all of a test."""
    listener, context = {"http2": {"enabled": True, "max_streams": MAX_STREAMS}}, None
    if request.param == "over TLS":
        listener |= {"protocol": "https", "tls": {"certificates": [authority.issue("IP:127.0.0.1").files]}}
        context = ssl.create_default_context(cafile=str(authority.cert))
        context.set_alpn_protocols(["h2"])
    running = weir(config_of(pool_of(origins("one", behave=behave)), listener=listener))
    return lambda **settings: RawH2(running.port, tls=context, **settings)


def code_of(client, kinds):
    made = client.wait(lambda one: isinstance(one, kinds) and one.error_code != NO_ERROR)
    return None if made is None else made.error_code


def test_what_ends_the_connection(opened):
    wrong = []
    for name, frames, codes in ENDS_THE_CONNECTION:
        with opened() as client:
            client.send(frames)
            code = code_of(client, GoAwayFrame)
            if code not in codes or not client.is_over():
                wrong.append((name, code, client.frames))
    assert wrong == []


def test_what_ends_a_stream(opened):
    wrong = []
    for name, frames, codes in ENDS_THE_STREAM:
        with opened() as client:
            client.send(frames)
            code = code_of(client, (RstStreamFrame, GoAwayFrame))
            if code not in codes:
                wrong.append((name, code, client.frames))
    assert wrong == []


def test_what_ends_only_a_stream(opened):
    wrong = []
    for name, frames, codes in ENDS_ONLY_THE_STREAM:
        with opened() as client:
            client.send(frames)
            code = code_of(client, (RstStreamFrame, GoAwayFrame))
            client.send(frame(HEADERS, WHOLE, 7, fields()))
            if code not in codes or client.status(7) != 200:
                wrong.append((name, code, client.frames))
    assert wrong == []


def test_what_is_answered(opened):
    wrong = []
    for name, frames in IS_ANSWERED:
        with opened() as client:
            client.send(frames)
            stream = 5 if name.startswith("7") else 1
            if client.status(stream) != 200:
                wrong.append((name, client.frames))
    assert wrong == []


def test_a_bad_preface_gets_goaway(opened):
    for preface in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\n" + bytes(9)):
        with opened(greet=False) as client:
            client.send(preface)
            assert client.goaway_code() == PROTOCOL_ERROR and client.is_over()


def test_the_first_frame_is_settings(opened):
    with opened(greet=False) as client:
        client.send(PREFACE + frame(PING, 0, 0, bytes(8)))
        assert client.goaway_code() == PROTOCOL_ERROR
        assert isinstance(client.frames[0], SettingsFrame) and "ACK" not in client.frames[0].flags


@pytest.mark.parametrize("frames", [frame(DATA, END_STREAM, 1, b"test"), frame(HEADERS, WHOLE, 1, fields())])
def test_frames_behind_both_ends_of_a_stream_end_the_connection(opened, frames):
    with opened() as client:
        client.send(ANSWERED)
        assert client.status(1) == 200
        client.send(frames)
        assert client.goaway_code() == STREAM_CLOSED


def test_more_streams_than_allowed(opened):
    with opened() as client:
        assert client.ping()
        for i in range(MAX_STREAMS + 1):
            client.send(frame(HEADERS, WHOLE, 2 * i + 1, slow()))
        assert code_of(client, (RstStreamFrame, GoAwayFrame)) in (PROTOCOL_ERROR, REFUSED_STREAM, 11)


def test_windows_are_kept_and_move_below_zero(opened):
    with opened(settings={4: 1}) as client:
        client.send(ANSWERED)
        assert client.wait(lambda made: isinstance(made, DataFrame)).data == b"a"
        client.send(frame(SETTINGS, 0, 0, setting(4, 0)) + frame(WINDOW_UPDATE, 0, 1, u32(1)))
        assert client.ping() and len(client.of(DataFrame)) == 1
        client.send(frame(SETTINGS, 0, 0, setting(4, 100)))
        assert client.response(1)[2] == b"answer"


def test_a_client_that_says_goaway_with_an_unknown_code_is_answered_or_left(opened):
    with opened() as client:
        client.send(frame(GOAWAY, 0, 0, u32(0) + u32(0xff)) + frame(PING, 0, 0, b"12345678"))
        made = client.wait(lambda one: isinstance(one, PingFrame))
        assert made is not None or client.is_over()


def test_a_head_is_answered_without_a_body(opened):
    with opened() as client:
        client.send(frame(HEADERS, WHOLE, 1, fields(method="HEAD")))
        assert client.response(1)[2] == b"" and len(client.of(HeadersFrame)) == 1
