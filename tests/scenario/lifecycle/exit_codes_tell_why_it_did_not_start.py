"""1: the configuration is bad, and another start would find the same. 2: an address is taken, or the store cannot be
opened, which may be over by then."""

import socket
import subprocess

import pytest
from weir import BINARY, config_of, pool_of


@pytest.fixture
def exit_code(weir):
    def run(config):
        running = weir(config, wait=False)
        code = running.wait()
        running.expected_exit = code
        return code, running.log()

    return run


def test_a_certificate_that_is_not_there(exit_code, origins):
    missing = {"protocol": "https", "tls": {"certificates": [{"cert": "/nowhere.pem"}]}}
    code, log = exit_code(config_of(pool_of(origins("one")), listener=missing))
    assert (code, "/nowhere.pem cannot be read" in log) == (1, True), log


def test_an_address_that_is_taken(exit_code, origins):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = {"address": f"127.0.0.1:{taken.getsockname()[1]}"}
        code, log = exit_code(config_of(pool_of(origins("one")), listener=address))
    assert (code, "cannot listen on" in log) == (2, True), log


def test_an_admin_address_that_is_taken(exit_code, origins):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, log = exit_code(config_of(pool_of(origins("one")), admin={"listen": address}))
    assert code == 2 and f"admin.listen: cannot listen on {address}: Address already in use; stop what listens" in log, log


def test_an_access_log_in_a_folder_that_is_not_there(exit_code, origins):
    code, log = exit_code(config_of(pool_of(origins("one")), access_log={"path": "/nowhere/weir/access.log"}))
    assert code == 2 and "cannot write to /nowhere/weir/access.log: the folder /nowhere/weir does not exist" in log, log


def test_a_store_that_cannot_be_opened(exit_code, origins):
    code, log = exit_code(config_of(pool_of(origins("one")), store={"type": "sqlite", "path": "/nowhere/weir.db"}))
    assert (code, "the folder must exist" in log) == (2, True), log


def test_errors_of_the_command_line_say_what_to_write(tmp_path):
    path = tmp_path / "weir.yaml"
    path.write_text("pools: []\n")
    assert subprocess.run([BINARY, "check", str(path)], capture_output=True, timeout=60).returncode == 0
    for arguments, words in ((["undrain", "a"], "`weir enable ID`"), (["--admin", "a:1", "status"], "follow the command"),
                             (["demo", "--port", "99999"], "65535; see `weir help demo`"),
                             (["drain"], "see `weir help drain`")):
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stderr.startswith("weir: ") and words in done.stderr, done
