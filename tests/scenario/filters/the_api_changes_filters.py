"""Listeners of the admin API have filters as those of the file; GET shows what PUT takes back, and rules obey the listener's."""

import pytest
from client import get
from passwords import basic, write_users
from waiting import eventually
from weir import config_of, pool_of

NOBODY = {"deny": {"addresses": ["0.0.0.0/0"]}}


@pytest.fixture
def running(weir, origins):
    running = weir(of_api=True)
    (origin,) = origins("one")
    backend = {"id": "one", "host": origin.host, "port": origin.port, "pool": "default"}
    assert running.admin("POST", "/backends", backend).status == 201
    return running


def put(running, **changes):
    shown = running.admin("GET", "/listeners/web").json
    body = {"name": "web", "address": shown["address"], "protocol": "http", "pool": "default", **changes}
    return running.admin("PUT", "/listeners/web", body)


def test_they_work_at_once_and_go_at_once(running):
    assert put(running, filters=NOBODY).status == 200
    eventually(lambda: get(running.port).status == 403)
    assert put(running).status == 200
    eventually(lambda: get(running.port).status == 200)
    assert "filters" not in running.admin("GET", "/listeners/web").json


def test_what_is_shown_can_be_sent_back(running, tmp_path):
    users = write_users(tmp_path / "users", alice="secret")
    filters = {"auth": {"users": {"file": str(users)}}, "deny": {"addresses": "192.0.2.7"}, "hsts": {"max_age": "24h"},
               "cors": {"origins": ["https://a.example"]}, "body": {"max": "1KB"}, "allow": {"addresses": ["127.0.0.1"]}}
    routes = [{"match": {"path": "/open"}, "pool": "default", "filters": {"cors": "off", "auth": False}}]
    sent = put(running, filters=filters, routes=routes)
    assert sent.status == 200, sent.text
    shown = running.admin("GET", "/listeners/web")
    assert list(shown.json["filters"]) == ["hsts", "deny", "allow", "cors", "body", "auth"], "in the order they work in"
    assert shown.json["filters"]["auth"]["users"] == {"file": str(users)}
    assert shown.json["filters"]["deny"] == {"addresses": ["192.0.2.7"]}
    assert shown.json["routes"][0]["filters"] == {"cors": "off", "auth": "off"}
    again = running.admin("PUT", "/listeners/web", shown.json, [("If-Match", shown.headers["etag"])])
    assert again.status == 200, again.text
    assert again.json == shown.json
    assert running.admin("GET", "/config").status == 200
    eventually(lambda: get(running.port, "/open").status == 200)
    assert get(running.port).status == 401
    assert get(running.port, headers=[basic("alice", "secret")]).status == 200


@pytest.mark.parametrize("filters, field, reason", [
    ({"corse": {}}, "filters.corse", "did you mean 'cors'?"),
    ({"cors": {"orgins": "*"}}, "filters.cors.orgins", "did you mean 'origins'?"),
    ({"cors": "off"}, "filters.cors", "`off` is for routes"),
    ({"deny": {"addresses": ["x"]}}, "filters.deny.addresses", "'x' is no address"),
    ({"auth": {"users": {"file": "/nowhere/users"}}}, "filters.auth.users.file", "/nowhere/users: cannot be read"),
])
def test_errors_name_the_field(running, filters, field, reason):
    answer = put(running, filters=filters)
    assert answer.status in (400, 409), answer.text
    assert field in answer.text and reason in answer.text
    assert get(running.port).status == 200, "nothing has changed"


def test_errors_of_routes_name_the_field(running):
    answer = put(running, routes=[{"match": {"path": "/x"}, "redirect": {"to": "/y"}, "filters": {"cors": {"origins": "*"}}}])
    assert answer.status in (400, 409)
    assert "routes[0].filters.cors" in answer.text and "has no effect on a redirect" in answer.text


def test_a_dry_run_reads_the_file_and_changes_nothing(running, tmp_path):
    users = write_users(tmp_path / "users", alice="secret")
    shown = running.admin("GET", "/listeners/web").json
    body = {"name": "web", "address": shown["address"], "protocol": "http", "pool": "default",
            "filters": {"auth": {"users": {"file": str(users)}}}}
    assert running.admin("PUT", "/listeners/web?dry_run=true", body).status == 200
    users.write_text("broken")
    answer = running.admin("PUT", "/listeners/web?dry_run=true", body)
    assert answer.status in (400, 409) and "line 1: must be a name" in answer.text
    assert get(running.port).status == 200


def test_routing_rules_go_by_the_filters_of_the_listener(weir, origins, tmp_path):
    users = write_users(tmp_path / "users", alice="secret")
    filters = {"auth": {"users": {"file": str(users)}}}
    running = weir(config_of(pool_of(origins("one"), name="default"), listener={"pool": "default", "filters": filters}))
    answer = running.admin("POST", "/routing-rules", {"path_prefix": "/only", "backends": ["one"]})
    assert answer.status == 201, answer.text
    assert get(running.port, "/only").status == 401
    assert get(running.port, "/only", [basic("alice", "secret")]).status == 200
    assert running.admin("GET", "/listeners/web").json["filters"]["auth"]["users"] == {"file": str(users)}
    assert running.admin("POST", "/routing-rules", {"path_prefix": "/x", "backends": ["one"], "filters": {}}).status == 400
