"""A TLS connection that its client closes before its first byte is counted, and has no line in the access log."""

import socket
import struct

from client import Connection
from tls_peers import TlsClient, https_of
from waiting import eventually
from weir import pool_of

RESET = struct.pack("ii", 1, 0)


def closed(running):
    return running.metric("weir_tls_handshake_failures_total", reason="closed")


def test_only_those_that_have_begun_have_a_line(weir, origins, authority):
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")]))
    with Connection(running.port):
        pass
    eventually(lambda: closed(running) == 1)
    with Connection(running.port) as probe:
        probe.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    eventually(lambda: closed(running) == 2)
    with Connection(running.port) as client:
        client.send(b"\x16\x03\x01\x02\x00\x01")
    eventually(lambda: closed(running) == 3)
    (line,) = eventually(running.access_log)
    assert line["version"] == "TLS" and "within the TLS handshake" in line["detail"]
    with TlsClient(running.port, authority) as client:
        assert client.ask()[0] == 200
