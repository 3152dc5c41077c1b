"""Version, cipher, name, protocol, resumption and client certificate of a TLS connection in the lines of its requests."""

import subprocess

from certificates import Authority
from client import get
from tls_peers import TlsClient, https_of
from waiting import eventually
from weir import pool_of

FIELDS = ["tls_version", "tls_cipher", "tls_sni", "tls_alpn", "tls_resumed", "tls_client_subject"]


def test_json(weir, origins, authority, tmp_path):
    clients = Authority(tmp_path, "Clients")
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")],
                            tls={"client": {"mode": "request", "ca": str(clients.cert)}}))
    person = clients.issue("person.example", subject='/CN=A "Person"')
    with TlsClient(running.port, authority, pair=person, alpn=["http/1.1"]) as client:
        assert client.ask("/first")[0] == 200
        session = client.socket.session
        client.socket.close()
        client.open(running.port, session)
        assert client.ask("/second")[0] == 200
        assert client.socket.session_reused
    with TlsClient(running.port, authority) as client:
        assert client.ask("/third")[0] == 200
    lines = eventually(lambda: running.access_log()[2:] and running.access_log())
    by_path = {line["path"]: line for line in lines}  # workers write in no common order
    first, second, third = (by_path[path] for path in ("/first", "/second", "/third"))
    said = [first[field] for field in FIELDS]
    assert said[0] == "TLSv1.3" and said[1].startswith("TLS_") and said[2:] == [
        "site.example", "http/1.1", False, 'CN=A \\"Person\\"']
    assert second["tls_resumed"] is True and second["tls_client_subject"] == first["tls_client_subject"]
    assert (third["tls_alpn"], third["tls_client_subject"], third["tls_resumed"]) == ("", "", False)


def test_http2(weir, origins, authority):
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")]))
    url = f"https://site.example:{running.port}/"
    subprocess.run(["curl", "-s", "--http2", "--cacert", str(authority.cert), "--tls-max", "1.2", "--resolve",
                    f"site.example:{running.port}:127.0.0.1", url], check=True, timeout=60, stdout=subprocess.DEVNULL)
    line = eventually(running.access_log)[0]
    assert (line["tls_version"], line["tls_alpn"], line["version"]) == ("TLSv1.2", "h2", "HTTP/2")


def test_without_tls_nothing_is_said(proxy):
    running, _ = proxy()
    get(running.port)
    assert not set(FIELDS) & set(eventually(running.access_log)[0])


def test_a_template(weir, origins, authority, tmp_path):
    path = tmp_path / "tls.log"
    log = {"path": str(path), "format": "%{tls_version}|%{tls_sni}|%{tls_resumed}|%{tls_client_subject}"}
    running = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")], access_log=log))
    with TlsClient(running.port, authority) as client:
        assert client.ask()[0] == 200
    eventually(lambda: path.exists() and path.read_text() == "TLSv1.3|site.example|false|-\n")
