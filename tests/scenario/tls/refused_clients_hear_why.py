"""A handshake that is refused ends with an alert and an orderly end, whatever the client has sent behind its hello."""

import socket
import ssl

import pytest
from certificates import Authority
from tls_end import TlsEnd
from tls_peers import https_of
from waiting import PATIENCE
from weir import pool_of

UNRECOGNIZED_NAME = bytes([21, 3, 3, 0, 2, 2, 112])


def test_a_refused_name(weir, origins, authority):
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")],
                            tls={"strict_sni": True}))
    to_send = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), to_send, server_hostname="other.example")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with socket.create_connection(("127.0.0.1", running.port), 10 * PATIENCE) as raw:
        raw.sendall(to_send.read() + b"x" * 60_000)
        got = b""
        while len(got) < len(UNRECOGNIZED_NAME):
            piece = raw.recv(100)
            assert piece, got
            got += piece
        assert got == UNRECOGNIZED_NAME
        assert raw.recv(1) == b"", "an end, not a reset"


def test_a_missing_certificate_of_a_client_that_has_sent_its_request_already(weir, origins, authority, tmp_path):
    clients = Authority(tmp_path, "Clients")
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")],
                            tls={"client": {"mode": "require", "ca": str(clients.cert)}}))
    with TlsEnd.connect(running.port, authority) as end:
        end.send(b"POST / HTTP/1.1\r\nHost: site.example\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000)
        with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
            end.receive()
        end.raw.settimeout(10 * PATIENCE)
        assert end.raw.recv(1) == b"", "an end, not a reset"
