"""The single measurements. Each takes a running proxy and returns plain figures."""

import dataclasses
import json
import statistics
import subprocess
import threading
import time
import urllib.request

from peers import LOAD_CORE, pinned


@dataclasses.dataclass(frozen=True)
class LoadKind:
    name: str
    title: str
    arguments: tuple


LOADS = (
    LoadKind("keepalive64", "keep-alive, 64 connections", ("--connections", "64")),
    LoadKind("keepalive1000", "keep-alive, 1,000 connections", ("--connections", "1000")),
    LoadKind("close", "one connection per request, 64 at a time", ("--connections", "64", "--close")),
    LoadKind("64k", "64 KB bodies, 64 connections", ("--connections", "64", "--path", "/64k")),
    LoadKind("1m", "1 MB bodies, 64 connections", ("--connections", "64", "--path", "/1m")),
)


class Generator:
    """Runs bench_load on its own core."""

    def __init__(self, program):
        self.program = program

    def start(self, port, *arguments):
        return subprocess.Popen(
            [self.program, "--port", str(port), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=pinned(LOAD_CORE),
            text=True,
        )

    def run(self, port, *arguments):
        process = self.start(port, *arguments)
        output, _ = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"bench_load ended with {process.returncode}")
        return json.loads(output)


@dataclasses.dataclass
class Sample:
    """One round of one load on one proxy, or several joined."""

    per_second: float
    cpu_us: float
    core_share: float
    p50_us: float
    p99_us: float
    failures: int


def measure_load(generator, proxy, load, seconds, warmup, port=None):
    pids = ",".join(map(str, proxy.pids()))
    result = generator.run(
        port or proxy.port, "--seconds", seconds, "--warmup", warmup, "--watch", pids, *load.arguments
    )
    requests, cpu = result["requests"], sum(result["cpu_seconds"])
    if requests == 0:
        raise RuntimeError(f"{proxy.name}: no request succeeded: {result['failure_kinds']}")
    return Sample(
        per_second=requests / result["seconds"],
        cpu_us=cpu / requests * 1e6,
        core_share=cpu / result["seconds"],
        p50_us=result["latency_us"]["p50"],
        p99_us=result["latency_us"]["p99"],
        failures=result["failures"],
    )


def join(samples):
    """The median of the rounds, figure by figure; failures are summed."""
    figures = {
        field.name: statistics.median(getattr(sample, field.name) for sample in samples)
        for field in dataclasses.fields(Sample)
    }
    figures["failures"] = sum(sample.failures for sample in samples)
    return Sample(**figures)


def measure_idle_memory(generator, proxy, connections=5000, port=None, arguments=()):
    """Bytes of the proxy's own memory per kept-alive connection that has had one request and now waits.

    What the proxy needs once however many connections there are (pools, tables) is taken before: with a tenth of the
    connections open."""
    port = port or proxy.port
    first = generator.start(port, "--connections", connections // 10, "--hold", *arguments)
    held = [first]
    try:
        check_held(proxy, first.stdout.readline())
        time.sleep(0.5)
        before = proxy.anonymous_kb()
        second = generator.start(port, "--connections", connections - connections // 10, "--hold", *arguments)
        held.append(second)
        check_held(proxy, second.stdout.readline())
        time.sleep(0.5)
        after = proxy.anonymous_kb()
    finally:
        for process in held:
            process.stdin.close()
            process.wait()
    return (after - before) * 1024 / (connections - connections // 10)


def check_held(proxy, line):
    result = json.loads(line)
    if result["failures"]:
        raise RuntimeError(f"{proxy.name}: idle connections failed: {result['failure_kinds']}")


def measure_light(generator, port, seconds, rate=100):
    """p50 and p99 in microseconds at a light, fixed rate."""
    result = generator.run(port, "--rate", rate, "--connections", 8, "--seconds", seconds, "--warmup", 1)
    return result["latency_us"]["p50"], result["latency_us"]["p99"], result["failures"]


# A path that only the large configuration answers in this way.
APPLIED = "/applied"


def big_configuration(weir, pools=100, backends=100, routes=1000):
    """Pools of backends on addresses of 127/8, which the origin answers on as well, and routes by host and path."""
    lines = ["    routes:", f"      - {{match: {{path: {APPLIED}}}, respond: {{status: 204}}}}"]
    for i in range(1, routes):
        match = f"{{host: h{i}.example, path_prefix: /v{i % 7}}}" if i % 2 else f"{{path_prefix: /area{i}/x}}"
        lines.append(f"      - {{match: {match}, pool: p{i % pools}}}")
    listener = "\n".join(lines)
    lines = []
    for p in range(pools):
        lines.append(f"  - name: p{p}\n    algorithm: round_robin\n    health_check: {{type: tcp, interval: 30s}}")
        lines.append("    backends:")
        for b in range(backends):
            n = p * backends + b
            lines.append(f"      - {{host: 127.1.{n // 250}.{n % 250 + 1}, port: {weir.backends[0]}}}")
    return weir.configuration(listener, "\n".join(lines))


def is_applied(weir):
    with urllib.request.urlopen(f"http://127.0.0.1:{weir.port}{APPLIED}", timeout=10) as answer:
        return answer.status == 204


def measure_apply(generator, weir, rate=500):
    """Milliseconds from SIGHUP until requests are answered by a configuration of 10,000 backends and 1,000 routes; and
    the slowest request, in milliseconds, of a steady load during it and during as long a time without it."""
    import signal

    small, big = weir.configuration(), big_configuration(weir)
    calm = generator.run(weir.port, "--rate", rate, "--connections", 8, "--seconds", 4, "--warmup", 1)
    outcome = {}

    def load():
        outcome["busy"] = generator.run(weir.port, "--rate", rate, "--connections", 8, "--seconds", 4, "--warmup", 1)

    thread = threading.Thread(target=load)
    thread.start()
    time.sleep(2)
    with open(weir.config_path, "w") as file:
        file.write(big)
    begin = time.monotonic()
    weir.process.send_signal(signal.SIGHUP)
    while not is_applied(weir):
        if time.monotonic() - begin > 30:
            raise RuntimeError("the large configuration was not applied")
        time.sleep(0.001)
    applied_ms = (time.monotonic() - begin) * 1e3
    thread.join()
    with open(weir.config_path, "w") as file:
        file.write(small)
    weir.process.send_signal(signal.SIGHUP)
    busy = outcome["busy"]
    return {
        "applied_ms": applied_ms,
        "slowest_ms": busy["latency_us"]["max"] / 1e3,
        "slowest_calm_ms": calm["latency_us"]["max"] / 1e3,
        "failures": busy["failures"] + calm["failures"],
    }
