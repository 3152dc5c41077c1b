"""weir demo: three sample backends and Weir before them, URLs to try, and everything gone with Ctrl-C."""

import re
import signal
import socket
import subprocess

import pytest
from client import get
from waiting import PATIENCE, eventually
from weir import BINARY


def in_use(port):
    with socket.socket() as probe:
        # Past connections of the demo in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return False
        except OSError:
            return True


@pytest.mark.alone
def test_it_serves_and_stops(tmp_path):
    if in_use(8080) or in_use(9090):
        pytest.skip("its ports 8080 and 9090 are in use on this machine")
    log = open(tmp_path / "demo.log", "w+")
    process = subprocess.Popen([BINARY, "demo"], stdout=log, stderr=log, cwd=tmp_path)
    try:
        eventually(lambda: in_use(8080) and in_use(9090), 15)
        eventually(lambda: get(8080).status == 200)
        seen = {get(8080).body for _ in range(12)}
        assert len(seen) >= 3, seen
        log.seek(0)
        guide = log.read()
        assert re.search(r"http://\S+:8080", guide)
        command = re.search(r"(\S*weir\S* backends)", guide)[1]
        listed = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert "quick" in listed.stdout, (command, listed)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(15 * PATIENCE)
    assert code == 0
    assert not in_use(8080) and not in_use(9090)
