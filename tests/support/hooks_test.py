"""The hooks that `./dev setup` installs refuse what docs/STYLE.md does not allow, and nothing else."""

import pathlib
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
