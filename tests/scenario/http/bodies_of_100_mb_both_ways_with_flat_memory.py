"""100 MB up and down, several at a time, whole and unchanged, while Weir's memory stays flat."""

import concurrent.futures
import hashlib
import time

import pytest

SIZE = 100 << 20
PIECE = bytes(range(256)) * 1024  # 256 KB that repeats every 256 bytes
DIGEST = hashlib.sha256(PIECE * (SIZE // len(PIECE))).hexdigest()

pytestmark = [pytest.mark.alone, pytest.mark.slow_with_sanitizer]


async def download(exchange):
    coded = exchange.request.target == "/chunked"
    framing = ("Transfer-Encoding", "chunked") if coded else ("Content-Length", str(SIZE))
    await exchange.send_head(200, [framing])
    for _ in range(SIZE // len(PIECE)):
        await exchange.send(b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if coded else PIECE)
    if coded:
        await exchange.send(b"0\r\n\r\n")


async def upload(exchange):
    digest = hashlib.sha256()
    async for piece in exchange.body_chunks():
        digest.update(piece)
    await exchange.respond(body=digest.hexdigest().encode())


class Peak:
    """The most memory that Weir had while the block ran, in KB over what it had before."""

    def __init__(self, running):
        self.running = running

    def __enter__(self):
        self.before = self.highest = self.running.resident_kb()
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.ended = False
        self.watching = self.pool.submit(self.watch)
        return self

    def watch(self):
        while not self.ended:
            self.highest = max(self.highest, self.running.resident_kb())
            time.sleep(0.02)

    def __exit__(self, *_):
        self.ended = True
        self.watching.result()
        self.growth_kb = self.highest - self.before


@pytest.mark.parametrize("target", ["/plain", "/chunked"])
def test_down(proxy, target):
    running, _ = proxy(download)
    with Peak(running) as peak, running.connect(timeout=60) as connection:
        response = connection.request(target=target)
        assert hashlib.sha256(response.body).hexdigest() == DIGEST
    assert peak.growth_kb < 16_000


@pytest.mark.parametrize("coded", [False, True], ids=["plain", "chunked"])
def test_up(proxy, coded):
    running, _ = proxy(upload)
    with Peak(running) as peak, running.connect(timeout=60) as connection:
        framing = "Transfer-Encoding: chunked" if coded else f"Content-Length: {SIZE}"
        connection.send(f"POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n")
        for _ in range(SIZE // len(PIECE)):
            connection.send(b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if coded else PIECE)
        if coded:
            connection.send(b"0\r\n\r\n")
        assert connection.response("POST").body.decode() == DIGEST
    assert peak.growth_kb < 16_000


def test_four_at_a_time(proxy):
    running, _ = proxy(download)

    def one(_):
        with running.connect(timeout=60) as connection:
            return hashlib.sha256(connection.request(target="/plain").body).hexdigest()

    with Peak(running) as peak, concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert list(threads.map(one, range(4))) == [DIGEST] * 4
    assert peak.growth_kb < 20_000
