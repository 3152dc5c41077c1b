#!/usr/bin/python3
"""What `./dev test changed` runs: the tests that can see a change.

    changed.py [REF]    prints a line for each: `program NAME`, `scenario FILE`, `support FILE`, `format FILE`, `note TEXT`

Changes are those since REF, not committed and new files included. Without REF: since the commit where this branch left
main, or since HEAD on main itself.

- A unit, contract or regression program runs when a changed file is among what its sources include, directly or not. A
  header stands for the source of the same name as well, and a list of a kind (.def) for the entries of its folder.
- A scenario file runs when it or a module that it imports has changed, or when SUBJECTS says that a changed source is its
  subject. SUBJECTS goes by words of the path, so that it outlives moves of files.
- Changes of the build itself run every program."""

import fnmatch
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
IMPORT = re.compile(r"^\s*(?:from|import)\s+(\w+)", re.MULTILINE)
SOURCES = (".cc", ".h", ".def")

# A word of a source's path, and the scenarios whose subject it is: folders of tests/scenario, or files of them. Every
# source has one more in SMOKE, so that no change goes without a real binary and real sockets.
SUBJECTS = (
    (r"h2|http2", ["http2/*", "grpc/*"]),
    (r"grpc", ["grpc/*"]),
    (r"tls|certificate|ocsp|ticket|client_hello", ["tls/*", "tcp/tls_passes_through_by_name.py"]),
    (r"udp|datagram|flow", ["udp/*", "traffic/sticky_clients_of_tcp_and_udp.py"]),
    (r"tcp|relay|splice|tunnel|proxy_protocol|proxy_stage", ["tcp/*", "websocket/*"]),
    (r"src/health|prober|checker|probe", ["health/*"]),
    (r"dns|name_watch|resolve", ["health/backends_by_name_serve_at_once.py", "udp/names_with_several_addresses.py"]),
    (r"src/route|redirect|rewrite|variable|template|forwarded|path\.", ["routing/*", "http/backends_learn_who*"]),
    (r"sticky|persist", ["traffic/sticky_*"]),
    (r"src/(net|base)/", ["tcp/bytes_flow_both_ways.py", "traffic/*"]),
    (r"src/(balance|pool)|strateg|hash|upstream", ["traffic/*"]),
    (r"src/(control|api|store|steward)|catalog|publisher|object", ["admin/*", "lifecycle/*"]),
    (r"src/(app|config)|command|explain|demo", ["lifecycle/*"]),
    (r"access_log|termination|unserved|refusal", ["admin/the_access_log_tells_each_request.py",
                                                  "admin/every_failure_keeps_its_cause.py",
                                                  "tcp/how_a_connection_ended_is_told.py"]),
    (r"metrics", ["admin/metrics_are_clean_and_count.py"]),
    (r"src/(proxy|exchange|front|filter|worker|http/)|session|client_side|backend_side", ["http/*", "websocket/*"]),
    (r"descriptor|memory|free_list|arena", ["traffic/descriptors_are_divided.py", "lifecycle/short_memory*"]),
    (r"^examples/|^packaging/|^docs/", ["lifecycle/examples_and_documentation_hold.py"]),
    (r"^README", ["lifecycle/the_first_own_backends_of_the_readme.py"]),
)
SMOKE = ["lifecycle/the_first_own_backends_of_the_readme.py", "traffic/round_robin_is_exact_over_workers.py",
         "http/chunked_bodies_pass_with_extensions_and_trailers.py"]
BUILD = re.compile(r"^(CMakeLists\.txt|CMakePresets\.json|cmake/|tests/CMakeLists\.txt|src/floors\.txt)")
# What the program behind gdb_test.py is made of.
GDB = re.compile(r"^(tests/support/gdb|src/net/(task|wait|reactor)|src/base/(error|arena|intrusive_list|free_list))")


class Tree:
    """The files of a checkout and what includes what; `files` are paths relative to `root`."""

    def __init__(self, root, files):
        self.root, self.files = pathlib.Path(root), set(files)
        self.included = {}

    def text(self, path):
        return (self.root / path).read_text(errors="replace") if path in self.files else ""

    def neighbours(self, path):
        """The files that `path` cannot be understood without."""
        if path in self.included:
            return self.included[path]
        found = set()
        for name in INCLUDE.findall(self.text(path)):
            candidates = (f"src/{name}", name, str(pathlib.PurePosixPath(path).parent / name))
            found.update(candidate for candidate in candidates if candidate in self.files)
        stem, suffix = path.rpartition(".")[::2]
        if suffix == "h" and f"{stem}.cc" in self.files:
            found.add(f"{stem}.cc")
        if suffix == "def":  # its entries have no headers: the list declares them
            folder = path.rpartition("/")[0]
            found.update(other for other in self.files if other.rpartition("/")[0] == folder
                         and other.endswith(".cc") and other[:-3] + ".h" not in self.files)
        self.included[path] = found
        return found

    def reach(self, paths):
        seen, waiting = set(), list(paths)
        while waiting:
            path = waiting.pop()
            if path not in seen:
                seen.add(path)
                waiting.extend(self.neighbours(path))
        return seen

    def programs(self):
        """The sources of each test program, by the rules of tests/CMakeLists.txt."""
        programs = {}
        for path in sorted(self.files):
            if unit := re.fullmatch(r"tests/unit/(\w+)/\w+_test\.cc", path):
                programs.setdefault(f"unit_{unit[1]}", []).append(path)
            elif contract := re.fullmatch(r"tests/contract/(\w+)_contract\.cc", path):
                programs.setdefault(f"contract_{contract[1]}", []).append(path)
            elif re.fullmatch(r"tests/regression/\w+_test\.cc", path):
                programs.setdefault("regression", []).append(path)
        return programs

    def scenarios(self):
        return sorted(path for path in self.files
                      if re.fullmatch(r"tests/scenario/\w+/\w+\.py", path) and not path.endswith("/conftest.py"))

    def imports(self, path):
        """Modules of tests/support that a Python file uses, directly or not, and the conftest.py files above it."""
        seen, waiting = set(), [path]
        while waiting:
            at = waiting.pop()
            for name in IMPORT.findall(self.text(at)):
                module = f"tests/support/{name}.py"
                if module in self.files and module not in seen:
                    seen.add(module)
                    waiting.append(module)
        folder = path.rpartition("/")[0]
        return seen | {f"{folder}/conftest.py", "tests/scenario/conftest.py", "tests/scenario/pytest.ini"}


def programs_of(tree, changed):
    programs = tree.programs()
    if any(BUILD.match(path) for path in changed):
        return sorted(programs)
    changed = {path for path in changed if path.endswith(SOURCES)}
    # A file that was removed is in no tree any more; what included it has changed too.
    return sorted(name for name, sources in programs.items() if changed & tree.reach(sources))


def scenarios_of(tree, changed):
    chosen = set()
    files = tree.scenarios()

    def choose(patterns):
        chosen.update(path for path in files for each in patterns if fnmatch.fnmatch(path, f"tests/scenario/{each}"))

    for path in changed:
        is_source = path.startswith("src/")
        for words, patterns in SUBJECTS:
            if (is_source or words.startswith("^")) and re.search(words, path):
                choose(patterns)
        if is_source:
            choose(SMOKE)
    for path in files:
        if path in changed or tree.imports(path) & changed:
            chosen.add(path)
    return sorted(chosen)


def supports_of(tree, changed):
    tests = [path for path in sorted(tree.files) if re.fullmatch(r"tests/support/\w+_test\.py", path)]
    slow = "tests/support/gdb_test.py"
    chosen = {slow} & set(tests) if any(GDB.match(path) for path in changed) else set()
    if any(path == "dev" or path.startswith("tests/support/") for path in changed):
        chosen.update(path for path in tests if path != slow)
    return sorted(chosen)


def notes_of(changed):
    if any(path.startswith("tests/fuzz/") for path in changed):
        yield "fuzz targets are not run: ./dev fuzz NAME"
    if any(path.startswith("tests/bench/") for path in changed):
        yield "benchmarks are not run: ./dev bench"


def plan(tree, changed):
    """Lines of `kind value`."""
    changed = set(changed)
    lines = [f"program {name}" for name in programs_of(tree, changed)]
    lines += [f"scenario {path}" for path in scenarios_of(tree, changed)]
    lines += [f"support {path}" for path in supports_of(tree, changed)]
    lines += [f"format {path}" for path in sorted(changed & tree.files) if path.endswith((".cc", ".h"))]
    return lines + [f"note {text}" for text in notes_of(changed)]


def git(*arguments):
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0" if "-z" in arguments else "\n") if name]


def default_reference():
    for main in ("origin/main", "main"):
        done = subprocess.run(["git", "merge-base", "HEAD", main], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    return "HEAD"


def main():
    reference = sys.argv[1] if len(sys.argv) > 1 else default_reference()
    try:
        git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}")
    except subprocess.CalledProcessError:
        print(f"changed.py: there is no commit '{reference}'", file=sys.stderr)
        return 2
    fresh = git("ls-files", "-z", "--others", "--exclude-standard")
    changed = {*git("diff", "-z", "--name-only", "--no-renames", reference), *fresh}
    known = [path for path in {*git("ls-files", "-z"), *fresh} if pathlib.Path(path).is_file()]
    for line in plan(Tree(".", known), changed):
        print(line)
    print(f"{len(changed)} files have changed since {reference[:12]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
