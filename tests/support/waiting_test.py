"""Ports that tests are given, and waiting for what is to hold."""

import pathlib
import socket
import subprocess
import sys
import time

import pytest
import waiting
from waiting import PATIENCE, eventually, free_port, free_range, is_listening

MANY = 500  # so many of 22,000 chosen twice by chance would meet


def test_two_processes_are_never_given_the_same_port():
    mine = {free_port() for _ in range(MANY)}
    print_many = f"from waiting import free_port\nprint(*[free_port() for _ in range({MANY})])"
    folder = pathlib.Path(waiting.__file__).parent
    other = subprocess.run([sys.executable, "-c", print_many], cwd=folder, capture_output=True, text=True, check=True)
    theirs = {int(port) for port in other.stdout.split()}
    assert len(mine) == len(theirs) == MANY
    assert not mine & theirs


def test_a_range_is_consecutive_and_nobody_elses():
    first = free_range(50)
    assert all(port not in range(first, first + 50) for port in (free_port() for _ in range(200)))


def test_who_listens_is_seen_without_connecting():
    with socket.socket() as one:
        one.bind(("127.0.0.1", free_port()))
        port = one.getsockname()[1]
        assert not is_listening(port)
        one.listen()
        assert is_listening(port)


def test_after_a_question_that_took_all_the_time_it_asks_once_more():
    answers = [True, False]

    def slowly():
        answer = answers.pop()
        time.sleep(0.02 * PATIENCE)
        return answer

    assert eventually(slowly, seconds=0.01)
    with pytest.raises(AssertionError, match="not within"):
        eventually(lambda: False, seconds=0.01)
