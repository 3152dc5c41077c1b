"""What every scenario has at hand: backends and the binary, both stopped and checked afterwards."""

import os
import pathlib
import subprocess

import pytest

# The names of test files are sentences; these two are not tests.
collect_ignore = ["conftest.py"]


def pytest_configure(config):
    from weir import BINARY

    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]  # clients of tests speak with Weir, not with a proxy of the machine
    if not os.access(BINARY, os.X_OK):
        raise pytest.UsageError(f"no binary {BINARY}: ./dev build makes it, WEIR_BINARY names another")


# Whether each test that failed may be repeated alone (docs/decisions/0010): only when the test itself failed, never when
# Weir ended by itself, did not end, or a sanitizer spoke.
failed = {}
NEVER_REPEATED = ("ended with", "did not end", "anitizer")
MOST_REPEATED = 3


def message_of(report):
    """What was raised, without the source around it: that may contain any words."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else report.longreprtext


def pytest_runtest_logreport(report):
    if report.failed:
        is_repeatable = report.when == "call" and not any(words in message_of(report) for words in NEVER_REPEATED)
        failed[report.nodeid] = failed.get(report.nodeid, True) and is_repeatable


def pytest_sessionfinish():
    path = os.environ.get("WEIR_REPEAT_LIST")
    is_controller = "PYTEST_XDIST_WORKER" not in os.environ
    if path and is_controller and 0 < len(failed) <= MOST_REPEATED and all(failed.values()):
        pathlib.Path(path).write_text("".join(f"tests/scenario/{name}\n" for name in failed))


@pytest.fixture
def origins():
    """origins("a", "b") starts a backend for each name; origins("a", behave=...) with that behaviour."""
    from origin import Origin

    started = []

    def start(*names, **settings):
        made = [Origin(name, **settings).start() for name in names]
        started.extend(made)
        return made

    yield start
    for origin in started:
        origin.stop()
    assert [fault for origin in started for fault in origin.faults] == []


@pytest.fixture
def weir(tmp_path):
    """weir(config) starts Weir and waits until it is ready; weir(config, wait=False) does not wait. weir(of_api=True)
    starts with a file without listeners and pools and makes one of each, "web" and "default", through the API.
    weir(config, under=["prlimit", ...]) has that command run it."""
    from weir import Weir, make_by_api

    started = []

    def start(config=None, wait=True, of_api=False, under=()):
        empty = {"workers": 2, "listeners": [], "pools": []}
        instance = Weir(tmp_path, empty if of_api else config, under=under)
        started.append(instance)
        instance.start(wait)
        return make_by_api(instance) if of_api else instance

    yield start
    for instance in started:
        instance.stop()


@pytest.fixture
def proxy(weir, origins):
    """proxy(behave) is the shortest way to one backend behind Weir: it returns both."""
    from weir import config_of, pool_of

    def start(behave=None, *, pool=None, listener=None, **top):
        from origin import say_name

        (origin,) = origins("one", behave=behave or say_name)
        return weir(config_of(pool_of([origin], **(pool or {})), listener=listener, **top)), origin

    return start


@pytest.fixture
def authority(tmp_path):
    """A certificate authority of the test's own."""
    from certificates import Authority

    return Authority(tmp_path)


@pytest.fixture
def knowing(tmp_path):
    """knowing(config, {"a.test": ["127.0.0.7"]}): Weir on a machine whose hosts file says so."""
    from weir import BINARY, Weir

    hosts = tmp_path / "hosts"
    hosts.write_text("")
    own_hosts = ["unshare", "-m", "sh", "-c", f'mount --bind {hosts} /etc/hosts && exec "$@"', "sh"]
    if subprocess.run([*own_hosts, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to have a hosts file of its own")
    script = tmp_path / "weir"
    script.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in own_hosts) + f' \'{BINARY}\' "$@"\n')
    script.chmod(0o755)
    started = []

    def start(config, names):
        lines = [f"{address} {name}\n" for name, addresses in names.items() for address in addresses]
        hosts.write_text("127.0.0.1 localhost\n" + "".join(lines))
        started.append(Weir(tmp_path, config, binary=str(script)))
        return started[-1].start()

    yield start
    for running in started:
        running.stop()
