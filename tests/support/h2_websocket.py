"""WebSockets over HTTP/2 (RFC 8441): a client on a stream of h2_raw, and a behaviour of an h2_origin backend. The frames
are those of the websockets package."""

import struct

from hyperframe.frame import DataFrame, HeadersFrame, RstStreamFrame

from h2_raw import get


def text_frame(text, masked):
    data = text.encode()
    assert len(data) < 126
    if not masked:
        return bytes([0x81, len(data)]) + data
    return bytes([0x81, 0x80 | len(data)]) + b"\0\0\0\0" + data


def read_frame(data):
    """(opcode, payload, rest) of the first frame, or None when it is not whole."""
    if len(data) < 2:
        return None
    size, at = data[1] & 0x7f, 2
    if size == 126:
        size, at = struct.unpack(">H", data[2:4])[0], 4
    mask = data[at:at + 4] if data[1] & 0x80 else None
    at += 4 if mask else 0
    if len(data) < at + size:
        return None
    payload = data[at:at + size]
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return data[0] & 0x0f, payload, data[at + size:]


def connect(path="/ws", *more):
    return [(":method", "CONNECT"), (":protocol", "websocket"), *get(path, ("sec-websocket-version", "13"), *more)[1:]]


class StreamSocket:
    """A WebSocket on one stream of a RawH2 client."""

    def __init__(self, client, stream, path="/ws", *more):
        self.client, self.stream, self.seen, self.rest = client, stream, 0, b""
        client.headers(stream, connect(path, *more), end_stream=False)
        made = client.wait(lambda one: one.stream_id == stream and isinstance(one, (HeadersFrame, RstStreamFrame)))
        self.headers = dict(made.fields) if isinstance(made, HeadersFrame) else {}
        self.status = int(self.headers[":status"]) if self.headers else made

    def send(self, text):
        self.client.data(self.stream, text_frame(text, masked=True))

    def close(self):
        self.client.data(self.stream, b"\x88\x82\0\0\0\0\x03\xe8")

    def receive(self):
        """(opcode, payload) of the next frame; None at the end of the stream."""
        while True:
            whole = read_frame(self.rest)
            if whole:
                opcode, payload, self.rest = whole
                return opcode, payload

            def fresh(one):
                return one.stream_id == self.stream and isinstance(one, (DataFrame, RstStreamFrame))

            frames = [one for one in self.client.frames if fresh(one)]
            if len(frames) <= self.seen:
                self.client.wait(lambda _: len([one for one in self.client.frames if fresh(one)]) > self.seen)
                frames = [one for one in self.client.frames if fresh(one)]
                if len(frames) <= self.seen:
                    return None
            made = frames[self.seen]
            self.seen += 1
            if isinstance(made, RstStreamFrame):
                return None
            self.rest += made.data
            if "END_STREAM" in made.flags and not self.rest:
                return None


async def echo_over_h2(call):
    """An h2_origin behaviour: takes extended CONNECT and echoes text frames."""
    if call.get(":protocol") != "websocket" or call.get(":method") != "CONNECT":
        return await call.respond(400)
    call.origin.handshakes = getattr(call.origin, "handshakes", []) + [call.headers]
    await call.send_headers([(":status", "200"), ("sec-websocket-protocol", "chat")])
    data = b""
    while piece := await call.next_data():
        data += piece
        while whole := read_frame(data):
            opcode, payload, data = whole
            if opcode == 8:
                await call.send(bytes([0x88, len(payload)]) + payload, end_stream=True)
                return
            await call.send(bytes([0x80 | opcode, len(payload)]) + payload)
    await call.send(b"", end_stream=True)
