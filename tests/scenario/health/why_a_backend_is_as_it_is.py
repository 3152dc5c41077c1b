"""Whoever asks is told what was probed, what came back and since when: the API, the command line and the log."""

import re
import subprocess

import pytest
from client import get
from waiting import eventually
from weir import BINARY, HEALTH_CHECK, config_of, pool_of


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One backend without /health beside one that has it, and a pool of which every backend is bad."""
    from origin import Origin
    from weir import Weir

    good, bad = Origin("good").start(), Origin("bad").start()
    bad.healthy = False
    pools = [pool_of([good, bad]), pool_of([bad], name="lost")]
    running = Weir(tmp_path_factory.mktemp("why"), config_of(*pools))
    running.start()
    running.wait_for_state("unhealthy", "bad")
    running.wait_for_state("unhealthy", "bad", pool="lost")
    yield running, bad
    running.stop()
    good.stop()
    bad.stop()


def test_the_api_names_what_was_probed_and_what_came_back(site):
    running, bad = site
    shown = running.admin("GET", "/backends/bad?pool=site").json
    assert f"http GET /health at 127.0.0.1:{bad.port}" in shown["reason"] and "status 503" in shown["reason"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", shown["since"])
    listed = running.admin("GET", "/backends?pool=site").json["backends"]
    assert [backend["reason"] for backend in listed if backend["id"] == "bad"] == [shown["reason"]]


def test_the_command_line_does_as_well(site):
    running, bad = site
    command = [BINARY, "backends", "--admin", f"127.0.0.1:{running.admin_port}"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert f"http GET /health at 127.0.0.1:{bad.port}" in listed and "status 503" in listed
    shown = subprocess.run([*command, "lost/bad"], capture_output=True, text=True, timeout=30, check=True).stdout
    assert re.search(r"last check   \S+ failed after \S+ ms: status 503", shown), shown
    command[1] = "status"
    status = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert re.search(r"degraded     pool lost: no healthy backend; bad is unhealthy: .*status 503", status), status


def test_the_log_says_it_at_the_change(site):
    running, bad = site
    line = next(line for line in running.log().splitlines() if "backend site/bad: unknown -> unhealthy" in line)
    assert f"http GET /health at 127.0.0.1:{bad.port}" in line and "status 503, expected 200-299" in line


def test_a_pool_without_a_healthy_backend_degrades_the_whole(site):
    running, _ = site
    health = running.admin("GET", "/health")
    assert health.status == 200
    assert (health.json["status"], health.json["degraded_pools"]) == ("degraded", ["lost"])


def test_what_an_operator_did_is_the_reason(site):
    running, _ = site
    running.admin("POST", "/backends/good/disable?pool=site")
    assert running.admin("GET", "/backends/good?pool=site").json["reason"] == "an operator has disabled it"
    running.admin("POST", "/backends/good/enable?pool=site")
