"""A signal that comes while Weir is starting does not end it without a word: SIGHUP reloads once it runs, SIGTERM ends it
with 0."""

import contextlib
import signal
import subprocess
import sys

import pytest
from waiting import eventually
from weir import config_of, pool_of

# Whoever opens the file waits until this process has read a line (fcntl(2), leases), and it says so.
HOLD = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, lambda *_: print("asked", flush=True))
held = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
sys.stdin.readline()
"""


@contextlib.contextmanager
def held(path):
    """While the process that this gives has not been written to, nobody can open the file."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        if holder.stdout.readline() != "held\n":
            pytest.skip("this file system has no leases")
        yield holder
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("name", ["SIGHUP", "SIGTERM"])
def test_while_the_configuration_is_read(weir, origins, tmp_path, name):
    path = tmp_path / "weir.yaml"
    path.touch()
    running = weir(config_of(pool_of(origins("one"))))
    running.stop()
    with held(path) as holder:
        # As start() does it, without writing the file.
        with open(running.log_path, "ab") as log:
            running.process = subprocess.Popen([running.binary, "run", "--config", str(path)], stdout=log, stderr=log,
                                               cwd=tmp_path)
        assert holder.stdout.readline() == "asked\n"
        running.process.send_signal(getattr(signal, name))
        holder.communicate("go\n")
    if name == "SIGTERM":
        assert running.wait() == 0, running.log()
    else:
        eventually(running.is_ready, 15, "ready")
        eventually(lambda: "weir.yaml applied" in running.log(), 10, "it has reloaded")
