"""`./dev test changed` runs what can see a change, and not everything."""

import fnmatch
import pathlib
import subprocess
import sys

import pytest
from changed import SMOKE, SUBJECTS, Tree, plan

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = {
    "src/base/hash.h": "",
    "src/base/hash.cc": '#include "base/hash.h"\n',
    "src/net/tcp.h": '#include "base/hash.h"\n',
    "src/net/tcp.cc": '#include "net/tcp.h"\n#include "net/system_calls.h"\n',
    "src/net/system_calls.h": "",
    "src/balance/strategy.h": "",
    "src/balance/strategy.cc": '#include "balance/strategy.h"\n#include "balance/strategies.def"\n',
    "src/balance/strategies.def": "",
    "src/balance/maglev.cc": '#include "balance/strategy.h"\n',
    "src/tls/stream.h": "",
    "tests/support/scripted_server.h": '#include "net/tcp.h"\n',
    "tests/unit/base/hash_test.cc": '#include "base/hash.h"\n',
    "tests/unit/net/tcp_test.cc": '#include "net/tcp.h"\n',
    "tests/unit/tls/stream_test.cc": '#include "tests/support/scripted_server.h"\n#include "tls/stream.h"\n',
    "tests/contract/strategy_contract.cc": '#include "balance/strategy.h"\n',
    "tests/support/weir.py": "import waiting\n",
    "tests/support/waiting.py": "",
    "tests/support/tally_test.py": "",
    "tests/support/gdb_test.py": "",
    "tests/scenario/conftest.py": "",
    "tests/scenario/tls/https_is_served.py": "from client import get\n",
    "tests/scenario/tls/conftest.py": "",
    "tests/scenario/udp/flows.py": "from weir import pool_of\n",
    "dev": "",
    "CMakeLists.txt": "",
}


@pytest.fixture
def chosen(tmp_path):
    """chosen("program", "src/net/tcp.h"): what that change runs of the kind."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    tree = Tree(tmp_path, FILES)

    def lines(kind, *changed):
        return [value for line in plan(tree, changed) for found, _, value in [line.partition(" ")] if found == kind]

    return lines


def test_a_source_runs_the_programs_that_include_its_header(chosen):
    assert chosen("program", "src/tls/stream.h") == ["unit_tls"]
    assert chosen("program", "src/net/tcp.cc") == ["unit_net", "unit_tls"]


def test_what_a_source_includes_counts_for_those_who_include_its_header(chosen):
    assert chosen("program", "src/net/system_calls.h") == ["unit_net", "unit_tls"]
    assert chosen("program", "src/base/hash.cc") == ["unit_base", "unit_net", "unit_tls"]


def test_an_entry_of_a_list_runs_the_contract_of_its_kind(chosen):
    assert chosen("program", "src/balance/maglev.cc") == ["contract_strategy"]


def test_a_test_runs_itself_and_the_build_runs_every_program(chosen):
    assert chosen("program", "tests/unit/net/tcp_test.cc") == ["unit_net"]
    assert chosen("program", "CMakeLists.txt") == ["contract_strategy", "unit_base", "unit_net", "unit_tls"]


def test_documentation_runs_no_program(chosen):
    assert chosen("program", "docs/operations.md", "CHANGELOG.md") == []


def test_a_scenario_runs_when_it_or_what_it_imports_has_changed(chosen):
    assert chosen("scenario", "tests/scenario/udp/flows.py") == ["tests/scenario/udp/flows.py"]
    assert chosen("scenario", "tests/support/waiting.py") == ["tests/scenario/udp/flows.py"]
    assert chosen("scenario", "tests/scenario/tls/conftest.py") == ["tests/scenario/tls/https_is_served.py"]
    assert len(chosen("scenario", "tests/scenario/conftest.py")) == 2


def test_a_source_runs_the_scenarios_of_its_subject(chosen):
    assert chosen("scenario", "src/tls/stream.h") == ["tests/scenario/tls/https_is_served.py"]
    assert chosen("scenario", "tests/unit/tls/stream_test.cc") == []


def test_tools_are_tested_when_they_change(chosen):
    assert chosen("support", "dev") == ["tests/support/tally_test.py"]
    assert chosen("support", "src/net/task.h") == ["tests/support/gdb_test.py"]
    assert chosen("support", "src/tls/stream.h") == []


def test_only_sources_that_are_there_are_formatted(chosen):
    assert chosen("format", "src/tls/stream.h", "src/tls/gone.cc", "dev") == ["src/tls/stream.h"]


def test_what_is_not_run_is_said(chosen):
    assert chosen("note", "tests/fuzz/request_head_fuzz.cc") == ["fuzz targets are not run: ./dev fuzz NAME"]


def test_every_subject_names_scenarios_that_there_are():
    names = [str(path.relative_to(ROOT / "tests/scenario")) for path in (ROOT / "tests/scenario").glob("*/*.py")]
    for pattern in [*SMOKE, *(each for _, patterns in SUBJECTS for each in patterns)]:
        assert fnmatch.filter(names, pattern), pattern


def test_changes_since_a_commit_are_those_of_git(tmp_path):
    def git(*arguments):
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *names, *arguments], cwd=tmp_path, check=True, capture_output=True)

    def run(*arguments):
        return subprocess.run([sys.executable, ROOT / "tests/support/changed.py", *arguments], cwd=tmp_path,
                              capture_output=True, text=True, check=False)

    git("init", "-b", "main")
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    git("add", ".")
    git("commit", "-m", "a")
    assert run().stdout == ""
    (tmp_path / "tests/unit/net/more_test.cc").write_text("")
    git("checkout", "-b", "topic")
    git("add", ".")
    git("commit", "-m", "b")
    (tmp_path / "src/tls/stream.h").write_text("// changed\n")
    assert "program unit_net\n" in run().stdout and "program unit_tls\n" in run().stdout
    assert "program unit_net\n" not in run("HEAD").stdout
    assert (run("nowhere").returncode, "no commit 'nowhere'" in run("nowhere").stderr) == (2, True)
