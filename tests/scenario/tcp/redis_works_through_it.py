"""Redis: redis-benchmark with small and large values, pipelined and not, and what was written is there."""

import subprocess

import pytest
from tcp_backend import tcp_config
from waiting import PATIENCE, eventually, free_port


@pytest.fixture
def redis(tmp_path):
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    eventually(lambda: subprocess.run(["redis-cli", "-p", str(port), "ping"], capture_output=True).stdout == b"PONG\n")
    yield port
    process.terminate()
    process.wait(20)


def benchmark(port, *arguments):
    run = subprocess.run(["redis-benchmark", "-p", str(port), "-q", "--csv", *arguments], capture_output=True, text=True,
                         timeout=120 * PATIENCE)
    assert run.returncode == 0, run.stderr
    assert "ERR" not in run.stdout + run.stderr and run.stdout.count("\n") >= 2, run.stdout + run.stderr


def test_redis_benchmark(weir, redis):
    pool = {"name": "cache", "health_check": {"type": "tcp", "interval": "1s", "timeout": "1s"},
            "backends": [{"id": "one", "host": "127.0.0.1", "port": redis}]}
    running = weir(tcp_config(pool))
    benchmark(running.port, "-t", "ping,set,get,lpush", "-n", "5000", "-c", "50")
    benchmark(running.port, "-t", "set,get", "-n", "20000", "-P", "32", "-c", "20")
    benchmark(running.port, "-t", "set,get", "-n", "200", "-d", "1000000", "-c", "10")
    benchmark(running.port, "-t", "get", "-n", "500", "-k", "0", "-c", "20")  # a connection for each
    say = ["redis-cli", "-p", str(running.port)]
    subprocess.run([*say, "-x", "set", "large"], input=b"v" * 30_000_000, check=True, capture_output=True)
    assert subprocess.run([*say, "get", "large"], check=True, capture_output=True).stdout == b"v" * 30_000_000 + b"\n"
    eventually(lambda: running.metric("weir_connections_active") == 0)
