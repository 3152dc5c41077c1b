#!/usr/bin/python3
"""Runs clang-tidy over the sources, in parallel, and remembers in build/tidy which contents were clean.

A file is checked again when it, a header of the project that it includes, its compiler command, .clang-tidy or
clang-tidy itself has changed.

    tidy.py [FILES]      all of src/ and of the benchmark's tools without FILES"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

TIDY = "clang-tidy-19"
BUILD = pathlib.Path("build/release")
CLEAN = pathlib.Path("build/tidy")
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def reachable(path, seen):
    """`path` and every file of the project that it includes, directly or not."""
    if path in seen or not path.is_file():
        return
    seen.add(path)
    for name in INCLUDE.findall(path.read_bytes()):
        for root in (pathlib.Path("src"), pathlib.Path("."), path.parent):
            reachable(root / name.decode(), seen)


def fingerprint(path, command, version):
    digest = hashlib.sha256(version + command.encode() + pathlib.Path(".clang-tidy").read_bytes())
    seen = set()
    reachable(path, seen)
    for file in sorted(seen):
        digest.update(str(file).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def compile_commands():
    """The command of each source file, by its path from here."""
    commands = {}
    here = pathlib.Path.cwd()
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(here):
            commands[path.relative_to(here)] = entry["command"]
    return commands


def check(path):
    run = subprocess.run([TIDY, "-p", str(BUILD), "--quiet", str(path)], capture_output=True, text=True)
    return path, run.returncode, run.stdout + "".join(
        line + "\n" for line in run.stderr.splitlines() if "warnings generated" not in line and "Suppressed" not in line)


def main():
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    CLEAN.mkdir(parents=True, exist_ok=True)
    commands = compile_commands()
    if sys.argv[1:]:
        wanted = [pathlib.Path(os.path.relpath(name)) for name in sys.argv[1:] if name.endswith(".cc")]
    else:
        wanted = sorted(path for path in commands if path.parts[0] == "src" or path.parts[:2] == ("tests", "bench"))
    marks = {path: CLEAN / fingerprint(path, commands[path], version) for path in wanted if path in commands}
    stale = [path for path, mark in marks.items() if not mark.exists()]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, code, output in pool.map(check, stale):
            if code == 0:
                marks[path].touch()
            else:
                failed += 1
                print(output, end="")
    print(f"clang-tidy: {len(wanted)} files, {len(stale)} checked, {failed} with faults", file=sys.stderr)
    for mark in set(CLEAN.iterdir()) - set(marks.values()) if not sys.argv[1:] else ():
        mark.unlink()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
