"""Load that notices every request that was lost: closed loop over keep-alive or fresh connections."""

import asyncio
import collections
import dataclasses
import time

from waiting import PATIENCE, background


@dataclasses.dataclass
class Outcome:
    requests: int = 0
    failures: list = dataclasses.field(default_factory=list)  # texts, one for each request without a whole 2xx response
    by_backend: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    slowest: float = 0  # seconds
    latencies: list = dataclasses.field(default_factory=list)  # of each answer, in seconds
    connections: int = 0


class LoadConnection(asyncio.Protocol):
    """Sends a request, reads its response, and again. Reads Content-Length and chunked bodies."""

    def __init__(self, load):
        self.load = load
        self.buffer = b""
        self.transport = None
        self.busy = False
        self.sent_at = 0.0
        self.on_this_one = 0

    def connection_made(self, transport):
        self.transport = transport
        self.load.open.add(self)
        self.load.outcome.connections += 1
        self.send()

    def send(self):
        self.busy = True
        self.sent_at = time.monotonic()
        self.transport.write(self.load.request)

    def data_received(self, data):
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        if not self.busy:
            return self.fail("bytes without a request")
        head = self.buffer[:end].lower()
        rest = self.buffer[end + 4:]
        if head[9:10] == b"1":  # what comes before the answer
            self.buffer = rest
            return self.data_received(b"")
        if b"\r\ntransfer-encoding: chunked" in head:
            if not rest.endswith(b"0\r\n\r\n"):
                return
        else:
            length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            if len(rest) > length:
                return self.fail("more bytes than Content-Length")
        self.done(head)

    def done(self, head):
        outcome, load = self.load.outcome, self.load
        self.buffer = b""
        self.busy = False
        self.on_this_one += 1
        took = time.monotonic() - self.sent_at
        outcome.slowest = max(outcome.slowest, took)
        outcome.latencies.append(took)
        if head[9:10] != b"2":
            return self.fail(head.partition(b"\r\n")[0].decode("latin-1"))
        outcome.requests += 1
        backend = head.partition(b"\r\nx-backend: ")[2].partition(b"\r\n")[0].decode()
        outcome.by_backend[backend] += 1
        if load.stopping:
            return self.transport.close()
        if load.fresh or b"\r\nconnection: close" in head:
            self.transport.close()
            return load.connect_soon()
        if load.think:
            asyncio.get_running_loop().call_later(load.think, self.send_if_open)
        else:
            self.send()

    def send_if_open(self):
        if self.load.stopping:
            self.transport.close()
        elif not self.transport.is_closing():
            self.send()

    def fail(self, text):
        self.busy = False
        self.load.outcome.failures.append(f"{text} (request {self.on_this_one + 1} of its connection)")
        self.transport.abort()
        self.load.connect_soon()

    def connection_lost(self, error):
        self.load.open.discard(self)
        if self.busy:
            self.busy = False
            got = "in the middle of a response" if self.buffer else "without an answer"
            self.load.outcome.failures.append(
                f"{'reset' if error else 'closed'} {got} (request {self.on_this_one + 1} of its connection)"
            )
            self.load.connect_soon()
        elif self.load.think and not self.load.stopping:
            self.load.connect_soon()


class Load:
    """`with Load(port) as load: ...` runs until the block ends; then load.outcome is final and nothing is under way.

    fresh: a connection for each request. think: seconds between an answer and the next request. until_refused: when
    the port refuses connections, stop quietly instead of counting a failure (the proxy is going away)."""

    def __init__(self, port, connections=16, path="/", fresh=False, think=0, until_refused=False, host="127.0.0.1"):
        self.port, self.host = port, host
        self.connections = connections
        self.fresh, self.think, self.until_refused = fresh, think, until_refused
        close = "Connection: close\r\n" if fresh else ""
        self.request = f"GET {path} HTTP/1.1\r\nHost: test.example\r\n{close}\r\n".encode()
        self.outcome = Outcome()
        self.open = set()
        self.tasks = set()
        self.stopping = False
        self.refused = False

    def __enter__(self):
        async def begin():
            for _ in range(self.connections):
                self.connect_soon()

        background.run(begin())
        return self

    def __exit__(self, *_):
        background.run(self.finish())

    def connect_soon(self):
        if self.stopping:
            return
        task = asyncio.get_running_loop().create_task(self.connect())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def connect(self):
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: LoadConnection(self), self.host, self.port)
        except OSError as error:
            if self.until_refused:
                self.refused = True
                return
            self.outcome.failures.append(f"cannot connect: {error}")
            await asyncio.sleep(0.05)
            self.connect_soon()

    async def finish(self):
        self.stopping = True
        end = time.monotonic() + 15 * PATIENCE
        while (self.tasks or any(c.busy for c in self.open)) and time.monotonic() < end:
            await asyncio.sleep(0.005)
        for connection in list(self.open):
            if connection.busy:
                self.outcome.failures.append("no answer")
            connection.busy = False
            connection.transport.abort()

    def wait_for_requests(self, count):
        """Until so many more have been answered."""
        from waiting import eventually

        target = self.outcome.requests + count
        eventually(lambda: self.outcome.requests >= target or self.outcome.failures, 20, f"{count} more requests")

    def assert_nothing_lost(self, at_least=100):
        assert not self.outcome.failures, (
            f"{len(self.outcome.failures)} of {self.outcome.requests} failed: "
            f"{collections.Counter(self.outcome.failures).most_common(5)}"
        )
        assert self.outcome.requests >= at_least, f"only {self.outcome.requests} requests: the load did not run"
