"""Whatever the API accepted before, Weir starts: an object that does not fit any more is set aside, and taken back once
the reason is gone."""

import json
import socket
import sqlite3

import pytest
from certificates import Authority
from waiting import eventually, free_port
from weir import config_of, pool_of


@pytest.fixture
def config(tmp_path, origins):
    (origin,) = origins("file")
    return config_of(pool_of([origin]), pool_of([origin], name="second"),
                     store={"type": "sqlite", "path": str(tmp_path / "weir.db")})


def set_aside(running):
    objects = running.admin("GET", "/config").json["set_aside"]
    return {(entry["object"], entry["id"]): entry["reason"] for entry in objects}


def test_a_file_that_took_names_and_pools_away(weir, config):
    running = weir(config)
    body = {"address": "127.0.0.1:1", "id": "made", "pool": "second", "enabled": False}
    assert running.admin("POST", "/backends", body).status == 201
    assert running.admin("POST", "/pools", {"name": "extra"}).status == 201
    running.kill()
    site, second = config["pools"]
    running.config = {**config, "pools": [site, {**second, "name": "renamed"}, {**second, "name": "extra"}]}
    running.start()
    assert set(set_aside(running)) == {("backend", "second/made"), ("pool", "extra")}
    assert running.metric("weir_config_objects_set_aside") == 2
    assert running.admin("GET", "/backends/made").json["status"] == "set_aside"
    assert running.log().count("backend second/made of the store is set aside") == 1
    running.reload(config)
    assert set_aside(running) == {}
    assert running.admin("GET", "/backends/made").json["status"] == "disabled"


def test_a_port_that_another_program_took(weir, config):
    running = weir(config)
    port = free_port()
    body = {"name": "extra", "address": f"127.0.0.1:{port}", "pool": "site"}
    assert running.admin("POST", "/listeners", body).status == 201
    running.kill()
    with socket.create_server(("127.0.0.1", port)):
        running.start()
        assert "cannot listen" in set_aside(running)["listener", "extra"]
    assert running.admin("POST", "/pools", {"name": "any"}).status == 201
    assert set_aside(running) == {}
    with running.connect() as connection:
        assert connection.request().status == 200


def test_a_certificate_that_is_refused_now_takes_no_listener_of_the_file_along(weir, config, tmp_path):
    pair = Authority(tmp_path).issue("site.example")
    certificate = {"cert": pair.cert.read_text(), "key": pair.key.read_text()}
    running = weir(config)
    assert running.admin("PUT", "/certificates/site", certificate).status == 201
    running.kill()
    with sqlite3.connect(config["store"]["path"]) as store:
        broken = json.dumps({"name": "site", "cert": certificate["cert"], "key": "no key"})
        store.execute("UPDATE objects SET json = ? WHERE kind = 'certificate'", (broken,))
    secure = {"name": "secure", "address": f"127.0.0.1:{free_port()}", "protocol": "https", "pool": "site",
              "tls": {"certificates": [{"name": "site"}]}}
    running.config = {**config, "listeners": [*config["listeners"], secure]}
    running.start()
    assert ("certificate", "site") in set_aside(running)
    assert running.admin("PUT", "/certificates/site", certificate).status == 201
    assert set_aside(running) == {}


def test_events_tell_of_it(weir, config):
    running = weir(config)
    assert running.admin("POST", "/pools", {"name": "extra"}).status == 201
    site, second = config["pools"]
    with running.events() as events:
        running.reload({**config, "pools": [site, second, {**second, "name": "extra"}]})
        running.reload(config)
        told = [events.next("set_aside"), events.next("taken_back")]
    assert [(event["object"], event["id"]) for event in told] == [("pool", "extra")] * 2
    assert told[0]["reason"] and told[0]["time"].endswith("Z")
    eventually(lambda: running.metric("weir_config_objects_set_aside") == 0)
