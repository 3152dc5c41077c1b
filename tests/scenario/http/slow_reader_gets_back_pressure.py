"""Buffers are bounded: a client that does not read stops the reading from its backend, and the other way round."""

import asyncio

import pytest
from waiting import background, eventually, stays

PIECE = b"x" * 65536
TOTAL = 128 << 20  # more than twice what buffers of sockets may grow to


@pytest.fixture
def counted():
    """A response of that size that counts what the backend could send."""

    class Counted:
        sent = 0
        received = 0

        def __init__(self):
            self.may_read = asyncio.Event()

        async def send(self, exchange):
            await exchange.send_head(200, [("Content-Length", str(TOTAL))])
            for _ in range(TOTAL // len(PIECE)):
                await exchange.send(PIECE)
                self.sent += len(PIECE)

        async def sip(self, exchange):
            exchange.writer.transport.pause_reading()
            await self.may_read.wait()
            exchange.writer.transport.resume_reading()
            async for piece in exchange.body_chunks():
                self.received += len(piece)
            await exchange.respond(body=str(self.received).encode())

    return Counted()


def settled(value):
    """The value that stops growing."""
    import time

    last, since = value(), time.monotonic()
    while time.monotonic() - since < 0.7:
        time.sleep(0.05)
        if value() != last:
            last, since = value(), time.monotonic()
    return last


@pytest.mark.alone
@pytest.mark.multiworker
def test_a_reader_that_stops_stops_the_backend(proxy, counted):
    running, _ = proxy(counted.send)
    before = running.resident_kb()
    with running.connect(receive_buffer=65536) as connection:
        connection.send_request()
        assert connection.head().status == 200
        eventually(lambda: counted.sent > 0)
        stalled_at = settled(lambda: counted.sent)
        assert stalled_at < TOTAL // 2, f"{stalled_at} bytes went nowhere"
        stays(lambda: counted.sent == stalled_at, 0.5)
        assert running.resident_kb() - before < 16_000
        assert len(connection.read_exactly(TOTAL)) == TOTAL


@pytest.mark.alone
def test_a_backend_that_does_not_read_stops_the_client(proxy, counted):
    running, _ = proxy(counted.sip)
    before = running.resident_kb()
    with running.connect(timeout=30) as connection:
        connection.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {TOTAL}\r\n\r\n")
        connection.socket.setblocking(False)
        sent = 0
        import time

        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 0.7:
            try:
                sent += connection.socket.send(PIECE)
                quiet_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        assert sent < TOTAL // 2, f"{sent} bytes went nowhere"
        assert running.resident_kb() - before < 16_000
        background.loop.call_soon_threadsafe(counted.may_read.set)
        connection.socket.settimeout(60)
        while sent < TOTAL:
            sent += connection.socket.send(PIECE[:TOTAL - sent])
        assert int(connection.response("POST").body) == TOTAL
