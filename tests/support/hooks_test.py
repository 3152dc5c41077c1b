"""The hooks that `./dev setup` installs refuse what docs/STYLE.md does not allow, and nothing else."""

import pathlib
import shutil
import subprocess

import pytest

HOOKS = pathlib.Path(__file__).parent / "hooks"


def commit_msg(tmp_path, message):
    path = tmp_path / "message"
    path.write_text(message)
    return subprocess.run([HOOKS / "commit-msg", path], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("message", [
    "balance: weigh least_connections by capacity\n",
    "http, http2: count resets\n\nA body; it may have semicolons and as many characters in a line as it needs to have.\n",
    "# a comment of git\nnet: " + "x" * 67 + "\n",
    "Revert \"anything at all; however long it may be, the subject was written by somebody else already\"\n",
])
def test_a_good_subject_passes(tmp_path, message):
    done = commit_msg(tmp_path, message)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("message", "reason"), [
    ("net: " + "x" * 68 + "\n", "73 characters"),
    ("Weigh least_connections\n", "must begin with its area"),
    ("net:no space\n", "must begin with its area"),
    ("net: close sockets; tls: close streams\n", "two commits"),
    ("\nnet: late\n", "must begin with its area"),
])
def test_a_bad_subject_is_refused_with_its_reason(tmp_path, message, reason):
    done = commit_msg(tmp_path, message)
    assert done.returncode == 1
    assert reason in done.stderr


@pytest.fixture
def checkout(tmp_path):
    """checkout({path: text}) commits these files in a repository with the hooks and returns what git said."""
    root = HOOKS.parents[2]

    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.hooksPath=tests/support/hooks"]
        return subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    def commit(files):
        for path, text in {"src/floors.txt": "base:\n", "src/units.txt": "", **files}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        git("add", ".")
        return git("commit", "-m", "base: change something")

    git("init")
    shutil.copytree(HOOKS, tmp_path / "tests/support/hooks")
    for path in [*root.glob("tests/support/*tree*.py"), root / ".clang-format"]:
        shutil.copy(path, tmp_path / path.relative_to(root))
    return commit


@pytest.mark.skipif(shutil.which("clang-format-19") is None, reason="there is no clang-format-19: ./dev setup installs it")
def test_a_source_that_is_not_formatted_is_refused(checkout):
    refused = checkout({"src/base/x.h": "#pragma once\nint   x;\n"})
    assert (refused.returncode, "run ./dev fmt" in refused.stderr) == (1, True), refused.stderr
    assert checkout({"src/base/x.h": "#pragma once\nint x;\n"}).returncode == 0


def test_a_tree_that_breaks_its_rules_is_refused(checkout):
    refused = checkout({"src/nowhere/x.h": "#pragma once\n"})
    assert (refused.returncode, "the folder nowhere is not in floors.txt" in refused.stdout + refused.stderr) == (1, True)
