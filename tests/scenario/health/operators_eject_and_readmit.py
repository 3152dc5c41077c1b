"""weir eject and readmit, and the calls behind them."""

import subprocess

import pytest
from client import get
from weir import BINARY, config_of, pool_of


@pytest.fixture
def site(weir, origins):
    running = weir(config_of(pool_of(origins("one", "two"))))
    running.wait_for_state("healthy", "one", "two")

    def command(*arguments):
        admin = ["--admin", f"127.0.0.1:{running.admin_port}"]
        return subprocess.run([BINARY, *arguments, *admin], capture_output=True, text=True, timeout=30)

    return running, command


def test_an_ejected_backend_gets_nothing_until_it_is_readmitted(site):
    running, command = site
    done = command("eject", "one", "--duration", "10m")
    assert done.returncode == 0, done.stderr
    assert "healthy, ejected" in done.stdout
    assert {get(running.port).backend for _ in range(6)} == {"two"}
    assert "an operator has ejected it" in command("backends").stdout
    assert "(by_operator): an operator has ejected it" in command("backends", "one").stdout
    assert command("readmit", "one").returncode == 0
    assert {get(running.port).backend for _ in range(6)} == {"one", "two"}
    assert "returned: an operator has readmitted it" in command("backends", "one").stdout


def test_the_last_backend_stays(site):
    running, command = site
    assert command("eject", "one", "--duration", "10m").returncode == 0
    refused = command("eject", "two")
    assert refused.returncode == 1
    assert "'two' is the last backend of the pool 'site' that takes requests" in refused.stderr
    assert get(running.port).backend == "two"


def test_a_bad_duration_is_named(site):
    running, _ = site
    answer = running.admin("POST", "/backends/one/eject?duration=soon")
    assert answer.status == 400
    assert "duration" in answer.text
    assert running.admin("POST", "/backends/nobody/eject").status == 404


def test_a_backend_that_is_in_is_readmitted_without_effect(site):
    running, _ = site
    answer = running.admin("POST", "/backends/one/readmit")
    assert (answer.status, answer.json["ejected"]) == (200, None)
