"""Where memory cannot be had (RLIMIT_AS) work is refused; Weir stays, and serves as before when it is over."""

import asyncio
import contextlib
import pathlib
import re
import socket
import threading

import pytest
from waiting import PATIENCE, background, eventually
from weir import config_of, pool_of

pytestmark = pytest.mark.skipif(PATIENCE > 1, reason="sanitizers need address space of their own")


def address_space(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmSize:\s+(\d+) kB", status).group(1)) * 1024


def test_uploads_that_find_no_memory_do_not_end_it(weir, origins):
    import resource

    running = weir(config_of(pool_of(origins("one")), workers=1, listener={"limits": {"header_bytes": "64KB"}}))
    assert running.connect().request().status == 200
    limit = address_space(running.process) + 4 * 1024 * 1024
    resource.prlimit(running.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    with contextlib.ExitStack() as greedy:
        # Each holds a large buffer while its head is incomplete.
        for _ in range(2500):
            with contextlib.suppress(OSError):
                greedy.enter_context(running.connect()).send(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 40_000)
        eventually(lambda: running.metric("weir_connections_refused_total", listener="web", reason="memory") > 0, 20)
        assert running.process.poll() is None
        assert running.admin("GET", "/health/live").status == 200
    eventually(lambda: is_served(running), 20)
    assert "memory could not be had" in running.log()


class Release:
    """A backend that answers everybody at once, by more than a client takes that does not read."""

    BODY = b"x" * 0x8000

    def __init__(self):
        self.asked = 0
        self.released = asyncio.Event()
        self.server = background.run(asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=4096))
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.asked += 1
            await self.released.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(8):
                writer.write(b"8000\r\n" + self.BODY + b"\r\n")
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        writer.close()


def read_to_the_end(client):
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := client.recv(1 << 20):
            received += piece
    return received


WHOLE = re.compile(rb"HTTP/1\.1 200 OK\r\n.*?\r\n0\r\n\r\n", re.DOTALL)


def test_no_response_follows_one_that_memory_has_cut(weir):
    import resource

    backend = Release()
    pool = {"name": "site", "backends": [{"id": "one", "host": "127.0.0.1", "port": backend.port}],
            "health_check": {"type": "tcp"}}
    running = weir(config_of(pool, workers=1, timeouts={"request": "60s"}))
    address = ("127.0.0.1", running.port)
    count = 1500
    clients = []
    with contextlib.ExitStack() as open_ones:
        for _ in range(count):
            client = open_ones.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(30)
            client.connect(address)
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            clients.append(client)
        eventually(lambda: backend.asked >= count, 20)
        limit = address_space(running.process) + 4096
        resource.prlimit(running.process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        background.loop.call_soon_threadsafe(backend.released.set)
        eventually(lambda: "memory could not be had" in running.log(), 20)
        received = []
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        readers = [threading.Thread(target=lambda c=client: received.append(read_to_the_end(c))) for client in clients]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    assert running.process.poll() is None
    cut = [text for text in received if text.startswith(b"HTTP/1.1 200") and not WHOLE.match(text)]
    assert cut, "memory has cut no response"
    for text in cut:
        assert text.count(b"HTTP/1.1 ") <= 1, text[text.rindex(b"HTTP/1.1 ") - 60 :][:200]
    background.loop.call_soon_threadsafe(backend.server.close)


def is_served(running):
    try:
        with running.connect() as connection:
            return connection.request().status == 200
    except (AssertionError, OSError):
        return False
