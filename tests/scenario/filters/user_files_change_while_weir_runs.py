"""The file of `auth` is read again when it changes; a broken one is logged and the users of before stay."""

import subprocess

import pytest
import yaml
from client import get
from passwords import basic, hash_of, write_users
from waiting import eventually, stays
from weir import BINARY, config_of, pool_of


@pytest.fixture
def users(tmp_path):
    return write_users(tmp_path / "users", alice="secret", bob="other")


@pytest.fixture
def running(proxy, users):
    return proxy(listener={"filters": {"auth": {"users": {"file": str(users)}}}})[0]


def status(running, name, password):
    return get(running.port, headers=[basic(name, password)]).status


def test_users_come_and_go(running, users):
    assert [status(running, *user) for user in (("alice", "secret"), ("bob", "other"), ("carol", "new"))] == [200, 200, 401]
    write_users(users, bob="changed", carol="new")
    eventually(lambda: status(running, "carol", "new") == 200, 15)
    assert status(running, "alice", "secret") == 401, "remembered, and yet no user any more"
    assert status(running, "bob", "other") == 401
    assert status(running, "bob", "changed") == 200
    assert running.metric("weir_config_reloads_total") == 0


def test_a_broken_file_leaves_the_users_that_were(running, users):
    users.write_text(f"bob:{hash_of('other')}\nalice:plain text\n")
    eventually(lambda: f"{users}: line 2: the user 'alice' has a password in clear, or a hash" in running.log(), 15)
    assert "what is in use stays" in running.log()
    assert "plain text" not in running.log(), "what stands for a hash is not logged"
    stays(lambda: status(running, "alice", "secret") == 200, 1)
    # A reload by hand is refused with the same reason.
    running.reload_text(running.config_path.read_text())
    assert status(running, "alice", "secret") == 200
    write_users(users, alice="mended")
    eventually(lambda: status(running, "alice", "mended") == 200, 15)


def test_a_file_that_goes_away_leaves_the_users_that_were(running, users):
    users.unlink()
    eventually(lambda: f"{users}: cannot be read: No such file or directory" in running.log(), 15)
    assert status(running, "alice", "secret") == 200
    # Changes of something else do not mind.
    assert running.admin("POST", "/pools", {"name": "more"}).status == 201
    assert status(running, "bob", "other") == 200
    write_users(users, bob="back")
    eventually(lambda: status(running, "bob", "back") == 200, 15)


def test_changes_of_something_else_leave_the_file_watched(running, users):
    for name in ("one", "two"):
        assert running.admin("POST", "/pools", {"name": name}).status == 201
    write_users(users, alice="changed")
    eventually(lambda: status(running, "alice", "changed") == 200, 15)


HASH = "$2b$04$" + "." * 53
BAD = {
    "missing": (None, "cannot be read: No such file or directory"),
    "empty": ("", "names no user; `htpasswd -B -c FILE NAME` makes one"),
    "comments": ("# nobody\n", "names no user"),
    "no colon": ("alice\n", "line 1: must be a name, a colon and a hash"),
    "no name": (f":{HASH}\n", "line 1: must be a name, a colon and a hash"),
    "no hash": ("alice:\n", "line 1: the user 'alice' has a password in clear, or a hash of a kind that is not taken"),
    "MD5": ("a:$apr1$x$abc\n", "line 1: the user 'a' has a password in clear, or a hash of a kind that is not taken"),
    "short": ("\n# x\na:$2b$04$short\n", "line 3: the user 'a' has a hash that is not whole"),
    "a salt alone": ("a:$y$j9T$abcdefgh\n", "line 1: the user 'a' has a hash that is not whole"),
    "malformed": ("a:$2b$04$" + "!" * 53, "line 1: the user 'a' has a hash that is malformed"),
    "twice": (f"a:{HASH}\na:{HASH}\n", "line 2: the user 'a' is there twice"),
    "control bytes": (f"a\x01b:{HASH}\n", "line 1: the name has control bytes"),
}


@pytest.mark.parametrize("case", BAD)
def test_at_the_start_it_is_an_error_with_its_place(tmp_path, case):
    users = tmp_path / "users"
    text, reason = BAD[case]
    if text is not None:
        users.write_text(text)
    config = config_of({"name": "site"}, listener={"filters": {"auth": {"users": {"file": "users"}}}})
    path = tmp_path / "weir.yaml"
    path.write_text(yaml.safe_dump(config))
    line = next(number for number, words in enumerate(path.read_text().splitlines(), 1) if "address:" in words)
    for command in ("check", "run"):
        done = subprocess.run([BINARY, command, "--config", str(path)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert f"listeners.web.filters.auth.users.file: {users}: {reason}" in done.stderr
        assert f"weir.yaml:{line}" in done.stderr


def test_lines_may_end_as_on_windows_and_have_more_fields(proxy, users):
    users.write_text(f"# users\r\n\r\n  alice:{hash_of('secret')}:1000:\r\nbob:{hash_of('other')}")
    running, _ = proxy(listener={"filters": {"auth": {"users": {"file": str(users)}}}})
    assert [status(running, *user) for user in (("alice", "secret"), ("bob", "other"))] == [200, 200]


def test_a_pipe_is_no_file(tmp_path):
    import os
    os.mkfifo(tmp_path / "users")
    config = config_of({"name": "site"}, listener={"filters": {"auth": {"users": {"file": "users"}}}})
    path = tmp_path / "weir.yaml"
    path.write_text(yaml.safe_dump(config))
    done = subprocess.run([BINARY, "check", "--config", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "is no regular file" in done.stderr


def test_two_routes_with_one_file(proxy, users):
    auth = {"auth": {"users": {"file": str(users)}, "realm": "here"}}
    routes = [{"match": {"path": f"/{name}"}, "pool": "site", "filters": auth} for name in ("a", "b")]
    running, _ = proxy(listener={"routes": routes})
    assert [get(running.port, f"/{name}", [basic("alice", "secret")]).status for name in ("a", "b", "c")] == [200] * 3
    write_users(users, alice="fresh")
    for name in ("a", "b"):
        eventually(lambda name=name: get(running.port, f"/{name}", [basic("alice", "fresh")]).status == 200, 15)
