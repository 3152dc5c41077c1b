"""Tickets: a client resumes on any worker, after a reload and on another Weir with the same file of keys."""

import base64
import os
import ssl

import pytest
from tls_peers import TlsClient, https_of
from weir import Weir, pool_of

TLS_1_2 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
TLS_1_3 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)


def again(client, port):
    """Another connection of the same client with its session: was it resumed?"""
    session = client.socket.session
    client.socket.close()
    client.open(port, session)
    assert client.ask()[0] == 200
    return client.socket.session_reused


@pytest.mark.multiworker
@pytest.mark.parametrize("versions", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])
def test_on_any_worker_and_after_a_reload(weir, origins, authority, versions):
    config = https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")])
    balancer = weir(config)
    with TlsClient(balancer.port, authority, versions=versions) as client:
        assert client.ask()[0] == 200
        assert not client.socket.session_reused
        for _ in range(8):
            assert again(client, balancer.port)
        balancer.reload({**config, "drain_timeout": "9s"})
        assert again(client, balancer.port)
    assert balancer.metric("weir_tls_handshakes_total", resumed="true") == 9


def test_by_another_weir_with_the_same_keys(weir, origins, authority, tmp_path):
    keys = tmp_path / "tickets.keys"
    keys.write_text(base64.b64encode(os.urandom(80)).decode() + "\n")
    pools, pair = pool_of(origins("one")), authority.issue("site.example")
    first = weir(https_of(pools, certificates=[pair]))
    first.reload({**first.config, "tls": {"ticket_keys": str(keys)}})
    folder = tmp_path / "second"
    folder.mkdir()
    second = Weir(folder, https_of(pools, certificates=[pair]))
    second.config["tls"] = {"ticket_keys": str(keys)}
    try:
        second.start()
        with TlsClient(first.port, authority) as client:
            assert client.ask()[0] == 200
            assert again(client, second.port)
    finally:
        second.stop()


def test_not_where_tickets_are_off(weir, origins, authority):
    balancer = weir(https_of(pool_of(origins("one")), certificates=[authority.issue("site.example")],
                             tls={"tickets": False}))
    with TlsClient(balancer.port, authority) as client:
        assert client.ask()[0] == 200
        assert client.socket.session is None or not again(client, balancer.port)


@pytest.mark.parametrize("versions", [TLS_1_2, TLS_1_3], ids=["1.2", "1.3"])
def test_not_for_another_name(weir, origins, authority, versions):
    pairs = [authority.issue("a.example"), authority.issue("b.example")]
    balancer = weir(https_of(pool_of(origins("one")), certificates=pairs))
    with TlsClient(balancer.port, authority, name="a.example", versions=versions) as client:
        assert client.ask()[0] == 200
        client.name = "b.example"
        assert not again(client, balancer.port), "asked with the session of a.example"
        assert again(client, balancer.port)
