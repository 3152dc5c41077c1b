"""One line per request, in JSON, combined or a template; the file is reopened on SIGHUP."""

import os

import pytest
from client import get, request
from waiting import eventually
from weir import config_of, pool_of


def test_json(proxy):
    running, origin = proxy()
    response = request(running.port, "POST", "/a?b=c", [("User-Agent", 'quo"te\\'), ("Referer", "http://r/")], b"x" * 10)
    assert response.status == 200
    line = eventually(running.access_log)[0]
    expected = {"client": "127.0.0.1", "method": "POST", "path": "/a", "query": "b=c", "host": "test.example",
                "version": "HTTP/1.1", "status": 200, "listener": "web", "pool": "site", "backend": "one",
                "attempts": 1, "user_agent": 'quo"te\\', "referer": "http://r/", "termination": "ok"}
    assert {key: line[key] for key in expected} == expected
    assert line["request_id"] == origin.requests[0].get("x-request-id")
    assert line["bytes_in"] > 10 and line["bytes_out"] > 0 and line["duration_ms"] >= 0


def test_every_request_has_its_line_under_load(proxy):
    from load import Load

    running, _ = proxy()
    with Load(running.port, connections=8) as load:
        load.wait_for_requests(300)
    eventually(lambda: len(running.access_log()) == load.outcome.requests)
    assert running.metric("weir_access_log_dropped_total") == 0


@pytest.mark.parametrize("format, begins", [("combined", "127.0.0.1 - "), ("%{method}|%{status}|%{backend}", "GET|200|one")])
def test_other_formats(weir, origins, tmp_path, format, begins):
    path = tmp_path / "other.log"
    running = weir(config_of(pool_of(origins("one")), access_log={"path": str(path), "format": format}))
    get(running.port)
    eventually(lambda: path.exists() and path.read_text().startswith(begins), what=begins)


def test_what_a_client_sends_cannot_forge_a_line(proxy):
    running, _ = proxy()
    get(running.port, "/", [("User-Agent", 'x" 200 "\t{"status": 200}')])
    eventually(running.access_log)
    assert running.access_log()[0]["user_agent"] == 'x" 200 "\t{"status": 200}'


def test_sighup_reopens_a_rotated_file(proxy):
    running, _ = proxy()
    get(running.port, "/before")
    eventually(running.access_log)
    rotated = running.access_log_path.with_suffix(".1")
    os.rename(running.access_log_path, rotated)
    running.reload(running.config)
    get(running.port, "/after")
    eventually(lambda: [line["path"] for line in running.access_log()] == ["/after"])
    assert '"/before"' in rotated.read_text()


def test_errors_say_who_ended_it(proxy):
    running, origin = proxy(pool={"min_healthy": 1, "retries": {"attempts": 0}})
    running.wait_for_state("healthy", "one")
    origin.stop()
    assert get(running.port).status == 502
    eventually(lambda: [line for line in running.access_log() if line["status"] == 502])
    line = running.access_log()[-1]
    assert line["termination"].startswith("backend_"), line
