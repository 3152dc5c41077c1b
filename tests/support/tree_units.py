"""Units of the source tree, and the cycles among them.

A unit is x.h with x.cc. A source without a header of its own belongs to the unit whose class it implements. Further
parts of a unit (private headers, halves of one class) are listed in src/units.txt, each line with its reason:
`folder/unit: folder/part folder/part  # reason`.
"""

import collections
import pathlib
import re

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\s+"([^"]+)"', re.M)
LINE = re.compile(r"^([a-z0-9_]+/[a-z0-9_]+):((?: [a-z0-9_]+/[a-z0-9_]+)+)  # \S")
DECLARED = re.compile(
    r"^(?:class|struct)\s+(?:\[\[\w+\]\]\s+|alignas\(\d+\)\s+)?(\w+)(?:\s+final)?\s*(?::(?!:)[^;{]*)?\{", re.M
)
IMPLEMENTED = re.compile(r"^[^\s#/}][^(){}=;\n]*?\b([A-Z]\w*)::~?\w+\(", re.M)


def read_units(src):
    """The unit of each listed part, and the faults of the list."""
    path = src / "units.txt"
    parts, faults = {}, []
    if not path.is_file():
        return parts, faults
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.match(line)
        if not match:
            faults.append(f"{path}:{number}: not a line of the form `folder/unit: folder/part  # reason`")
            continue
        for name in [match[1], *match[2].split()]:
            if not any((src / f"{name}{suffix}").is_file() for suffix in (".h", ".cc")):
                faults.append(f"{path}:{number}: there is no {name}.h or {name}.cc")
        for part in match[2].split():
            if part.split("/")[0] != match[1].split("/")[0]:
                faults.append(f"{path}:{number}: {part} lies in another folder than {match[1]}")
            parts[part] = match[1]
    return parts, faults


def unit_names(src, texts, parts):
    """The unit of each file."""
    declared = collections.defaultdict(set)  # by folder and class
    for path, text in texts.items():
        if path.suffix == ".h":
            for name in DECLARED.findall(text):
                declared[path.parent.name, name].add(str(path.relative_to(src).with_suffix("")))
    names = {}
    for path, text in texts.items():
        name = str(path.relative_to(src).with_suffix(""))
        if path.suffix == ".cc" and name not in parts and path.with_suffix(".h") not in texts:
            here = set(DECLARED.findall(text))
            owners = collections.Counter()
            for implemented in IMPLEMENTED.findall(text):
                if implemented not in here:
                    owners.update(declared[path.parent.name, implemented])
            if owners:
                name = sorted(owners, key=lambda owner: (-owners[owner], owner))[0]
        names[path] = parts.get(name, name)
    return names


def find_cycles(uses):
    """The strongly connected components of more than one unit (Tarjan)."""
    number, low, stack, cycles = {}, {}, [], []

    def visit(unit):
        number[unit] = low[unit] = len(number)
        stack.append(unit)
        for other in sorted(uses.get(unit, ())):
            if other not in number:
                visit(other)
                low[unit] = min(low[unit], low[other])
            elif other in stack:
                low[unit] = min(low[unit], number[other])
        if low[unit] == number[unit]:
            at = stack.index(unit)
            component = sorted(stack[at:])
            del stack[at:]
            if len(component) > 1:
                cycles.append(component)

    for unit in sorted(uses):
        if unit not in number:
            visit(unit)
    return cycles


def check_units(src):
    parts, faults = read_units(src)
    yield from faults
    texts = {path: path.read_text() for path in sorted(src.rglob("*")) if path.suffix in (".cc", ".h")}
    names = unit_names(src, texts, parts)
    uses = collections.defaultdict(set)
    where = {}
    for path, text in texts.items():
        for match in INCLUDE.finditer(text):
            included = names.get(src / match[1])
            if included is None or included == names[path]:
                continue
            uses[names[path]].add(included)
            where.setdefault((names[path], included), f"{path}:{text[: match.start()].count(chr(10)) + 1}")
    for cycle in find_cycles(uses):
        inner = [f"{a} includes {b}" for a in cycle for b in sorted(uses[a] & set(cycle))]
        first = next(where[a, b] for a in cycle for b in sorted(uses[a] & set(cycle)))
        yield f"{first}: units include each other: {', '.join(inner)}"


def main():
    for fault in check_units(pathlib.Path("src")):
        print(fault)


if __name__ == "__main__":
    main()
