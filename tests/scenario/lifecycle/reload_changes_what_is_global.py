"""What holds for all of Weir changes with a reload as well: the access log, the log level, the tokens; all or nothing."""

import hashlib
import os

import pytest
from client import get
from waiting import eventually
from weir import config_of, pool_of


@pytest.fixture
def running(weir, origins):
    return weir(config_of(pool_of(origins("one"))))


def reload(running, headers=(), **changed):
    running.write_config({**running.config, **changed})
    return running.admin("POST", "/config/reload", headers=headers)


def test_an_access_log_that_cannot_be_opened_refuses_the_reload(running, tmp_path):
    log = tmp_path / "later" / "access.log"
    wanted = {"access_log": {"path": str(log), "format": "combined"}, "timeouts": {"idle": "7s"}}
    refused = reload(running, **wanted)
    assert refused.status == 409, refused.text
    assert refused.problem["errors"][0]["field"] == "access_log.path", refused.text
    assert f"the folder {log.parent} does not exist" in refused.text
    assert running.metric("weir_config_last_reload_successful") == 0
    shown = running.admin("GET", "/config").json
    assert shown["access_log"]["path"] == str(running.access_log_path)
    assert shown["timeouts"]["idle"] != "7s"
    get(running.port, "/still")
    eventually(lambda: [line["path"] for line in running.access_log()] == ["/still"])
    log.parent.mkdir()
    assert reload(running, **wanted).status == 200
    get(running.port, "/new")
    eventually(lambda: log.exists() and "/new" in log.read_text(), what="the new log")


def test_an_access_log_that_nobody_reads_can_be_replaced(weir, origins, tmp_path):
    stuck = tmp_path / "stuck"
    os.mkfifo(stuck)
    reader = os.open(stuck, os.O_RDONLY | os.O_NONBLOCK)
    running = weir(config_of(pool_of(origins("one")), access_log={"path": str(stuck), "format": "json"}))
    with running.connect() as connection:
        for _ in range(400):  # a pipe holds 64 KB
            connection.request(target=f"/{'x' * 500}")
    fresh = tmp_path / "fresh.log"
    answer = reload(running, access_log={"path": str(fresh), "format": "combined"})
    assert answer.status == 200, answer.text
    get(running.port, "/fresh")
    eventually(lambda: fresh.exists() and "/fresh" in fresh.read_text(), what="the new log")
    running.stop()
    os.close(reader)


def test_the_log_level(running):
    audit = "POST /pools:"
    assert reload(running, log_level="error").status == 200
    assert running.admin("POST", "/pools", {"name": "quiet"}).status == 201
    assert reload(running, log_level="info").status == 200
    assert running.admin("POST", "/pools", {"name": "told"}).status == 201
    eventually(lambda: "/pools/told" in running.log())
    assert running.log().count(audit) + running.log().count("POST /pools ->") == 1, running.log()


def test_tokens(running):
    bearer = [("Authorization", "Bearer secret")]
    admin = {"listen": f"127.0.0.1:{running.admin_port}"}
    token = {"name": "one", "role": "admin", "sha256": hashlib.sha256(b"secret").hexdigest()}
    assert reload(running, admin={**admin, "tokens": [token]}).status == 200
    assert running.admin("GET", "/pools").status == 401
    assert running.admin("GET", "/pools", headers=bearer).status == 200
    assert "next start" not in running.log()
    assert reload(running, bearer, admin=admin).status == 200
    assert running.admin("GET", "/pools").status == 200
    assert "no admin.tokens any more" in running.log()
    assert reload(running, workers=1).json["needs_restart"] == ["workers"]
    assert "the change of workers takes effect with the next start" in running.log()


def test_what_needs_a_restart_is_said_until_it_is_restarted_or_taken_back(running):
    for _ in range(2):
        assert reload(running, workers=1).json["needs_restart"] == ["workers"]
    assert reload(running, workers=1, drain_timeout="11s").json["needs_restart"] == ["workers"]
    assert reload(running, workers=2).json["needs_restart"] == []
