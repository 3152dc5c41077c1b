"""Five thousand clients that wait cost little memory, and the next request of each is answered."""

import socket

import pytest
from waiting import eventually

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
COUNT = 5000

pytestmark = [pytest.mark.alone, pytest.mark.slow_with_sanitizer]


def exchange_on(connections):
    """One request on each, in groups, so that nobody's backlog is the limit."""
    for start in range(0, len(connections), 100):
        group = connections[start:start + 100]
        for connection in group:
            connection.sendall(REQUEST)
        for connection in group:
            data = b""
            while not data.endswith(b"one"):
                piece = connection.recv(4096)
                assert piece, "an idle connection was closed"
                data += piece
            assert data.startswith(b"HTTP/1.1 200 ")


def test_they_are_kept_cheap_and_answered(proxy):
    running, _ = proxy(workers=2, timeouts={"idle": "5m"})
    connections = []
    try:
        for _ in range(COUNT // 10):
            connections.append(socket.create_connection(("127.0.0.1", running.port), 10))
        exchange_on(connections)
        before = running.resident_kb()
        rest = [socket.create_connection(("127.0.0.1", running.port), 10) for _ in range(COUNT - len(connections))]
        connections += rest
        exchange_on(rest)
        eventually(lambda: running.metric("weir_connections_active") == COUNT)
        per_connection = (running.resident_kb() - before) * 1024 / len(rest)
        assert per_connection < 1500, f"{per_connection:.0f} bytes each"
        exchange_on(connections)
    finally:
        for connection in connections:
            connection.close()
    eventually(lambda: running.metric("weir_connections_active") == 0)
