"""An HTTP/2 backend whose answers are bytes made by hand: what well-behaved libraries do not send."""

import asyncio
import contextlib

from h2_raw import frame
from waiting import background

HEADERS, SETTINGS, CONTINUATION = 1, 4, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE_BYTES, FRAME_HEADER_BYTES = 24, 9


def literal(name, value):
    """A field that is in no table (RFC 7541 6.2.3); both shorter than 127 bytes."""
    return b"\x10" + bytes([len(name)]) + name + bytes([len(value)]) + value


class RawH2Backend:
    """answer(writer, stream) is awaited for each request's HEADERS; its body is not looked at. `settings` is the payload
    of its SETTINGS frame."""

    def __init__(self, answer, settings=b""):
        self.answer, self.settings, self.port = answer, settings, None

    def __enter__(self):
        self.server = background.run(self.listen())
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        async def close():
            self.server.close()

        background.run(close())

    async def listen(self):
        return await asyncio.start_server(self.serve, "127.0.0.1", 0)

    async def serve(self, reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await reader.readexactly(PREFACE_BYTES)
            writer.write(frame(SETTINGS, 0, 0, self.settings))
            while True:
                header = await reader.readexactly(FRAME_HEADER_BYTES)
                kind, flags, stream = header[3], header[4], int.from_bytes(header[5:9], "big")
                await reader.readexactly(int.from_bytes(header[:3], "big"))
                if kind == SETTINGS and not flags & ACK:
                    writer.write(frame(SETTINGS, ACK, 0))
                if kind == HEADERS:
                    await self.answer(writer, stream)
                    await writer.drain()
        writer.close()
