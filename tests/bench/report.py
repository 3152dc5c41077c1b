"""The figures as tables: of plain text for the terminal, of Markdown for docs/benchmarks.md."""

import datetime
import os
import pathlib
import platform
import re


# A row that is no peer: see tests/bench/floor.cc.
FLOOR = "floor"
# An earlier Weir, for comparing two binaries of it (compare.py --before).
BEFORE = "before"


# Decides what bulk costs: bbr paces every segment by a timer, cubic, which most systems come with, does not.
CONGESTION = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control")


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.+)", cpuinfo)
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.+)"', pathlib.Path("/etc/os-release").read_text())
    return (
        f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}, "
        f"{int(memory[1]) // 1024 // 1024} GB, {system[1]}, Linux {platform.release()}"
    )


def header(versions, settings, disturbed):
    """`disturbed`: the share of the machine that other programs used meanwhile."""
    warning = "" if disturbed < 0.03 else " (the machine was not quiet: do not compare these figures with others)"
    return [
        f"Date: {datetime.date.today().isoformat()}",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()),
        f"Machine: {machine()}",
        f"Congestion control of TCP: {CONGESTION.read_text().strip()}",
        f"Rounds: {settings}",
        f"Used by other programs meanwhile: {disturbed:.1%} of the machine{warning}",
    ]


def table(head, rows, markdown):
    if markdown:
        lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if i == 0 else "---:" for i in range(len(head))) + "|"]
        return lines + ["| " + " | ".join(row) + " |" for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return ["  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
            for row in [head, *rows]]


def ratios(samples):
    """Weir's throughput and CPU over the better peer's, or nothing when either side is missing."""
    peers = [sample for name, sample in samples.items() if name not in ("weir", BEFORE, FLOOR)]
    if "weir" not in samples or not peers:
        return None
    return ratios_to(samples["weir"], peers)


def ratios_to(weir, peers):
    return (
        weir.per_second / max(peer.per_second for peer in peers),
        weir.cpu_us / min(peer.cpu_us for peer in peers),
    )


def load_table(results, markdown):
    """`results`: for each load its title and the joined sample of each proxy."""
    head = ["load", "proxy", "requests/s", "CPU us/request", "core busy", "p50 us", "p99 us", "failed"]
    rows = []
    for title, samples in results:
        for name, sample in samples.items():
            rows.append([
                title, name, f"{sample.per_second:,.0f}", f"{sample.cpu_us:.2f}", f"{sample.core_share:.0%}",
                f"{sample.p50_us:,.0f}", f"{sample.p99_us:,.0f}", str(sample.failures),
            ])
            title = ""
        if BEFORE in samples and "weir" in samples:
            ratio = ratios_to(samples["weir"], [samples[BEFORE]])
            rows.append(["", "weir / before", f"{ratio[0]:.3f}", f"{ratio[1]:.3f}", "", "", "", ""])
        ratio = ratios(samples)
        if ratio:
            rows.append(["", "weir / better peer", f"{ratio[0]:.2f}", f"{ratio[1]:.2f}", "", "", "", ""])
        if ratio and FLOOR in samples:
            ratio = ratios({**samples, "weir": samples[FLOOR]})
            rows.append(["", "floor / better peer", f"{ratio[0]:.2f}", f"{ratio[1]:.2f}", "", "", "", ""])
    return table(head, rows, markdown)


def light_table(light, markdown):
    """`light`: p50 and p99 per proxy, with "direct" among them."""
    base = light["direct"]
    rows = [
        [name, f"{p50:,.0f}", f"{p99:,.0f}", f"{p50 - base[0]:+,.0f}", f"{p99 - base[1]:+,.0f}"]
        for name, (p50, p99) in light.items()
    ]
    return table(["100 requests/s", "p50 us", "p99 us", "p50 over direct", "p99 over direct"], rows, markdown)


def memory_table(memory, markdown):
    rows = [[name, f"{value:,.0f}"] for name, value in memory.items()]
    return table(["proxy", "bytes per idle kept-alive connection"], rows, markdown)


def apply_table(applied, markdown):
    rows = [[
        f"{applied['applied_ms']:.0f}", f"{applied['slowest_ms']:.1f}", f"{applied['slowest_calm_ms']:.1f}",
        str(applied["failures"]),
    ]]
    return table(["applied after ms", "slowest request ms", "slowest without a reload ms", "failed"], rows, markdown)


def render(head, sections, markdown):
    """`sections`: title, note and table lines of each."""
    lines = list(head) if not markdown else [f"- {line}" for line in head]
    for title, note, content in sections:
        lines += ["", f"## {title}" if markdown else f"--- {title} ---"]
        lines += ["", note, ""] if markdown else [note]
        lines += content
    return "\n".join(lines) + "\n"
