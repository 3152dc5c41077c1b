"""Five thousand connections at a time, each of which works, cost little memory while they are quiet."""

import resource
import socket

import pytest
from tcp_backend import tcp_config, tcp_pool
from waiting import eventually

COUNT = 5000

pytestmark = [pytest.mark.alone, pytest.mark.slow_with_sanitizer]


def go_round(connections, message):
    for start in range(0, len(connections), 200):
        group = connections[start:start + 200]
        for connection in group:
            connection.sendall(message)
        for connection in group:
            data = b""
            while len(data) < len(message):
                piece = connection.recv(65536)
                assert piece, "a connection was closed"
                data += piece
            assert data == message


def test_all_work_and_cost_little(weir, backends):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard == resource.RLIM_INFINITY or hard >= 20_000, "raise the limit on open files: ulimit -Hn 20000"
    resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, hard))  # Weir starts with the same
    (one,) = backends("one")
    running = weir(tcp_config(tcp_pool(one, health_check="off")))
    connections = []
    try:
        connections += [socket.create_connection(("127.0.0.1", running.port), 20) for _ in range(COUNT // 10)]
        go_round(connections, b"warm" * 10_000)
        before = running.resident_kb()
        rest = [socket.create_connection(("127.0.0.1", running.port), 20) for _ in range(COUNT - len(connections))]
        connections += rest
        go_round(rest, b"x" * 100)
        eventually(lambda: running.metric("weir_connections_active") == COUNT, 30)
        per_connection = (running.resident_kb() - before) * 1024 / len(rest)
        assert per_connection < 3000, f"{per_connection:.0f} bytes each"
        go_round(connections, b"y" * 50_000)
    finally:
        for connection in connections:
            connection.close()
    eventually(lambda: running.metric("weir_connections_active") == 0, 30)
    eventually(lambda: running.open_files() < 300, 10, "nothing stays open")
