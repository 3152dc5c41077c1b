"""weir status, backends, drain, enable, disable, reload and version talk to the admin API."""

import json
import subprocess

import pytest
from weir import BINARY, config_of, pool_of


@pytest.fixture
def site(weir, origins):
    running = weir(config_of(pool_of(origins("one", "two"))))
    running.wait_for_state("healthy", "one", "two")

    def command(*arguments):
        admin = ["--admin", f"127.0.0.1:{running.admin_port}"]
        return subprocess.run([BINARY, *arguments, *admin], capture_output=True, text=True, timeout=30)

    return running, command


def test_status_and_backends(site):
    _, command = site
    assert command("status").returncode == 0
    listed = command("backends")
    assert listed.returncode == 0
    for word in ("one", "two", "site", "healthy"):
        assert word in listed.stdout


def test_one_backend_is_shown_with_its_last_check_and_its_history(site):
    _, command = site
    shown = command("backends", "site/one")
    assert shown.returncode == 0, shown.stderr
    for words in ("site/one\n", "status       healthy since ", "last check   ", " succeeded after ", "last error   none",
                  "unknown -> healthy: first check succeeded"):
        assert words in shown.stdout, shown.stdout
    assert command("backends", "one", "--pool", "site").stdout.startswith("site/one\n")
    unknown = command("backends", "nobody")
    assert (unknown.returncode, "there is no backend 'nobody'" in unknown.stderr) == (1, True)
    assert json.loads(command("backends", "one", "--json").stdout)["health"]["last_check"]["ok"]


def test_drain_disable_enable(site):
    running, command = site
    for action, state in (("drain", "draining"), ("disable", "disabled"), ("enable", "healthy")):
        done = command(action, "one")
        assert done.returncode == 0, done.stderr
        running.wait_for_state(state, "one")


def test_reload(site):
    running, command = site
    before = running.metric("weir_config_reloads_total", result="success")
    assert command("reload").returncode == 0
    from waiting import eventually

    eventually(lambda: running.metric("weir_config_reloads_total", result="success") > before)


def test_reload_says_what_waits_for_the_next_start_and_what_is_set_aside(site):
    running, command = site
    assert running.admin("POST", "/pools", {"name": "extra"}).status == 201
    pools = [*running.config["pools"], {"name": "extra"}]
    running.write_config({**running.config, "workers": 1, "pools": pools})
    said = command("reload").stdout
    assert "workers: the change takes effect with the next start" in said
    assert "pool extra is set aside: " in said
    assert "set aside    pool extra: " in command("status").stdout


def test_a_mistake_is_told_with_an_exit_code(site):
    _, command = site
    done = command("drain", "nobody")
    assert done.returncode != 0
    assert "nobody" in done.stdout + done.stderr


def test_help_knows_its_topics_and_every_command():
    overview = subprocess.run([BINARY, "help"], capture_output=True, text=True, timeout=30).stdout
    for topic in ("config", "strategies", "checkers", "stores", "run", "drain"):
        assert topic in overview
        done = subprocess.run([BINARY, "help", topic], capture_output=True, text=True, timeout=30)
        assert (done.returncode, len(done.stdout) > 50) == (0, True), topic
    assert "--config" in subprocess.run([BINARY, "help", "run"], capture_output=True, text=True, timeout=30).stdout
    unknown = subprocess.run([BINARY, "help", "nothing"], capture_output=True, text=True, timeout=30)
    assert (unknown.returncode, "nothing" in unknown.stderr) == (1, True)


def test_version():
    done = subprocess.run([BINARY, "version"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0
    assert done.stdout.strip()
