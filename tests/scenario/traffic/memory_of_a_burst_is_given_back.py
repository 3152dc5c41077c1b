"""What a burst of connections and streams took goes back to the system when it is over."""

import contextlib
import pathlib
import re

import pytest
from waiting import PATIENCE, eventually
from weir import config_of, pool_of

pytestmark = pytest.mark.skipif(PATIENCE > 1, reason="sanitizers keep what was freed")


def resident_mb(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def test_after_many_large_heads(weir, origins):
    running = weir(config_of(pool_of(origins("one")), listener={"limits": {"header_bytes": "64KB"}}))
    before = resident_mb(running.process)
    with contextlib.ExitStack() as burst:
        for _ in range(800):
            # More than a small buffer holds: each has a large one while its head is incomplete.
            burst.enter_context(running.connect()).send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 40_000)
        eventually(lambda: resident_mb(running.process) > before + 30)
    eventually(lambda: resident_mb(running.process) < before + 20, 40)
