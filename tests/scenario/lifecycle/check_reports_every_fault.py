"""weir check: 0 for a good file; for a bad one every fault with its place and what would be right, and exit code 1."""

import subprocess

import pytest
import yaml
from weir import BINARY, config_of, pool_of


@pytest.fixture
def check(tmp_path, origins):
    def run(text):
        path = tmp_path / "weir.yaml"
        path.write_text(text)
        done = subprocess.run([BINARY, "check", "--config", str(path)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    run.good = yaml.safe_dump(config_of(pool_of(origins("one"))), sort_keys=False)
    return run


def test_a_good_file(check):
    assert check(check.good)[0] == 0


def test_all_faults_of_a_bad_one(check):
    text = """listeners:
  - name: web
    adress: 127.0.0.1:8080
    protocol: htp
    pool: nowhere
pools:
  - name: site
    algorithm: roundrobin
    min_healthy: -1
    health_check: {type: http, interval: 5}
    backends:
      - {host: 127.0.0.1, port: 99999}
      - {host: 127.0.0.1, port: 80, weight: lots}
"""
    code, output = check(text)
    assert code == 1
    for line, word in ((3, "address"), (4, "http"), (8, "round_robin"), (9, "min_healthy"), (12, "99999"), (13, "weight")):
        assert any(f"weir.yaml:{line}:" in found and word in found for found in output.splitlines()), (line, word, output)


@pytest.mark.parametrize("first, second", [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "*"), ("[::]", "[::1]")])
def test_addresses_that_cannot_be_listened_on_together(check, first, second):
    code, output = check(f"""listeners:
  - {{name: one, address: '{first}:8080', pool: site}}
  - {{name: two, address: '{second}:8080', pool: site}}
pools: [{{name: site}}]
""")
    assert (code, "is taken by one" in output, "weir.yaml:3:" in output) == (1, True, True), output


def test_options_of_an_algorithm_are_told_with_all_else(check):
    code, output = check("""pools:
  - name: p
    algorithm:
      type: maglev
      hash_key: bogus
  - name: q
    drain_timeout: 5
""")
    assert code == 1
    assert "weir.yaml:5:" in output and "hash_key" in output and "weir.yaml:7:" in output, output


def test_the_file_of_a_secret_must_be_readable(check):
    code, output = check("sticky_secret: {file: /nowhere/secret}\npools: [{name: p, sticky: cookie}]\n")
    assert code == 1
    assert "weir.yaml" in output and "sticky_secret.file" in output and "/nowhere/secret" in output, output


def test_repeated_keys_and_names(check):
    code, output = check("workers: 1\nworkers: 2\npools: [{name: a}, {name: a}]\n")
    assert code == 1
    assert "weir.yaml:2:" in output and "weir.yaml:3:" in output


@pytest.mark.parametrize("text", ["", "[]", "listeners: 5", "\t", "a: &a [*a]", "\x00", "{" * 5000])
def test_nonsense_is_told_and_not_crashed_on(check, text):
    code, output = check(text)
    assert (code, "weir.yaml" in output) == (1, True), output


def test_a_file_that_is_not_there(tmp_path):
    done = subprocess.run([BINARY, "check", "--config", str(tmp_path / "none.yaml")], capture_output=True, text=True)
    assert done.returncode == 1
    assert "none.yaml" in done.stdout + done.stderr


def test_run_with_a_bad_file_is_1_and_with_a_taken_address_2(tmp_path, check, weir, origins):
    bad = tmp_path / "bad.yaml"
    bad.write_text("listners: []\n")
    done = subprocess.run([BINARY, "run", "--config", str(bad)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "listeners" in done.stdout + done.stderr
    import socket

    from waiting import free_port

    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = config_of(pool_of(origins("x")), admin={"listen": f"127.0.0.1:{free_port()}"},
                           listener={"address": f"127.0.0.1:{taken.getsockname()[1]}"})
        bad.write_text(yaml.safe_dump(config))
        done = subprocess.run([BINARY, "run", "--config", str(bad)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2, done.stdout + done.stderr
