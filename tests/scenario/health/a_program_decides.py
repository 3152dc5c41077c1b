"""A program decides about a backend (`type: command`): its exit code, its last words, its time, and nothing is left of it."""

import os
import pathlib

import pytest
from waiting import eventually
from weir import HEALTH_CHECK, config_of, pool_of

SCRIPT = """#!/bin/sh
echo "$WEIR_BACKEND_POOL/$WEIR_BACKEND_ID at $WEIR_BACKEND_ADDRESS" > {folder}/seen
[ -e {folder}/slow ] && { sleep 987654 & sleep 987654; }
[ -e {folder}/bad ] && { echo some text; echo "disk full" >&2; exit 3; }
exit 0
"""


@pytest.fixture
def check(tmp_path):
    script = tmp_path / "check"
    script.write_text(SCRIPT.replace("{folder}", str(tmp_path)))
    script.chmod(0o755)
    common = {key: value for key, value in HEALTH_CHECK.items() if key != "path"}
    return {**common, "type": "command", "command": [str(script)]}


def children_of(pid):
    """The states of all living and dead children."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name, fields = (folder / "stat").read_text().rsplit(")", 1)
        except OSError:
            continue
        state, parent = fields.split()[:2]
        if int(parent) == pid:
            found[int(folder.name)] = state + " " + name
    return found


def sleepers():
    return [folder for folder in pathlib.Path("/proc").glob("[0-9]*") if b"987654" in command_line(folder)]


def command_line(folder):
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def test_exit_codes_and_last_words(weir, origins, tmp_path, check):
    (origin,) = origins("one")
    running = weir(config_of(pool_of([origin], health_check=check)))
    running.wait_for_state("healthy", "one")
    assert (tmp_path / "seen").read_text() == f"site/one at 127.0.0.1:{origin.port}\n"
    (tmp_path / "bad").touch()
    running.wait_for_state("unhealthy", "one")
    assert "exit 3: disk full" in running.admin("GET", "/backends/one").json["reason"]
    (tmp_path / "bad").unlink()
    running.wait_for_state("healthy", "one")
    eventually(lambda: not any(state.startswith("Z") for state in children_of(running.process.pid).values()), 10,
               "no program that has ended is left")


def test_a_program_that_takes_too_long_is_killed_with_what_it_started(weir, origins, tmp_path, check):
    (origin,) = origins("one")
    running = weir(config_of(pool_of([origin], health_check=check)))
    running.wait_for_state("healthy", "one")
    (tmp_path / "slow").touch()
    running.wait_for_state("unhealthy", "one")
    assert "waiting for the program to end; it was killed" in running.admin("GET", "/backends/one").json["reason"]
    pid = running.process.pid
    running.stop()
    assert children_of(pid) == {}
    eventually(lambda: sleepers() == [], 10, "nothing that a program has started is left")


def test_a_program_that_is_not_there_is_an_error(weir, origins, check):
    (origin,) = origins("one")
    check["command"] = ["/nowhere/check"]
    running = weir(config_of(pool_of([origin])))
    answer = running.admin("POST", "/pools", {"name": "other", "health_check": check})
    assert answer.status == 400, answer.text
    assert "/nowhere/check: No such file or directory" in answer.text
    assert not os.path.exists("/nowhere")
