"""`weir check` reports every error about filters with its place, and the JSON schema refuses what it can see of them."""

import json
import subprocess

import jsonschema
import pytest
import yaml
from passwords import write_users
from weir import BINARY, config_of


@pytest.fixture(scope="module")
def schema():
    return json.loads(subprocess.run([BINARY, "schema"], capture_output=True, text=True, timeout=60, check=True).stdout)


@pytest.fixture
def check(tmp_path):
    """check(listener) gives the exit code, the output, and the configuration."""
    write_users(tmp_path / "users", alice="secret")

    def run(listener):
        config = config_of({"name": "site", "health_check": "off", "backends": ["127.0.0.1:9"]}, listener=listener)
        path = tmp_path / "weir.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        done = subprocess.run([BINARY, "check", "--config", str(path)], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr, config

    return run


def on_route(filters, **action):
    return {"routes": [{"name": "some", "match": {"path": "/x"}, **(action or {"pool": "site"}), "filters": filters}]}


AUTH = {"auth": {"users": {"file": "users"}}}
GOOD = [
    {"filters": {}},
    {"filters": {"hsts": {}}},
    {"filters": {"cors": {"origins": "*"}, "deny": {"addresses": "10.0.0.0/8"}}},
    {"filters": {"cors": {"origins": ["https://[::1]:8443", "http://localhost:3000", "https://*.example.com"]}}},
    {"filters": {"allow": {"addresses": ["::1", "10.0.0.0/8"]}, "body": {"max": "10MB", "types": ["a/b", "c/*"]}, **AUTH}},
    on_route({"auth": "off", "cors": False}),
    on_route({"hsts": {"max_age": "0s"}, "deny": {"addresses": ["192.0.2.7"]}}, redirect={"to": "/y"}),
    {**on_route({"body": "off"}), "limits": {"body_bytes": "1MB"}},
]


@pytest.mark.parametrize("listener", GOOD)
def test_good_ones(check, schema, listener):
    code, output, config = check(listener)
    assert code == 0, output
    jsonschema.validate(config, schema)


# What the schema cannot know is "beyond" it.
UNKNOWN = [
    ({"filters": {"corse": {"origins": "*"}}}, "filters.corse: unknown filter 'corse'; did you mean 'cors'?"),
    ({"filters": {"cors": {"orgins": "*"}}}, "filters.cors.orgins: unknown key 'orgins'; did you mean 'origins'?"),
    ({"filters": {"auth": {"users": {"fil": "users"}}}}, "unknown key 'fil'; did you mean 'file'?"),
    ({"filters": {"auth": {"users": "users"}}}, "auth looks like {users: {file: users.htpasswd}, realm: Staging}"),
    ({"filters": {"deny": True}}, "must be a map of options, such as {addresses:"),
    ({"filters": ["cors"]}, "must be a map of filters and their options; `weir help filters` lists them"),
    ({"filters": {"cors": [{"origins": "*"}]}}, "there is one cors at a time"),
    ({"filters": {"body": {"max": "much"}}}, "filters.body.max"),
    ({"filters": {"hsts": {"max_age": "11y"}}}, "filters.hsts.max_age"),
]
BEYOND = [
    ({"filters": {"cors": {"origins": "*", "max_age": "25h"}}}, "filters.cors.max_age"),
    ({"filters": {"deny": {}}}, "must list at least one address or block"),
    ({"filters": {"allow": {"addresses": []}}}, "must list at least one address or block"),
    ({"filters": {"deny": {"addresses": ["10.0.0.0/33", "1.2.3"]}}}, "'1.2.3' is no address and no block"),
    ({"filters": {"cors": {}}}, "must list at least one, such as https://app.example.com, or *"),
    ({"filters": {"cors": {"origins": ["*", "https://a.example"]}}}, "'*' is every origin"),
    ({"filters": {"cors": {"origins": "*", "credentials": True}}}, "must not be true with the origin *"),
    ({"filters": {"cors": {"origins": "https://a.example", "methods": ["GE T"]}}}, "'GE T' is no method name"),
    ({"filters": {"cors": {"origins": "https://a.example", "headers": ["X-A\r\nY: z"]}}}, "is no header name"),
    ({"filters": {"cors": {"origins": "https://a.example", "expose": ["*", ""]}}}, "'' is no header name"),
    ({"filters": {"body": {"types": ["json"]}}}, "'json' is no media type such as application/json or image/*"),
    ({"filters": {"body": {"types": ["*/*"]}}}, "'*/*' is no media type"),
    ({"filters": {"auth": {}}}, "is needed: the path of a file with the users"),
    ({"filters": {"auth": {**AUTH["auth"], "realm": "a\r\nSet-Cookie: x=y"}}}, "filters.auth.realm: has control bytes"),
    ({"filters": {"auth": {**AUTH["auth"], "user_header": "X User"}}}, "'X User' is no header name"),
    ({"filters": {"auth": {**AUTH["auth"], "user_header": ""}}}, "'' is no header name"),
    ({"filters": {"auth": "off"}}, "`off` is for routes, where it removes the listener's filter; remove it here"),
    ({"filters": {"body": {"max": 5}}, "limits": {"body_bytes": 5}}, "says the same as `limits.body_bytes`; remove one"),
    ({"protocol": "tcp", "filters": AUTH}, "works on HTTP requests, and this listener has none"),
    (on_route(AUTH, redirect={"to": "/y"}), "filters.auth: has no effect on a redirect"),
    (on_route({"cors": {"origins": "*"}}, redirect={"to": "/y"}), "filters.cors: has no effect on a redirect"),
]
BEYOND += [({"filters": {"cors": {"origins": origin}}}, "is no origin; write scheme, host and port alone")
           for origin in ("app.example.com", "https://a.example/", "https://a.example/x", "https://", "null", "https://*",
                          "https://a.*.example", "https://a b", "https://u@a.example", "https://a.example:99999", "//a")]
BEYOND += [({"filters": {"auth": {**AUTH["auth"], "user_header": name}}}, f"'{name}' must not hold a user's name")
           for name in ("Host", "content-length", "Transfer-Encoding", "Connection", "TE", "Expect")]


@pytest.mark.parametrize("listener, reason", UNKNOWN + BEYOND)
def test_bad_ones(check, schema, listener, reason):
    code, output, config = check(listener)
    assert (code, reason in output) == (1, True), output
    assert "weir.yaml:" in output
    if (listener, reason) in UNKNOWN:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(config, schema)


def test_hsts_in_both_forms(check):
    tls = {"hsts": {"max_age": "1h"}, "certificates": [{"cert": "x.pem"}]}
    code, output, _ = check({"protocol": "https", "tls": tls, "filters": {"hsts": {}}})
    assert code == 1 and "filters.hsts: says the same as `tls.hsts`; remove one of them" in output


def test_help_lists_them():
    told = subprocess.run([BINARY, "help", "filters"], capture_output=True, text=True, timeout=60, check=True).stdout
    for name in ("hsts", "deny", "allow", "cors", "body", "auth"):
        assert f"\n  {name}\n" in told
    assert "users.file:" in told and "(default Restricted)" in told
