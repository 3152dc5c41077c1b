"""A listener with the protocol https serves HTTP/1.1 over TLS."""

import socket
import subprocess

from origin import say_name
from tls_peers import TlsClient, https_of
from waiting import PATIENCE, eventually
from weir import pool_of


def start(weir, origins, authority, behave=say_name, **settings):
    (origin,) = origins("one", behave=behave)
    pair = authority.issue("site.example", "IP:127.0.0.1")
    return weir(https_of(pool_of([origin]), certificates=[pair], **settings)), origin


def test_requests_on_one_connection(weir, origins, authority):
    balancer, origin = start(weir, origins, authority)
    with TlsClient(balancer.port, authority, alpn=["http/1.1"]) as client:
        assert client.socket.version() == "TLSv1.3"
        for _ in range(5):
            status, _, body = client.ask()
            assert (status, body) == (200, b"one")
    assert origin.requests[0].get("x-forwarded-proto") == "https"
    assert balancer.metric("weir_tls_handshakes_total", version="TLSv1.3", resumed="false") == 1


def test_curl_checks_the_certificate(weir, origins, authority):
    balancer, _ = start(weir, origins, authority)
    curl = ["curl", "-sS", "--max-time", "20", "--http1.1", f"https://127.0.0.1:{balancer.port}/"]
    done = subprocess.run([*curl, "--cacert", str(authority.cert)], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"one"), done.stderr
    assert subprocess.run(curl, capture_output=True, timeout=60, check=False).returncode == 60


def test_long_bodies_both_ways(weir, origins, authority):
    async def mirror(exchange):
        text = b"".join([piece async for piece in exchange.body_chunks()])
        await exchange.respond(200, text)

    balancer, _ = start(weir, origins, authority, behave=mirror)
    body = bytes(i * 7 % 251 for i in range(1_000_003))
    with TlsClient(balancer.port, authority) as client:
        for _ in range(2):
            status, _, echo = client.ask("/", "POST", body)
            assert status == 200
            assert echo == body


def test_http_without_tls_gets_a_clear_400(weir, origins, authority):
    balancer, _ = start(weir, origins, authority)
    for method in ("GET", "OPTIONS"):
        with socket.create_connection(("127.0.0.1", balancer.port), timeout=10 * PATIENCE) as client:
            client.sendall(f"{method} / HTTP/1.1\r\nHost: site.example\r\n\r\n".encode())
            answer = b""
            while piece := client.recv(4096):
                answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert f"content-length: {len(body)}".encode() in head
        assert b"HTTPS" in body
    eventually(lambda: balancer.metric("weir_tls_handshake_failures_total", reason="plain_http") == 2)


def test_a_client_that_says_nothing_is_let_go(weir, origins, authority):
    balancer, _ = start(weir, origins, authority, tls={"handshake_timeout": "300ms"})
    with socket.create_connection(("127.0.0.1", balancer.port), timeout=10 * PATIENCE) as client:
        assert client.recv(1) == b""
    assert balancer.metric("weir_tls_handshake_failures_total", reason="timeout") == 1


def test_handshakes_of_one_address_are_limited(weir, origins, authority):
    balancer, _ = start(weir, origins, authority, tls={"handshakes_per_second": 1})
    made = 0
    for _ in range(15):
        try:
            with TlsClient(balancer.port, authority) as client:
                assert client.ask()[0] == 200
                made += 1
        except OSError:
            pass
    assert 10 <= made < 15
    assert balancer.metric("weir_tls_handshake_failures_total", reason="rate") == 15 - made


def test_upgraded_connections_go_through_tls(weir, origins, authority):
    async def upgrade(exchange):
        exchange.writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        while piece := await exchange.reader.read(65536):
            exchange.writer.write(piece)
            await exchange.writer.drain()
        exchange.writer.close()

    balancer, _ = start(weir, origins, authority, behave=upgrade)
    with TlsClient(balancer.port, authority) as client:
        client.socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.socket.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ")
        for text in (b"hello", b"x" * 50_000):
            client.socket.sendall(text)
            echo = b""
            while len(echo) < len(text):
                echo += client.socket.recv(65536)
            assert echo == text
