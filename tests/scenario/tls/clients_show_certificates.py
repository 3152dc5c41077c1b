"""Client certificates: off, request or require, with authorities and revocations; backends learn who it is, and only
from Weir."""

import ssl

import pytest
from certificates import Authority
from client import get
from tls_peers import TlsClient, https_of
from weir import config_of, pool_of

LIES = [("X-Client-Cert-Subject", "CN=admin"), ("x_client_cert_san", "DNS:admin"), ("X-Client-Cert-Sha256", "00")]


def start(weir, origins, authority, clients, mode, crl=None):
    (origin,) = origins("one")
    client = {"mode": mode, "ca": str(clients.cert), **({"crl": str(crl)} if crl else {})}
    pair = authority.issue("site.example")
    return weir(https_of(pool_of([origin]), certificates=[pair], tls={"client": client})), origin


def refused(port, authority, pair=None):
    with pytest.raises((ssl.SSLError, ConnectionError)), TlsClient(port, authority, pair=pair) as client:
        client.ask()  # with TLS 1.3 the client hears of it only now
    return True


def test_require(weir, origins, authority, tmp_path):
    clients = Authority(tmp_path, "Clients")
    balancer, origin = start(weir, origins, authority, clients, "require")
    person = clients.issue("URI:spiffe://example/person", "person.example", subject="/CN=A Person/O=Example, Inc.")
    assert refused(balancer.port, authority)
    assert refused(balancer.port, authority, authority.issue("stranger.example"))
    with TlsClient(balancer.port, authority, pair=person) as client:
        assert client.ask("/", headers=LIES)[0] == 200
        session = client.socket.session
        (first,) = origin.requests
        assert first.get("x-client-cert-subject") == "O=Example\\, Inc.,CN=A Person"
        assert first.get("x-client-cert-san") == "URI:spiffe://example/person, DNS:person.example"
        assert len(first.get("x-client-cert-sha256")) == 64
        assert first.get("x_client_cert_san") is None
        client.socket.close()
        client.open(balancer.port, session)
        assert client.ask()[0] == 200
        assert client.socket.session_reused
        assert origin.requests[1].get("x-client-cert-sha256") == first.get("x-client-cert-sha256")


def test_request(weir, origins, authority, tmp_path):
    clients = Authority(tmp_path, "Clients")
    balancer, origin = start(weir, origins, authority, clients, "request")
    with TlsClient(balancer.port, authority) as client:
        assert client.ask("/", headers=LIES)[0] == 200
    assert [name for name, _ in origin.requests[0].headers if "cert" in name.lower()] == []
    with TlsClient(balancer.port, authority, pair=clients.issue("person.example")) as client:
        assert client.ask()[0] == 200
    assert origin.requests[1].get("x-client-cert-subject") == "CN=person.example"


def test_revoked_certificates_are_refused(weir, origins, authority, tmp_path):
    clients = Authority(tmp_path, "Clients")
    good, bad = clients.issue("good.example"), clients.issue("bad.example")
    clients.revoke(bad)
    balancer, _ = start(weir, origins, authority, clients, "require", clients.revocations())
    with TlsClient(balancer.port, authority, pair=good) as client:
        assert client.ask()[0] == 200
    assert refused(balancer.port, authority, bad)


def test_plain_listeners_do_not_let_clients_lie_either(weir, origins):
    (origin,) = origins("one")
    balancer = weir(config_of(pool_of([origin])))
    get(balancer.port, "/", [("Host", "a.example"), *LIES])
    assert [name for name, _ in origin.requests[0].headers if "cert" in name.lower()] == []
