#!/usr/bin/python3
"""Checks that the source tree keeps to its own rules and prints every breach as `file:line: what`.

- src/floors.txt: a folder of src/ may include itself and the folders named after it; a line names only earlier lines
- a folder of tests/unit/ is one of floors.txt: of any other CMake builds nothing
- a source with a header of its own includes that first, so that the header compiles alone
- a file of src/ or tests/ (.cc .h .py .sh) has at most 400 lines
- a word has one synonym: none of the banned ones in the names of files and types
- units (x.h with x.cc, and the parts that src/units.txt lists) do not include each other in a circle
- SSL_* is for tls/ only, nghttp2_* for http2/
- on the data path the registry of metrics is asked in constructors only
"""

import argparse
import pathlib
import re
import sys

from tree_identifiers import check_registry, check_wrapped_libraries
from tree_units import check_units

MAX_LINES = 400
CHECKED_SUFFIXES = {".cc", ".h", ".py", ".sh", ".def"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')
FLOOR = re.compile(r"^([a-z0-9_]+):((?: [a-z0-9_]+)*)$")
TYPE = re.compile(r"^\s*(?:class|struct|enum(?:\s+class)?|using|concept)\s+(?:\[\[\w+\]\]\s+)?([A-Za-z_]\w*)")
BANNED_IN_TYPES = {"Manager", "Util", "Utils", "Impl", "Cluster"}
BANNED_IN_FILES = {"manager", "util", "utils", "impl", "cluster"}


def read_floors(path):
    """The allowed folders of each folder, and the faults of the file itself."""
    floors, faults = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = FLOOR.match(line.rstrip())
        if not match:
            faults.append(f"{path}:{number}: not a line of the form `folder: folder folder`")
            continue
        folder, allowed = match[1], match[2].split()
        if folder in floors:
            faults.append(f"{path}:{number}: {folder} is listed twice")
        for name in allowed:
            if name not in floors:
                faults.append(f"{path}:{number}: {folder} may only name earlier lines, {name} is none")
        floors[folder] = set(allowed)
    return floors, faults


def check_includes(src, floors):
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".cc", ".h", ".def"):
            continue
        parts = path.relative_to(src).parts
        if len(parts) != 2:
            yield f"{path}:1: sources lie in src/<folder>/, one level deep"
            continue
        folder = parts[0]
        if folder not in floors:
            yield f"{path}:1: the folder {folder} is not in floors.txt"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            included = match[1].split("/")[0]
            if not (src / match[1]).is_file():
                yield f"{path}:{number}: \"{match[1]}\" is no file of src/ (names start at src/)"
            elif included != folder and included not in floors[folder]:
                yield f"{path}:{number}: {folder} must not include {included} (floors.txt)"


def check_first_includes(src):
    for path in sorted(src.rglob("*.cc")):
        own = path.with_suffix(".h")
        if not own.is_file():
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.lstrip().startswith("#"):
                continue
            match = INCLUDE.match(line)
            if not match or match[1] != str(own.relative_to(src)):
                yield f"{path}:{number}: the first include must be \"{own.relative_to(src)}\", so that it compiles alone"
            break


def check_unit_folders(tests, floors):
    for path in sorted(tests.glob("unit/*/*_test.cc")):
        if path.parent.name not in floors:
            yield f"{path}:1: the folder {path.parent.name} is not in floors.txt, so nothing builds its tests"


def check_lengths(paths):
    for path in paths:
        lines = path.read_bytes().count(b"\n")
        if lines > MAX_LINES:
            yield f"{path}:{MAX_LINES + 1}: {lines} lines, at most {MAX_LINES}; split it by concept"


def words_of_type(name):
    return re.findall(r"[A-Z][a-z0-9]*|[a-z0-9]+", name)


def check_names(src):
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".cc", ".h", ".def"):
            continue
        words = path.stem.split("_")
        banned = BANNED_IN_FILES & set(words)
        if len(words) > 1 and words[-1] == "base":
            banned.add("base")
        for word in sorted(banned):
            yield f"{path}:1: the file name says `{word}`; name what it holds"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = TYPE.match(line)
            if not match:
                continue
            words = words_of_type(match[1])
            banned = BANNED_IN_TYPES & set(words)
            if len(words) > 1 and words[-1] == "Base":
                banned.add("Base")
            for word in sorted(banned):
                yield f"{path}:{number}: the type {match[1]} says `{word}`; name what it is"


def check(root):
    src = root / "src"
    floors, faults = read_floors(src / "floors.txt")
    faults += check_includes(src, floors)
    faults += check_first_includes(src)
    faults += check_unit_folders(root / "tests", floors)
    checked = [p for top in ("src", "tests") for p in sorted((root / top).rglob("*")) if p.suffix in CHECKED_SUFFIXES]
    faults += check_lengths(checked)
    faults += check_names(src)
    faults += check_units(src)
    faults += check_wrapped_libraries(src)
    faults += check_registry(src)
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=pathlib.Path, nargs="?", default=pathlib.Path("."))
    faults = check(parser.parse_args().root)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
