"""A tcp listener with `tls:` decrypts, and passes the bytes on both ways; a pool with `tls:` behind it encrypts again."""

import contextlib
import socket
import threading

import pytest
from tls_peers import TIMEOUT, TlsClient, TlsOrigin, https_of
from weir import HEALTH_CHECK


@pytest.fixture
def echo():
    """The port of a server that sends back what it gets."""
    server = socket.create_server(("127.0.0.1", 0))
    threads = []

    def mirror(connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(TIMEOUT)
            while piece := connection.recv(65536):
                connection.sendall(piece)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=mirror, args=(server.accept()[0],), daemon=True))
                threads[-1].start()

    threads.append(threading.Thread(target=accept, daemon=True))
    threads[0].start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    for thread in threads:
        thread.join(TIMEOUT)


def pool_to(port, **settings):
    return {"name": "site", "health_check": {**HEALTH_CHECK, "enabled": False}, **settings,
            "backends": [{"id": "one", "host": "127.0.0.1", "port": port}]}


def test_bytes_go_both_ways(weir, authority, echo):
    balancer = weir(https_of(pool_to(echo), certificates=[authority.issue("site.example")],
                             listener={"protocol": "tcp"}))
    with TlsClient(balancer.port, authority, alpn=["something"]) as client:
        assert client.socket.selected_alpn_protocol() is None
        for size in (1, 100, 200_000):
            text = bytes(i % 251 for i in range(size))
            sender = threading.Thread(target=client.socket.sendall, args=(text,))
            sender.start()
            got = b""
            while len(got) < size:
                piece = client.socket.recv(65536)
                assert piece
                got += piece
            sender.join(TIMEOUT)
            assert got == text


def test_and_are_encrypted_again(weir, authority):
    with TlsOrigin(authority.issue("IP:127.0.0.1")) as origin:
        balancer = weir(https_of(pool_to(origin.port, tls={"ca": str(authority.cert)}),
                                 certificates=[authority.issue("site.example")], listener={"protocol": "tcp"}))
        with TlsClient(balancer.port, authority) as client:
            assert client.ask()[2] == b"from the backend"
