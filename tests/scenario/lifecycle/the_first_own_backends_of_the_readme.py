"""What README tells somebody new to type works as it stands, but for the ports: two servers of Python, two weights."""

import collections
import os
import re
import signal
import subprocess
import urllib.request

import pytest
from waiting import eventually, free_port
from weir import BINARY, ROOT, Weir


@pytest.fixture
def typed(tmp_path):
    """typed(commands) runs them as a shell would; everything that they started ends with the test."""
    started = []

    def run(commands):
        output = open(tmp_path / f"output-{len(started)}", "wb")
        started.append(subprocess.Popen(["sh", "-ec", commands], cwd=tmp_path, stdout=output, stderr=output,
                                        start_new_session=True))
        output.close()

    yield run
    for shell in started:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(30)


def test_two_commands_make_a_balancer(typed):
    section = (ROOT / "README.md").read_text().partition("## Your first own backends\n")[2].partition("\n## ")[0]
    servers, balancer = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    ports = {port: str(free_port()) for port in ("8001", "8002", "8080")}
    for port, free in ports.items():
        servers, balancer = servers.replace(port, free), balancer.replace(port, free)
    balancer = balancer.replace("build/release/weir run", f"exec {BINARY} run")
    balancer = balancer.replace("listeners:", f"admin: 127.0.0.1:{free_port()}\nlisteners:", 1)
    typed(servers + "wait\n")
    for port in ("8001", "8002"):
        eventually(lambda: Weir.is_open(int(ports[port])), what=f"the server on {port}")
    typed(balancer)
    eventually(lambda: Weir.is_open(int(ports["8080"])), what="Weir")
    url = f"http://127.0.0.1:{ports['8080']}/"
    answers = collections.Counter(urllib.request.urlopen(url, timeout=30).read().decode().strip() for _ in range(8))
    assert answers == {"a": 6, "b": 2}
