"""weir explain: listener, route, pool and backends of a request, and why, without running anything."""

import subprocess

import pytest
import yaml
from weir import BINARY, config_of, pool_of


@pytest.fixture
def explain(tmp_path, origins):
    routes = [{"name": "api", "match": {"host": "api.example.com", "path_prefix": "/v1"}, "pool": "inner"},
              {"name": "old", "match": {"path_prefix": "/old"}, "redirect": {"to": "/new"}}]
    a, b = origins("a", "b")
    config = config_of(pool_of([a]), pool_of([b], name="inner"), listener={"routes": routes})
    path = tmp_path / "weir.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    port = config["listeners"][0]["address"].rpartition(":")[2]

    def run(method, host, target, *fields, code=0):
        options = [argument for field in fields for argument in ("-H", field)]
        command = [BINARY, "explain", "--config", str(path), method, f"http://{host}:{port}{target}", *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == code, done.stderr
        return done.stdout

    return run


def test_a_route_to_a_pool(explain):
    output = explain("GET", "api.example.com", "/v1/users")
    for word in ("web", "api", "inner", "b"):
        assert word in output


def test_the_exit_code_tells_when_nothing_takes_the_request(explain):
    assert "refused with 400" in explain("GET", "x.org", "/a%2fb", code=1)


def test_the_default_pool(explain):
    assert "site" in explain("GET", "x.org", "/")


def test_a_redirect(explain):
    output = explain("GET", "x.org", "/old/page")
    assert "old" in output and "/new" in output
