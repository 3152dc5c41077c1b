#!/usr/bin/python3
"""Weir, haproxy and nginx side by side on this machine, in interleaved rounds; stops by itself.

Each proxy has one worker pinned to core 0; the backends and the load generator share core 1. CPU is the user and
system time of the proxy's processes over the requests done in that time, so it holds even where core 1 is the limit
(then "core busy" is below 100 %, and requests/s says more about the load generator than about the proxy)."""

import argparse
import contextlib
import os
import pathlib
import resource
import statistics
import sys
import tempfile
import time

import datagrams
import measure
import report
import secure
import streams
from peers import PROXIES, Before, Origin, Proxy, Weir, cpu_seconds

LOAD_NOTE = (
    "Medians of the rounds. CPU is user and system time of the proxy's processes per request. Where the proxy's core is "
    "not fully busy, the core of the load generator and the backends was the limit."
)
LIGHT_NOTE = "Open loop, 8 kept-alive connections; the proxies' cores are otherwise idle."
TLS_MEMORY_NOTE = "The same with 2,000 TLS connections."
MEMORY_NOTE = "Anonymous resident memory of the proxy's processes, 5,000 connections, each has had one request."
APPLY_NOTE = (
    "Weir only: SIGHUP with a file of 10,000 backends in 100 pools and 1,000 routes, until the first request that is "
    "answered by it (reading and checking the file included), under 500 requests/s."
)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="build/release/weir", help="the Weir to measure")
    parser.add_argument("--tools", default="build/release/tests", help="folder of bench_load and bench_origin")
    parser.add_argument("--before", metavar="BINARY", help="an earlier Weir, to measure by turns with the other one")
    parser.add_argument("--proxies", help="which to compare (default: weir,haproxy,nginx; with --before: weir,before)")
    loads = measure.LOADS + streams.LOADS + secure.LOADS + datagrams.LOADS
    names = [load.name for load in loads] + ["light", "memory", "memory-tls", "apply"]
    parser.add_argument("--only", default=",".join(names), help="which measurements (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each load in each round")
    parser.add_argument("--warmup", type=float, default=1)
    parser.add_argument("--congestion", help="TCP's congestion control while this runs (root); as it is when not given")
    parser.add_argument("--markdown", type=pathlib.Path, help="also write the tables to this file")
    arguments = parser.parse_args()
    if not arguments.proxies:
        arguments.proxies = "weir,before" if arguments.before else "weir,haproxy,nginx"
    if Before.name in arguments.proxies.split(",") and not arguments.before:
        parser.error("the proxy `before` needs --before BINARY")
    return arguments


class Disturbance:
    """How much of the machine others used while we measured: with more than a few percent, figures are not to be
    believed, and the report says so."""

    def __init__(self):
        self.begin = time.monotonic()
        self.machine = self.machine_seconds()
        self.ours = {}

    @staticmethod
    def machine_seconds():
        """Everything but idle and waiting for disks, over all cores; time stolen by the host counts as used."""
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")

    def watch(self, pids):
        self.ours = {pid: cpu_seconds(pid) for pid in pids}
        self.machine = self.machine_seconds()
        self.begin = time.monotonic()
        self.children = self.own_seconds()

    @staticmethod
    def own_seconds():
        """Of this program and of the load generators that have ended."""
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def share(self):
        elapsed = time.monotonic() - self.begin
        ours = sum(cpu_seconds(pid) - before for pid, before in self.ours.items())
        others = self.machine_seconds() - self.machine - ours - (self.own_seconds() - self.children)
        return max(0.0, others / elapsed / os.cpu_count())


class Comparison:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.only = arguments.only.split(",")
        self.folder = folder
        self.generator = measure.Generator(f"{arguments.tools}/bench_load")
        self.origin = Origin(f"{arguments.tools}/bench_origin")
        self.proxies = []
        self.secure = None
        self.datagrams = None
        self.streams = None

    def start(self):
        """All proxies at once: the idle ones cost next to nothing, and rounds can alternate between them."""
        for name in self.arguments.proxies.split(","):
            folder = pathlib.Path(self.folder) / name
            folder.mkdir()
            self.proxies.append(PROXIES[name](folder, self.origin.ports))
        if "memory-tls" in self.only or any(load.name in self.only for load in secure.LOADS):
            self.secure = secure.Secure(self.folder, self.origin, self.arguments.proxies.split(","))
        if any(load.name in self.only for load in streams.LOADS):
            self.streams = streams.Streams(
                self.folder, self.arguments.tools, self.origin, self.arguments.proxies.split(",")
            )
        if any(load.name in self.only for load in datagrams.LOADS):
            self.datagrams = datagrams.Datagrams(
                self.folder, self.arguments.tools, self.arguments.proxies.split(",")
            )

    def stop(self):
        for proxy in Proxy.started:
            proxy.stop()
        for more in (self.secure, self.datagrams):
            if more is not None:
                more.stop()
        self.origin.stop()

    def pids(self):
        pids = [self.origin.process.pid, *(pid for proxy in self.proxies for pid in proxy.pids())]
        for more in (self.secure, self.datagrams, self.streams):
            pids += more.pids() if more is not None else []
        return pids

    def loads(self):
        results = []
        for load in measure.LOADS:
            if load.name not in self.only:
                continue
            samples = {proxy.name: [] for proxy in self.proxies}
            for _ in range(self.arguments.rounds):
                for proxy in self.proxies:
                    progress(f"{load.title}: {proxy.name}")
                    sample = measure.measure_load(
                        self.generator, proxy, load, self.arguments.seconds, self.arguments.warmup
                    )
                    samples[proxy.name].append(sample)
            results.append((load.title, {name: measure.join(taken) for name, taken in samples.items()}))
        return results

    def light(self):
        ports = {"direct": self.origin.ports[0], **{proxy.name: proxy.port for proxy in self.proxies}}
        taken = {name: [] for name in ports}
        for _ in range(self.arguments.rounds):
            for name, port in ports.items():
                progress(f"100 requests/s: {name}")
                p50, p99, failures = measure.measure_light(self.generator, port, self.arguments.seconds)
                if failures:
                    raise RuntimeError(f"{name}: {failures} requests failed at 100 requests/s")
                taken[name].append((p50, p99))
        return {name: tuple(statistics.median(column) for column in zip(*values)) for name, values in taken.items()}

    def memory(self):
        figures = {}
        for proxy in self.proxies:
            progress(f"idle connections: {proxy.name}")
            figures[proxy.name] = measure.measure_idle_memory(self.generator, proxy)
        return figures

    def apply(self):
        for proxy in self.proxies:
            if isinstance(proxy, Weir):
                progress("a configuration of 10,000 backends")
                return measure.measure_apply(self.generator, proxy)
        return None


def progress(text):
    print(f"... {text}", file=sys.stderr, flush=True)


def sections(markdown, figures):
    made = []
    if figures["loads"]:
        made.append(("HTTP/1.1", LOAD_NOTE, report.load_table(figures["loads"], markdown)))
    if figures["tcp"]:
        made.append(("TCP", streams.NOTE, report.load_table(figures["tcp"], markdown)))
    if figures["secure"]:
        made.append(("TLS and HTTP/2", secure.NOTE, report.load_table(figures["secure"], markdown)))
    if figures["udp"]:
        made.append(("UDP", datagrams.NOTE, report.load_table(figures["udp"], markdown)))
    if figures["light"]:
        made.append(("Added latency", LIGHT_NOTE, report.light_table(figures["light"], markdown)))
    if figures["memory"]:
        made.append(("Memory", MEMORY_NOTE, report.memory_table(figures["memory"], markdown)))
    if figures["memory-tls"]:
        made.append(("Memory with TLS", TLS_MEMORY_NOTE, report.memory_table(figures["memory-tls"], markdown)))
    if figures["apply"]:
        made.append(("A large configuration", APPLY_NOTE, report.apply_table(figures["apply"], markdown)))
    return made


def main():
    arguments = parse_arguments()
    Weir.binary, Before.binary = arguments.binary, arguments.before
    with tempfile.TemporaryDirectory(prefix="weir-bench-") as folder:
        pathlib.Path(folder).chmod(0o755)
        try:
            with congestion_control(arguments.congestion):
                figures, head = compare(arguments, folder)
        except RuntimeError as error:
            print(f"compare: {error}", file=sys.stderr)
            for log in pathlib.Path(folder).glob("*/*.log"):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}", file=sys.stderr)
            return 1
    print(report.render(head, sections(False, figures), False))
    if arguments.markdown:
        write_markdown(arguments.markdown, report.render(head, sections(True, figures), True))
    return 0


def compare(arguments, folder):
    """The figures of each section, None where none were asked for, and the head of the report."""
    comparison = Comparison(arguments, folder)
    only, generator = comparison.only, comparison.generator
    try:
        comparison.start()
        others = Disturbance()
        others.watch(comparison.pids())
        versions = {proxy.name: proxy.version() for proxy in comparison.proxies}
        figures = dict.fromkeys(("memory", "light", "memory-tls", "secure", "udp", "tcp", "apply"))
        # Memory first, while no proxy has grown under load yet.
        if "memory" in only:
            figures["memory"] = comparison.memory()
        if "light" in only:
            figures["light"] = comparison.light()
        if "memory-tls" in only:
            figures["memory-tls"] = comparison.secure.memory(generator, progress)
        figures["loads"] = comparison.loads()
        if comparison.secure is not None:
            figures["secure"] = comparison.secure.loads(generator, arguments, only, progress)
        if comparison.streams is not None:
            figures["tcp"] = comparison.streams.loads(generator, arguments, only, progress)
        if comparison.datagrams is not None:
            figures["udp"] = comparison.datagrams.loads(arguments, only, progress)
        if "apply" in only:
            figures["apply"] = comparison.apply()
        settings = (
            f"{arguments.rounds}, interleaved, {arguments.seconds:g} s each after {arguments.warmup:g} s of warm-up"
        )
        return figures, report.header(versions, settings, others.share())
    finally:
        comparison.stop()


@contextlib.contextmanager
def congestion_control(name):
    """The system's for new connections of everybody, put back afterwards."""
    before = report.CONGESTION.read_text()
    try:
        if name:
            report.CONGESTION.write_text(name)
        yield
    except OSError as error:
        raise RuntimeError(f"the congestion control cannot be {name}: {error}") from error
    finally:
        if name:
            report.CONGESTION.write_text(before)


def write_markdown(path, text):
    """Replaces what follows the marker line in `path`, or the whole file when it has none."""
    marker = "<!-- figures: written by ./dev bench -->"
    before = path.read_text().partition(marker)[0] if path.exists() else "# Benchmarks\n\n"
    path.write_text(before + marker + "\n\n" + text)


if __name__ == "__main__":
    sys.exit(main())
