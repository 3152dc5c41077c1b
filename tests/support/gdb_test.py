"""gdb shows values of Weir by their meaning, and which coroutine waits where (tests/support/gdb/weir.py)."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path("tests/support/gdb")
COMPILER = "clang++-19"
# What the subject needs of Weir.
SOURCES = [*(f"src/net/{name}.cc" for name in ("reactor", "task_group", "timer_wheel", "mailbox")),
           *(f"src/base/{name}.cc" for name in ("free_list", "assert", "error", "log"))]
COMMANDS = """
break look
run
up
print good
print done
print bad
print list
print empty
print arena
print buffer
print unstarted
print group
weir tasks group
python for what, chain in tasks_of(gdb.parse_and_eval("group")): gdb.execute(f"weir locals {chain[-1].address}")
break look_from_a_coroutine
continue
up
weir bt
"""


def compile_subject(binary):
    launcher = ["ccache"] if shutil.which("ccache") else []
    libraries = subprocess.run(["pkg-config", "--cflags", "--libs", "fmt", "spdlog"], capture_output=True, text=True, check=True)
    objects = []
    for source in [str(FOLDER / "subject.cc"), *SOURCES]:
        objects.append(binary.parent / (source.replace("/", "_") + ".o"))
        flags = ["-std=c++23", "-O0", "-g", "-pthread", "-Isrc", *libraries.stdout.split()]
        flags = [flag for flag in flags if not flag.startswith("-l")]
        subprocess.run([*launcher, COMPILER, *flags, "-c", source, "-o", objects[-1]], cwd=ROOT, check=True)
    needed = [flag for flag in libraries.stdout.split() if flag.startswith("-l")]
    subprocess.run([COMPILER, "-pthread", "-fuse-ld=lld", *objects, *needed, "-o", binary], cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What gdb says to the commands, in one text."""
    for program in ("gdb", COMPILER):
        if shutil.which(program) is None:
            pytest.skip(f"there is no {program}: ./dev setup installs it")
    folder = tmp_path_factory.mktemp("gdb")
    compile_subject(folder / "subject")
    (folder / "commands").write_text(COMMANDS)
    settings = ["set pagination off", "set debuginfod enabled off", "set width 0"]
    command = ["gdb", "-nx", "-batch", *(word for each in settings for word in ("-iex", each)), "-x", FOLDER / "weir.py",
               "-x", folder / "commands", folder / "subject"]
    environment = {name: value for name, value in os.environ.items() if name != "DEBUGINFOD_URLS"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "Error in sourced command file" not in done.stderr, done.stdout + done.stderr
    return done.stdout


def test_results_are_their_value_or_their_error(said):
    assert "$1 = value: 42\n$2 = done\n$3 = error: connect: refused (backend), errno 111\n" in said, said


def test_lists_show_their_elements_and_memory_what_is_left(said):
    assert re.search(r"= IntrusiveList of 2 = \{\[0\] = 0x\w+, \[1\] = 0x\w+\}\n", said), said
    assert "= IntrusiveList of 0\n" in said
    assert "= Arena of 1 blocks of 2048 bytes or more, 2043 left in the last\n" in said
    assert re.search(r"= Buffer of 16384 bytes at 0x\w+\n", said)


def test_a_task_names_its_coroutine(said):
    assert re.search(r"= Task of session\(int\) \[0x\w+\] not started, tests/support/gdb/subject\.cc:\d+\n", said), said


def test_a_group_shows_what_its_tasks_wait_for(said):
    assert ("= TaskGroup of 2 = {[0] = waits for weir::net::sleep_until; read_request(int) <- session(int), "
            "[1] = waits for weir::net::Waiter; wait_for(weir::net::Waiter&) <- own(weir::net::Waiter&)}\n") in said, said


def test_each_coroutine_of_a_task_says_at_which_line_it_is_suspended(said):
    place = r"\[0x\w+\] at tests/support/gdb/subject\.cc:\d+: "
    leaf = r"  #0 read_request\(int\) " + place + re.escape("base::Result<void> slept = co_await net::sleep_for(")
    root = r"  #1 session\(int\) " + place + re.escape("base::Result<int> request = co_await read_request(length);")
    assert re.search("task 0 waits for weir::net::sleep_until\n" + leaf + ".*\n" + root, said), said


def test_a_suspended_coroutine_shows_its_variables(said):
    assert "number = 7\n" in said
    assert "length = 700\n" in said


def test_a_running_coroutine_knows_who_awaits_it(said):
    chain = (r"  #0 wait_for\(weir::net::Waiter&\) \[0x\w+\] running at tests/support/gdb/subject\.cc:\d+\n"
             r"  #1 own\(weir::net::Waiter&\) \[0x\w+\] at tests/support/gdb/subject\.cc:\d+: .*co_await wait_for")
    assert re.search(chain, said), said
