"""Free ports, patience, and the one thread that runs everything asynchronous of a test."""

import asyncio
import os
import random
import socket
import threading
import time

# Everything takes longer under a sanitizer; deadlines of tests are multiplied by this.
PATIENCE = {"release": 1, "asan": 4, "tsan": 8}.get(os.environ.get("WEIR_PRESET", "release"), 4)


given = set()  # ports that this process has handed out: none comes twice
# Processes that test side by side choose from ports of their own: what one has found free another could take first.
SHARE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
SHARES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def free_port(family=socket.AF_INET, kind=socket.SOCK_STREAM):
    """A port nobody listens on, below those that the kernel gives to outgoing connections."""
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    for _ in range(1000):
        port = random.SystemRandom().randrange(10_000 + SHARE, 32_000, SHARES)
        if port in given:
            continue
        with socket.socket(family, kind) as probe:
            try:
                probe.bind((host, port))
                given.add(port)
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def eventually(holds, seconds=10, what=""):
    """Waits until holds() is true and returns its value; fails after `seconds`."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
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
