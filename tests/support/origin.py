"""A backend whose behaviour the test decides, request by request, down to the bytes."""

import asyncio
import contextlib
import dataclasses
import socket
import struct

from waiting import background, free_port

REASONS = {100: "Continue", 101: "Switching Protocols", 103: "Early Hints", 200: "OK", 204: "No Content",
           206: "Partial Content", 304: "Not Modified", 404: "Not Found", 500: "Internal Server Error",
           503: "Service Unavailable"}


@dataclasses.dataclass
class Request:
    method: str
    target: str
    version: str
    headers: list  # of (name, value), as received
    raw_head: bytes
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        """The value of a field that is there once, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None


def parse_fields(lines):
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon and name == name.strip(), f"not a field: {line!r}"
        fields.append((name, value.strip()))
    return fields


class Exchange:
    """One request on the backend's side; what a behaviour works with."""

    def __init__(self, origin, request, reader, writer):
        self.origin = origin
        self.request = request
        self.reader = reader
        self.writer = writer
        self.body_read = False

    async def body_chunks(self):
        """The pieces of the request's body, as they come; afterwards request.trailers is set."""
        self.body_read = True
        codings = ",".join(self.request.all("transfer-encoding")).lower()
        if codings == "chunked":
            while True:
                size = int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16)
                if size == 0:
                    break
                while size > 0:
                    piece = await self.reader.read(min(size, 65536))
                    if not piece:
                        raise asyncio.IncompleteReadError(b"", size)
                    size -= len(piece)
                    yield piece
                assert await self.reader.readexactly(2) == b"\r\n"
            while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
                self.request.trailers += parse_fields([line.decode("latin-1")[:-2]])
            return
        assert codings == "", f"the proxy must not send this coding: {codings}"
        left = int(self.request.get("content-length") or 0)
        while left > 0:
            piece = await self.reader.read(min(left, 65536))
            if not piece:
                raise asyncio.IncompleteReadError(b"", left)
            left -= len(piece)
            yield piece

    async def read_body(self):
        async for piece in self.body_chunks():
            self.request.body += piece
        return self.request.body

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def send_head(self, status, headers=(), version="HTTP/1.1"):
        lines = [f"{version} {status} {REASONS.get(status, 'Other')}", *(f"{k}: {v}" for k, v in headers), "", ""]
        await self.send("\r\n".join(lines).encode("latin-1"))

    async def respond(self, status=200, body=b"", headers=()):
        """A whole response with a Content-Length and the name of this backend."""
        if not self.body_read:
            await self.read_body()
        fields = [("X-Backend", self.origin.name), *headers]
        if status >= 200 and status != 204:
            fields.append(("Content-Length", str(len(body))))
        if self.request.method == "HEAD":
            body = b""
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Other')}", *(f"{k}: {v}" for k, v in fields), "", ""]
        await self.send("\r\n".join(lines).encode("latin-1") + body)

    def close(self):
        """An orderly end of the connection, now."""
        self.writer.close()

    def reset(self):
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


async def say_name(exchange):
    """The behaviour when a test gives none: 200 with this backend's name as the body."""
    await exchange.respond(body=exchange.origin.name.encode())


class Origin:
    """`behave` is an async function of an Exchange; it may be replaced at any time. Requests for `health_path` are
    probes: they are counted apart and answered by `healthy`."""

    def __init__(self, name="origin", behave=say_name, port=None, health_path="/health", host="127.0.0.1"):
        self.name = name
        self.behave = behave
        self.host = host
        self.port = port or free_port(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.health_path = health_path
        self.healthy = True
        self.requests = []
        self.probes = []
        self.connections_opened = 0
        self.writers = set()
        self.faults = []  # what a behaviour raised: a test's teardown asserts that there is none
        self.server = None

    def start(self):
        background.run(self._start())
        return self

    async def _start(self):
        self.server = await asyncio.start_server(
            self._serve, self.host, self.port, limit=1 << 20, backlog=1024, reuse_address=True
        )

    def stop(self):
        """Like a crash: the port refuses at once and open connections are reset."""
        background.run(self._stop())

    async def _stop(self):
        if self.server is None:
            return
        self.server.close()
        self.server = None
        for writer in list(self.writers):
            with contextlib.suppress(OSError, AttributeError):
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

    def close_idle(self):
        """Closes every open connection in an orderly way; returns when the peers can know it."""

        async def close():
            open_now = list(self.writers)
            for writer in open_now:
                writer.close()
            for writer in open_now:
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

        background.run(close())

    @property
    def connections_open(self):
        return len(self.writers)

    async def _serve(self, reader, writer):
        self.connections_opened += 1
        self.writers.add(writer)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1")[:-4].split("\r\n")
                method, target, version = lines[0].split(" ")
                request = Request(method, target, version, parse_fields(lines[1:]), head)
                exchange = Exchange(self, request, reader, writer)
                if target == self.health_path:
                    self.probes.append(request)
                    await exchange.respond(200 if self.healthy else 503)
                else:
                    self.requests.append(request)
                    await self.behave(exchange)
                if "close" in ",".join(request.all("connection")).lower():
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as fault:  # kept for the test's teardown, which fails on it
            self.faults.append(fault)
        finally:
            self.writers.discard(writer)
            writer.close()
