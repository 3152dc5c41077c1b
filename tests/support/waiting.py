"""Free ports, patience, and the one thread that runs everything asynchronous of a test."""

import asyncio
import contextlib
import errno
import os
import pathlib
import random
import socket
import threading
import time

# Everything takes longer under a sanitizer; deadlines of tests are multiplied by this.
PATIENCE = {"release": 1, "asan": 4, "tsan": 8}.get(os.environ.get("WEIR_PRESET", "release"), 4)


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


HAS_IPV6 = has_ipv6()

FIRST_PORT, BLOCK = 10_000, 100
claims = []  # sockets, kept until this process ends, whose names say that blocks of ports are its own
ports = []  # of those blocks, what has not been handed out: none comes twice


def end_of_ports():
    """Below those that the kernel gives to outgoing connections, where it leaves enough of them."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return min(32_000, lowest) if lowest >= 15_000 else 32_000


def claim_block():
    """The ports of a block that no other process of this machine has: what one has found free another could take first."""
    firsts = list(range(FIRST_PORT, end_of_ports() - BLOCK, BLOCK))
    random.SystemRandom().shuffle(firsts)
    for first in firsts:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0weir-test-ports-{first}")
        except OSError as error:
            claim.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        claims.append(claim)
        return list(range(first, first + BLOCK))
    raise RuntimeError("tests that run on this machine have claimed all ports")


def is_free(port, family, kind):
    with socket.socket(family, kind) as probe:
        try:
            probe.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
            return True
        except OSError:
            return False


def free_range(count, family=socket.AF_INET, kind=socket.SOCK_STREAM):
    """The first of so many consecutive ports (at most 100) that nobody listens on and nobody else is given."""
    while True:
        if len(ports) < count:
            ports[:] = claim_block()
        taken = ports[:count]
        del ports[:count]
        if all(is_free(port, family, kind) for port in taken):
            return taken[0]


def free_port(family=socket.AF_INET, kind=socket.SOCK_STREAM):
    return free_range(1, family, kind)


def is_listening(port):
    """Whether a TCP socket of this machine listens there; asked of the kernel, so that nobody has to accept anything."""
    listen_state = "0A"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(FileNotFoundError):
            for line in pathlib.Path(table).read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                if state == listen_state and int(local.rpartition(":")[2], 16) == port:
                    return True
    return False


def eventually(holds, seconds=10, what=""):
    """Waits until holds() is true and returns its value; fails after `seconds`."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        is_late = time.monotonic() > end  # taken before asking: a slow machine gets one more question
        value = holds()
        if value:
            return value
        if is_late:
            raise AssertionError(f"not within {seconds * PATIENCE} s: {what or holds}")
        time.sleep(0.01)


def stays(holds, seconds, what=""):
    """holds() is true all the time for `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert holds(), what or holds
        time.sleep(0.01)


class Background:
    """An event loop in a thread of its own; run() calls a coroutine there and waits for its result."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True, name="background").start()

    def run(self, coroutine, seconds=60):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds * PATIENCE)

    def start(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)


background = Background()
