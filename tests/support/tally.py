#!/usr/bin/python3
"""Sums the results of all kinds of tests.

tally.py DIRECTORY                              prints what failed and, last, `N passed, N failed[, N skipped]`
tally.py --record FILE NAME [--failed LOG]      writes the result of one check that knows no JUnit format itself
"""

import argparse
import dataclasses
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


AGAIN = "-again"  # NAME-again.xml has those of NAME.xml that failed, repeated alone


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list = dataclasses.field(default_factory=list)
    unstable: list = dataclasses.field(default_factory=list)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.unstable += other.unstable


def count_file(path):
    """One JUnit file of pytest, GoogleTest or ctest. A file that cannot be read is a failure: its program died."""
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError) as error:
        return Count(failed=1, failures=[f"{path}: {error}"])
    count = Count()
    for case in root.iter("testcase"):
        name = f"{case.get('classname', '')} {case.get('name', '')}".strip()
        if case.find("failure") is not None or case.find("error") is not None:
            count.failed += 1
            count.failures.append(f"{path.stem}: {name}")
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            count.skipped += 1
        else:
            count.passed += 1
    return count


def count_programs(folder):
    """ctest knows only programs: each counts as its GoogleTest cases, unless it died without writing them, or failed
    although every case passed (a leak found at exit)."""
    total = Count()
    programs = ElementTree.parse(folder / "ctest.xml").getroot()
    for program in programs.iter("testcase"):
        name = program.get("name")
        failed = program.find("failure") is not None or program.get("status") == "fail"
        cases_file = folder / "cases" / f"{name}.xml"
        cases = count_file(cases_file) if cases_file.exists() else None
        if cases is None:
            cases = Count(failed=1, failures=[f"{name}: no results"]) if failed else Count(passed=1)
        elif failed and cases.failed == 0:
            cases.add(Count(failed=1, failures=[f"{name}: every case passed, but the program failed at its end"]))
        total.add(cases)
    return total


def names_passed(path):
    if not path.exists():
        return set()
    cases = ElementTree.parse(path).getroot().iter("testcase")
    return {
        f"{case.get('classname')} {case.get('name')}"
        for case in cases
        if case.find("failure") is None and case.find("error") is None
    }


def count_repeated(path):
    """A file of tests of which some failed and were repeated: those that passed then count as passed, and are told."""
    count = count_file(path)
    passed_again = names_passed(path.with_name(path.stem + AGAIN + ".xml"))
    count.unstable = [name for name in count.failures if name.partition(": ")[2] in passed_again]
    count.failures = [name for name in count.failures if name not in count.unstable]
    count.failed -= len(count.unstable)
    count.passed += len(count.unstable)
    return count


def tally(directory):
    total = Count()
    for entry in sorted(directory.iterdir()):
        if entry.is_dir():
            if (entry / "ctest.xml").exists():
                total.add(count_programs(entry))
            else:
                total.add(Count(failed=1, failures=[f"{entry.name}: ctest left no results"]))
        elif entry.suffix == ".xml" and not entry.stem.endswith(AGAIN):
            total.add(count_repeated(entry))
    return total


def record(path, name, log):
    suite = ElementTree.Element("testsuite", name=name)
    case = ElementTree.SubElement(suite, "testcase", classname="check", name=name)
    if log:
        failure = ElementTree.SubElement(case, "failure", message="see the log")
        failure.text = "".join(c for c in log.read_text(errors="replace")[-20000:] if c.isprintable() or c in "\n\t")
    ElementTree.ElementTree(suite).write(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path, nargs="?")
    parser.add_argument("--record", nargs=2, metavar=("FILE", "NAME"))
    parser.add_argument("--failed", type=pathlib.Path, metavar="LOG")
    arguments = parser.parse_args()
    if arguments.record:
        record(pathlib.Path(arguments.record[0]), arguments.record[1], arguments.failed)
        return 0
    total = tally(arguments.directory)
    for name in total.unstable:
        print(f"UNSTABLE {name} (failed, then passed alone)")
    for failure in total.failures:
        print(f"FAILED {failure}")
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
