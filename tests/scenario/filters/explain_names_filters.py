"""weir explain names the filters of the route, and says which of them refuses the request."""

import subprocess

import pytest
import yaml
from passwords import write_users
from weir import BINARY, config_of


@pytest.fixture
def explain(tmp_path):
    write_users(tmp_path / "users", alice="secret")
    listener = {"limits": {"body_bytes": 10}, "trusted_proxies": ["127.0.0.1"],
                "filters": {"deny": {"addresses": ["192.0.2.0/24"]}, "cors": {"origins": ["https://app.example.com"]}},
                "routes": [{"match": {"path_prefix": "/private"}, "pool": "site",
                            "filters": {"cors": "off", "auth": {"users": {"file": "users"}}}},
                           {"match": {"path": "/old"}, "redirect": {"to": "/"}}]}
    config = config_of({"name": "site", "health_check": "off", "backends": ["127.0.0.1:9"]}, listener=listener)
    path = tmp_path / "weir.yaml"
    path.write_text(yaml.safe_dump(config))
    port = config["listeners"][0]["address"].rpartition(":")[2]

    def run(target, *fields, method="GET", client=None):
        options = [argument for field in fields for argument in ("-H", field)] + (["--client", client] if client else [])
        command = [BINARY, "explain", "--config", str(path), *options, method, f"http://test.example:{port}{target}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        words = {line.split(None, 1)[0]: line.split(None, 1)[-1] for line in done.stdout.splitlines() if line.strip()}
        return done.returncode, words, done.stdout + done.stderr

    return run


def test_those_of_the_route_in_their_order(explain):
    for target, names in (("/", "deny, cors, body"), ("/private", "deny, body, auth"), ("/old", "deny, body")):
        code, words, output = explain(target)
        assert (code, words.get("filters")) == (0, names), output


def test_who_refuses_and_why(explain):
    refusals = [
        (explain("/", client="192.0.2.7"),
         "refused with 403 by the filter deny: the client is among the addresses of filters.deny"),
        (explain("/old", "X-Forwarded-For: 192.0.2.7"), "refused with 403 by the filter deny"),
        (explain("/", "Content-Length: 11", method="POST"), "refused with 413 by the filter body"),
        (explain("/", "Origin: https://x.example", "Access-Control-Request-Method: PUT", method="OPTIONS"),
         "refused with 403 by the filter cors"),
    ]
    for (code, _, output), reason in refusals:
        assert code == 1 and reason in output, output


def test_a_preflight_that_is_answered(explain):
    _, _, output = explain("/", "Origin: https://app.example.com", "Access-Control-Request-Method: PUT", method="OPTIONS")
    assert "answered with 204 by the filter cors" in output
