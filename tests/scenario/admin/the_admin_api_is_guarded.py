"""Tokens with roles; without them only this machine, and no page in a browser of this machine."""

import hashlib

import pytest
from weir import config_of, pool_of


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def guarded(weir, origins):
    tokens = [{"name": role, "role": role, "sha256": digest(f"{role}-secret")} for role in ("viewer", "operator", "admin")]
    from waiting import free_port

    port = free_port()
    config = config_of(pool_of(origins("one")), admin={"listen": f"127.0.0.1:{port}", "tokens": tokens})
    running = weir(config, wait=False)
    running.admin_port = port
    from waiting import eventually

    eventually(running.is_ready)
    return running


def bearer(role):
    return [("Authorization", f"Bearer {role}-secret")]


@pytest.mark.parametrize("role, see, operate, change", [("viewer", 200, 403, 403), ("operator", 200, 200, 403),
                                                       ("admin", 200, 200, 201)])
def test_roles(guarded, role, see, operate, change):
    assert guarded.admin("GET", "/backends", None, bearer(role)).status == see
    assert guarded.admin("POST", "/backends/one/drain", None, bearer(role)).status == operate
    assert guarded.admin("POST", "/pools", {"name": "extra"}, bearer(role)).status == change


def test_no_token_and_a_wrong_one_are_401(guarded):
    assert guarded.admin("GET", "/backends").status == 401
    answer = guarded.admin("GET", "/backends", None, [("Authorization", "Bearer nonsense")])
    assert answer.status == 401
    assert answer.headers["www-authenticate"].lower().startswith("bearer")


def test_liveness_needs_none(guarded):
    assert guarded.admin("GET", "/health/live").status == 200
    assert guarded.admin("GET", "/health/ready").status == 200


def test_a_foreign_host_or_origin_is_refused(proxy):
    running, _ = proxy()
    assert running.admin("GET", "/backends", None, [("Host", "attacker.example")]).status in (403, 421)
    foreign = [("Origin", "https://attacker.example")]
    assert running.admin("POST", "/backends/one/drain", None, foreign).status == 403
    assert running.state("one") != "draining"


def test_nothing_is_read_for_a_caller_without_a_token(guarded):
    from client import Connection

    with Connection(guarded.admin_port) as connection:
        connection.send(b"POST /pools HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: 900000\r\n"
                        b"Content-Type: application/json\r\n\r\n")
        response = connection.response("POST")
        assert (response.status, response.interim) == (401, [])
        assert response.closes


def test_header_values_are_for_administrators(guarded):
    config = guarded.config
    config["pools"][0]["health_check"]["headers"] = {"Authorization": "Basic sesame"}
    config["listeners"][0]["routes"] = [
        {"match": {"path_prefix": "/x", "header": {"x-key": "sesame"}}, "pool": "site",
         "request_headers": {"set": {"Authorization": "Bearer sesame"}, "remove": ["x-key"]}}]
    guarded.write_config(config)
    assert guarded.admin("POST", "/config/reload", None, bearer("admin")).status == 200
    for path in ("/config", "/pools", "/pools/site", "/listeners", "/listeners/web"):
        assert "sesame" in guarded.admin("GET", path, None, bearer("admin")).text
        for role in ("viewer", "operator"):
            shown = guarded.admin("GET", path, None, bearer(role))
            assert "sesame" not in shown.text and "***" in shown.text, path
            assert "uthorization" in shown.text, "the names are no secret"
            assert shown.json
