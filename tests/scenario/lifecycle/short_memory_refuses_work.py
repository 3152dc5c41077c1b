"""Where memory cannot be had (RLIMIT_AS) work is refused; Weir stays, and serves as before when it is over."""

import contextlib
import pathlib
import re

import pytest
from waiting import PATIENCE, eventually
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


def is_served(running):
    try:
        with running.connect() as connection:
            return connection.request().status == 200
    except (AssertionError, OSError):
        return False
