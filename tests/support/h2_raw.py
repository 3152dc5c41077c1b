"""An HTTP/2 client of frames made by hand: what well-behaved libraries refuse to send."""

import contextlib
import socket
import time

import hpack
from hyperframe.frame import (ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame,
                              RstStreamFrame, SettingsFrame, WindowUpdateFrame)

from waiting import PATIENCE

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 5, 6, 7, 8, 9
ENHANCE_YOUR_CALM = 11


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def get(path="/", *more):
    return [(":method", "GET"), (":scheme", "http"), (":authority", "test.example"), (":path", path), *more]


def post(path="/", *more):
    return [(":method", "POST"), *get(path, *more)[1:]]


class RawH2:
    """`ended` is set once the other side has closed. Frames that came are kept in `frames`. `tls` is the context of a
    client that has agreed to h2."""

    def __init__(self, port, settings=None, greet=True, host="127.0.0.1", receive_buffer=None, tls=None):
        self.socket = socket.socket(socket.AF_INET)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10 * PATIENCE)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
            assert self.socket.selected_alpn_protocol() == "h2"
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.input, self.frames = b"", []
        self.ended = False
        if greet:
            self.send(PREFACE + SettingsFrame(settings=settings or {}).serialize())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # ---- sending ----

    def send(self, data):
        """False when the other side is gone."""
        self.socket.settimeout(10 * PATIENCE)
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            while self.receive():  # what the other side said before it went
                pass
            self.ended = True
            return False

    def encode(self, fields):
        return self.encoder.encode(fields)

    def headers(self, stream, fields, end_stream=True, end_headers=True):
        flags = (1 if end_stream else 0) | (4 if end_headers else 0)
        return self.send(frame(1, flags, stream, self.encode(fields)))

    def data(self, stream, data, end_stream=False):
        return self.send(frame(0, 1 if end_stream else 0, stream, data))

    def window(self, stream, increment):
        return self.send(frame(8, 0, stream, increment.to_bytes(4, "big")))

    def reset(self, stream, code=CANCEL):
        return self.send(frame(3, 0, stream, code.to_bytes(4, "big")))

    # ---- receiving ----

    def receive(self, seconds=0.05):
        """Takes in what comes within `seconds`; False when nothing did."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1 << 20)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return False
        self.input += data
        while len(self.input) >= 9:
            made, size = Frame.parse_frame_header(memoryview(self.input[:9]))
            if len(self.input) < 9 + size:
                break
            made.parse_body(memoryview(self.input[9:9 + size]))
            self.input = self.input[9 + size:]
            self.take(made)
        return True

    def take(self, made):
        if isinstance(made, SettingsFrame) and "ACK" not in made.flags:
            self.send(SettingsFrame(flags=["ACK"]).serialize())
        if isinstance(made, HeadersFrame):
            self.open_head, self.block = made, b""
        if isinstance(made, (HeadersFrame, ContinuationFrame)):
            self.block += made.data
            if "END_HEADERS" in made.flags:
                self.open_head.fields = self.decoder.decode(self.block)
                self.frames.append(self.open_head)
            return
        self.frames.append(made)

    def wait(self, wanted, seconds=10):
        """The first frame for which wanted(frame) holds; None when the connection ended without it."""
        deadline = time.monotonic() + seconds * PATIENCE
        seen = 0
        while True:
            for made in self.frames[seen:]:
                if wanted(made):
                    return made
            seen = len(self.frames)
            if self.ended:
                return None
            assert time.monotonic() < deadline, f"nothing of the kind came: {self.frames}"
            self.receive()

    def of(self, kind, stream=None):
        return [made for made in self.frames if isinstance(made, kind) and stream in (None, made.stream_id)]

    def response(self, stream):
        """(status, headers, body, trailers) of a whole response, or the frame that reset it."""
        ends = self.wait(lambda made: made.stream_id == stream and
                         ("END_STREAM" in made.flags or isinstance(made, RstStreamFrame)))
        if ends is None or isinstance(ends, RstStreamFrame):
            return ends
        heads = self.of(HeadersFrame, stream)
        finals = [i for i, head in enumerate(heads) if int(dict(head.fields).get(":status", 0)) >= 200][:1]
        fields = heads[finals[0]].fields
        trailers = heads[finals[0] + 1].fields if len(heads) > finals[0] + 1 else []
        body = b"".join(made.data for made in self.of(DataFrame, stream))
        return int(dict(fields)[":status"]), fields[1:], body, trailers

    def status(self, stream):
        got = self.response(stream)
        return got[0] if isinstance(got, tuple) else got

    def reset_code(self, stream):
        """The error code that the stream was reset with."""
        made = self.wait(lambda one: isinstance(one, (RstStreamFrame, GoAwayFrame)) and
                         (one.stream_id == stream or isinstance(one, GoAwayFrame) and one.error_code != 0))
        assert isinstance(made, RstStreamFrame), f"not a reset of the stream but {made}"
        return made.error_code

    def goaway_code(self):
        """The error code of the connection's end; None when it just closed. Waits for that."""
        with contextlib.suppress(AssertionError):
            self.wait(lambda made: isinstance(made, GoAwayFrame) and made.error_code != 0)
        codes = [made.error_code for made in self.of(GoAwayFrame)]
        return codes[-1] if codes else None

    def error_code(self, stream):
        """Whichever came: the code of the stream's reset or of the connection's end."""
        made = self.wait(lambda one: isinstance(one, (RstStreamFrame, GoAwayFrame)) and one.error_code != 0)
        return made.error_code if made is not None else None

    def ping(self):
        """True when the other side still answers."""
        before = len(self.of(PingFrame))
        if not self.send(frame(6, 0, 0, b"still on")):
            return False
        made = self.wait(lambda one: isinstance(one, PingFrame) and len(self.of(PingFrame)) > before)
        return made is not None

    def is_over(self, seconds=10):
        """Waits until the other side has closed."""
        deadline = time.monotonic() + seconds * PATIENCE
        while not self.ended and time.monotonic() < deadline:
            self.receive()
        return self.ended


__all__ = ["RawH2", "ContinuationFrame", "DataFrame", "GoAwayFrame", "HeadersFrame", "PingFrame", "RstStreamFrame",
           "SettingsFrame", "WindowUpdateFrame"]
