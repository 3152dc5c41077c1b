"""A TLS connection that has said nothing yet costs no more than one without TLS, and is ended by the handshake's deadline."""

import contextlib
import socket

import pytest
from tls_peers import TlsClient, https_of
from waiting import PATIENCE, eventually
from weir import pool_of

COUNT = 1000
MOST_BYTES = 2048
PROXIED = {"proxy_protocol": "required", "trusted_proxies": ["127.0.0.0/8"], "timeouts": {"header": "5m"}}
HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"


@pytest.mark.alone
@pytest.mark.slow_with_sanitizer
@pytest.mark.parametrize("listener, first", [({}, b""), ({"protocol": "tcp"}, b""), (PROXIED, HEADER), (PROXIED, b"")],
                         ids=["https", "tcp", "behind a PROXY header", "before a PROXY header"])
def test_their_memory(weir, origins, authority, listener, first):
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")], listener=listener,
                            tls={"handshake_timeout": "5m"}))

    def connect(count):
        for _ in range(count):
            silent.append(socket.create_connection(("127.0.0.1", running.port), 10))
            if first:
                silent[-1].sendall(first)
        eventually(lambda: running.metric("weir_connections_active") == len(silent))

    silent = []
    try:
        connect(COUNT // 10)
        before = running.resident_kb()
        connect(COUNT)
        each = (running.resident_kb() - before) * 1024 / COUNT
        assert each < MOST_BYTES, f"{each:.0f} bytes each"
    finally:
        for connection in silent:
            connection.close()
    eventually(lambda: running.metric("weir_connections_active") == 0)


def test_their_deadline_runs_from_the_start(weir, origins, authority):
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")],
                            tls={"handshake_timeout": f"{200 * PATIENCE}ms"}))
    with contextlib.closing(socket.create_connection(("127.0.0.1", running.port), 10 * PATIENCE)) as silent:
        assert silent.recv(1) == b""
    assert running.metric("weir_tls_handshake_failures_total", reason="timeout") == 1
    with TlsClient(running.port, authority) as client:
        assert client.ask()[0] == 200
