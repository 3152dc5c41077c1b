"""Failures of backends under steady load, one run each: what clients saw, and what it cost. Tests assert the counts,
tests/bench/failures.py prints all figures."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time

import faults
from load import Load
from origin import say_name
from waiting import PATIENCE, eventually, free_port, is_listening
from weir import config_of, pool_of

# Probes that see nothing meanwhile: traffic alone must notice.
BLIND = {"type": "tcp", "interval": f"{600 * PATIENCE}s", "timeout": f"{2 * PATIENCE}s", "unhealthy_threshold": 100}


@dataclasses.dataclass
class Run:
    """The figures of one run."""

    requests: int = 0
    errors: list = dataclasses.field(default_factory=list)
    reached: int = 0  # requests that came to the failing backend after it had begun to fail
    last_reached: float = 0.0  # seconds after the failure began: when the last of them came
    attempts: float = 0.0  # tries over requests, by Weir's own counters
    slowest: float = 0.0  # seconds


def attempts_made(weir, pool="site"):
    return weir.metric("weir_backend_requests_total", pool=pool)


@contextlib.contextmanager
def measured(weir, run, **load_settings):
    """A load around the block; afterwards `run` has the figures."""
    before = attempts_made(weir)
    with Load(weir.port, **load_settings) as load:
        yield load
    run.requests = load.outcome.requests + len(load.outcome.failures)
    run.errors = load.outcome.failures
    run.slowest = load.outcome.slowest
    run.attempts = (attempts_made(weir) - before) / max(1, run.requests)


class Failing:
    """Wraps a behaviour: notes what comes once it is in place."""

    def __init__(self, behave):
        self.behave, self.since, self.times = behave, time.monotonic(), []

    async def __call__(self, exchange):
        self.times.append(time.monotonic() - self.since)
        await self.behave(exchange)

    def fill(self, run):
        run.reached, run.last_reached = len(self.times), max(self.times, default=0.0)


def fails_by(behave, weir, origins, requests=600, fresh=False, **pool):
    """One of three backends begins to behave so; traffic goes on for so many requests."""
    a, b, c = origins("a", "b", "c")
    running = weir(config_of(pool_of([a, b, c], health_check=dict(BLIND), **pool)))
    eventually(lambda: all(running.state(name) == "healthy" for name in "abc"))
    run = Run()
    with measured(running, run, connections=12, fresh=fresh) as load:
        load.wait_for_requests(150)
        failing = Failing(behave)
        b.behave = failing
        load.wait_for_requests(requests)
        failing.fill(run)
        b.behave = say_name  # what hangs there ends with its connection
    return run, running, (a, b, c)


def crashes(weir, origins, fresh=False, requests=600):
    """One of three refuses and resets all at once, like after kill -9, and comes back."""
    a, b, c = origins("a", "b", "c")
    running = weir(config_of(pool_of([a, b, c], health_check=dict(BLIND))))
    eventually(lambda: all(running.state(name) == "healthy" for name in "abc"))
    run = Run()
    with measured(running, run, connections=12, fresh=fresh) as load:
        load.wait_for_requests(150)
        b.stop()
        load.wait_for_requests(requests)
        b.start()
        seen = len(b.requests)
        eventually(lambda: len(b.requests) > seen + 20, 60, "traffic on b again")
    return run, running


def rolling_restart(weir, origins):
    """Each of three is drained, stopped, started and enabled, one after the other."""
    all_three = origins("a", "b", "c")
    running = weir(config_of(pool_of(all_three)))
    running.wait_for_state("healthy", "a", "b", "c")
    run = Run()
    with measured(running, run, connections=12) as load:
        for origin in all_three:
            load.wait_for_requests(50)
            assert running.admin("POST", f"/backends/{origin.name}/drain").status == 200
            eventually(lambda o=origin: running.metric("weir_backend_requests_active", backend=o.name) == 0)
            origin.stop()
            load.wait_for_requests(50)
            origin.start()
            assert running.admin("POST", f"/backends/{origin.name}/enable").status == 200
            running.wait_for_state("healthy", origin.name)
    return run, running


def all_down_and_up(weir, origins):
    """All backends crash; the first one comes back. `last_reached`: seconds until a client is served again."""
    from client import get

    a, b, c = origins("a", "b", "c")
    running = weir(config_of(pool_of([a, b, c])))
    running.wait_for_state("healthy", "a", "b", "c")
    for origin in (a, b, c):
        origin.stop()
    run = Run()
    statuses = [get(running.port).status for _ in range(20)]
    run.requests, run.errors = len(statuses), [str(s) for s in statuses if s not in (502, 503)]
    running.wait_for_state("unhealthy", "a", "b", "c")
    a.start()
    begun = time.monotonic()
    eventually(lambda: get(running.port).status == 200, 10, "service by the first backend that is back")
    run.last_reached = time.monotonic() - begun
    return run, running


# A backend in a process of its own, so that it can be stopped.
STOPPABLE = textwrap.dedent("""
    import sys
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            self.send_response(200)
            self.send_header("X-Backend", "stopped")
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"stopped")
        def log_message(self, *_): pass
    ThreadingHTTPServer.request_queue_size = 256
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
""")


def stopped_process(weir, origins, **pool):
    """SIGSTOP of one of three: its kernel accepts connections, nothing answers."""
    a, c = origins("a", "c")
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", STOPPABLE, str(port)])
    try:
        eventually(lambda: is_listening(port), 10, "the third backend listens")
        config = pool_of([a, c], health_check=dict(BLIND), **pool)
        config["backends"].append({"id": "stopped", "host": "127.0.0.1", "port": port})
        running = weir(config_of(config))
        eventually(lambda: all(running.state(name) == "healthy" for name in ("a", "c", "stopped")))
        run = Run()
        with measured(running, run, connections=12) as load:
            load.wait_for_requests(150)
            os.kill(process.pid, signal.SIGSTOP)
            load.wait_for_requests(600)
        return run, running
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()


def one_slow(weir, origins, factor=4, requests=1500, **pool):
    """One of three takes so many times as long. The 99th percentile with it, and without it."""
    usual = 0.01

    def steady(seconds):
        async def behave(exchange):
            await asyncio.sleep(seconds)
            await say_name(exchange)

        return behave

    def p99(port, connections):
        with Load(port, connections) as load:
            load.wait_for_requests(requests)
        times = sorted(load.outcome.latencies)
        return times[int(len(times) * 0.99)]

    a, b, c = origins("a", "b", "c", behave=steady(usual))
    running = weir(config_of(pool_of([a, b, c], health_check=dict(BLIND), passive="off", **pool)))
    eventually(lambda: all(running.state(name) == "healthy" for name in "abc"))
    p99(running.port, 8)
    without = p99(running.port, 8)
    b.behave = steady(factor * usual)
    p99(running.port, 8)
    return p99(running.port, 8) / without, running
