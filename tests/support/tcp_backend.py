"""A TCP backend whose behaviour the test decides: a coroutine for each connection."""

import asyncio
import contextlib
import socket
import struct

from waiting import background, free_port
from weir import config_of, pool_of

TCP_CHECK = {"type": "tcp", "interval": "1s", "timeout": "1s", "fast_interval": "100ms", "healthy_threshold": 1, "unhealthy_threshold": 2}


async def echo(connection):
    """Sends back what comes, until the client has finished."""
    while data := await connection.reader.read(65536):
        await connection.send(data)


class TcpConnection:
    """A connection on the backend's side."""

    def __init__(self, backend, reader, writer):
        self.backend, self.reader, self.writer = backend, reader, writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def end(self):
        """No more bytes from here; reading goes on."""
        self.writer.write_eof()

    def reset(self):
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class TcpBackend:
    def __init__(self, name, behave=echo, port=None, ssl=None):
        self.name, self.behave, self.host, self.ssl = name, behave, "127.0.0.1", ssl
        self.port = port or free_port()
        self.accepted = 0
        self.open = set()
        self.server = None

    def start(self):
        async def serve():
            return await asyncio.start_server(self.handle, self.host, self.port, backlog=4096, ssl=self.ssl,
                                              limit=1 << 24)

        self.server = background.run(serve())
        return self

    async def handle(self, reader, writer):
        self.accepted += 1
        connection = TcpConnection(self, reader, writer)
        self.open.add(connection)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.behave(connection)
        finally:
            self.open.discard(connection)
            with contextlib.suppress(Exception):
                writer.close()

    def stop(self):
        """Listens no more; connections stay."""
        if self.server is not None:
            server, self.server = self.server, None
            background.loop.call_soon_threadsafe(server.close)

    def break_all(self):
        """As if the machine had been switched off and on: all connections are reset."""
        async def reset():
            for connection in list(self.open):
                connection.reset()

        background.run(reset())


def tcp_pool(*backends, name="site", **settings):
    return pool_of(backends, name, **{"health_check": dict(TCP_CHECK), **settings})


def tcp_config(*pools, listener=None, **top):
    return config_of(*pools, listener={"protocol": "tcp", **(listener or {})}, **top)
