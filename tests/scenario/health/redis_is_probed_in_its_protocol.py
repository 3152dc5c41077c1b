"""Redis servers by PING, with a password of a file and by their role, and what they say when they refuse."""

import subprocess

import pytest
from tcp_backend import tcp_config
from waiting import eventually, free_port, is_listening

CHECK = {"interval": "500ms", "timeout": "500ms", "fast_interval": "100ms", "healthy_threshold": 1,
         "unhealthy_threshold": 2}


@pytest.fixture
def redis(tmp_path):
    """redis("--option", ...) starts a server and says where."""
    processes = []

    def start(*options):
        port = free_port()
        folder = tmp_path / str(port)
        folder.mkdir()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        processes.append(subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL))
        eventually(lambda: is_listening(port), 20, "Redis listens")
        return port

    yield start
    for process in processes:
        process.terminate()
        process.wait(20)


def start(weir, *ports, **check):
    pool = {"name": "cache", "health_check": {"type": "redis", **CHECK, **check},
            "backends": [{"id": str(port), "host": "127.0.0.1", "port": port} for port in ports]}
    return weir(tcp_config(pool))


def test_a_password_of_a_file(weir, redis, tmp_path):
    port = redis("--requirepass", "sesame")
    (tmp_path / "password").write_text("sesame\n")
    running = start(weir, port, password_file=str(tmp_path / "password"))
    running.wait_for_state("healthy", str(port), pool="cache")
    (tmp_path / "password").write_text("wrong\n")
    running.wait_for_state("unhealthy", str(port), pool="cache")
    assert "WRONGPASS" in running.admin("GET", f"/backends/{port}").json["reason"]


def test_without_the_password_the_server_says_why(weir, redis):
    port = redis("--requirepass", "sesame")
    running = start(weir, port)
    running.wait_for_state("unhealthy", str(port), pool="cache")
    eventually(lambda: "NOAUTH" in running.admin("GET", f"/backends/{port}/health").json["last_check"]["error"])


def test_only_the_master_is_healthy_and_a_failover_is_followed(weir, redis):
    first = redis()
    second = redis("--replicaof", "127.0.0.1", str(first))
    running = start(weir, first, second, role="master")
    running.wait_for_state("healthy", str(first), pool="cache")
    running.wait_for_state("unhealthy", str(second), pool="cache")
    eventually(lambda: "role 'replica', expected master" in
               running.admin("GET", f"/backends/{second}/health").json["last_check"]["error"])
    for port, of in ((second, ["no", "one"]), (first, ["127.0.0.1", str(second)])):
        subprocess.run(["redis-cli", "-p", str(port), "replicaof", *of], check=True, capture_output=True)
    running.wait_for_state("healthy", str(second), pool="cache", seconds=30)
    running.wait_for_state("unhealthy", str(first), pool="cache", seconds=30)
