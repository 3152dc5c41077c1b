"""RFC 9110 15.5.20: a host that the connection's certificate does not stand for, on a listener that has another for it."""

import http.client

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ResponseReceived

from tls_peers import TlsClient, https_of
from weir import pool_of


class Connection(TlsClient):
    """With SNI `name`; requests name their own host."""

    def status(self, host):
        self.socket.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        response.read()
        return response.status


@pytest.fixture
def start(weir, origins, authority):
    """start(tls) has certificates for a.example (and also.example), b.example and *.wild.example, in this order."""
    def made(**tls):
        pairs = [authority.issue("a.example", "also.example"), authority.issue("b.example"),
                 authority.issue("*.wild.example")]
        return weir(https_of(pool_of(origins("one")), certificates=pairs, tls=tls, workers=1))

    return made


def test_a_host_with_another_certificate(start, authority):
    running = start()
    with Connection(running.port, authority, name="a.example") as client:
        for host, status in [("a.example", 200), ("A.Example", 200), (f"a.example:{running.port}", 200),
                             ("a.example.", 200), ("also.example", 200), ("b.example", 421), ("x.wild.example", 421),
                             ("also.example:443", 200), ("b.example:443", 421), ("a.example", 200)]:
            assert client.status(host) == status, host
        # Nobody's: the first certificate would be shown for it, and was.
        assert client.status("nobody.example") == 200
        assert client.status("127.0.0.1") == 200
    with Connection(running.port, authority, name="b.example") as client:
        assert [client.status(host) for host in ("b.example", "a.example", "nobody.example")] == [200, 421, 421]
    with Connection(running.port, authority, name="x.wild.example") as client:
        assert [client.status(host) for host in ("y.wild.example", "x.y.wild.example", "b.example")] == [200, 421, 421]
    assert running.metric("weir_http_errors_total", reason="refused") == 7


def test_strict_names(start, authority):
    running = start(strict_sni=True)
    with Connection(running.port, authority, name="a.example") as client:
        assert [client.status(host) for host in ("also.example", "nobody.example", "127.0.0.1")] == [200, 421, 421]


def test_without_sni_or_a_certificate_for_all(start, weir, origins, authority):
    running = start()
    with Connection(running.port, None, name=None) as client:
        assert [client.status(host) for host in ("a.example", "b.example")] == [200, 200]


def test_one_certificate_for_all_names(weir, origins, authority):
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")]))
    with Connection(running.port, authority) as client:
        assert [client.status(host) for host in ("site.example", "other.example", "127.0.0.1")] == [200, 200, 200]


def test_after_the_certificates_were_replaced(start, authority):
    running = start()
    with Connection(running.port, authority, name="a.example") as client:
        assert client.status("also.example") == 200
        running.reload(running.config)
        assert [client.status(host) for host in ("also.example", "b.example")] == [200, 421]


def test_http2(start, authority):
    running = start()
    with TlsClient(running.port, authority, name="a.example", alpn=["h2"]) as client:
        made = H2Connection(H2Configuration(header_encoding="utf-8"))
        made.initiate_connection()
        for stream, host in ((1, "also.example"), (3, "b.example"), (5, "a.example")):
            made.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", "/")],
                              end_stream=True)
        client.socket.sendall(made.data_to_send())
        statuses = {}
        while len(statuses) < 3:
            for event in made.receive_data(client.socket.recv(65536)):
                if isinstance(event, ResponseReceived):
                    statuses[event.stream_id] = dict(event.headers)[":status"]
            client.socket.sendall(made.data_to_send())
    assert statuses == {1: "200", 3: "421", 5: "200"}
