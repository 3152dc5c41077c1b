"""Which certificate a client sees: by the name it asks for, exact before wildcard, of the kind it can verify."""

import ssl

import pytest
from tls_peers import TlsClient, https_of, s_client
from weir import pool_of


def subject_of(port, authority, name):
    with TlsClient(port, authority, name) as client:
        return dict(part[0] for part in client.socket.getpeercert()["subject"])["commonName"]


def test_exact_names_go_before_wildcards(weir, origins, authority):
    first = authority.issue("first.example")
    exact = authority.issue("shop.site.example", subject="/CN=exact")
    wild = authority.issue("*.site.example", "site.example", subject="/CN=wild")
    balancer = weir(https_of(pool_of(origins("one")), certificates=[first, exact, wild]))
    assert subject_of(balancer.port, authority, "first.example") == "first.example"
    assert subject_of(balancer.port, authority, "shop.site.example") == "exact"
    assert subject_of(balancer.port, authority, "SHOP.site.example") == "exact"
    assert subject_of(balancer.port, authority, "other.site.example") == "wild"
    assert subject_of(balancer.port, authority, "site.example") == "wild"
    # Any other name sees the first, which is not for it.
    for name in ("a.shop.site.example", "unknown.example"):
        with pytest.raises(ssl.SSLCertVerificationError):
            TlsClient(balancer.port, authority, name)


def test_strict_sni_refuses_other_names(weir, origins, authority):
    pair = authority.issue("site.example")
    balancer = weir(https_of(pool_of(origins("one")), certificates=[pair], tls={"strict_sni": True}))
    assert subject_of(balancer.port, authority, "site.example") == "site.example"
    assert "unrecognized name" in s_client(balancer.port, "-servername", "other.example")
    assert "unrecognized name" in s_client(balancer.port, "-noservername")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_rsa_and_ecdsa_for_one_name(weir, origins, authority, version):
    pairs = [authority.issue("site.example", kind=kind) for kind in ("rsa", "ec")]
    balancer = weir(https_of(pool_of(origins("one")), certificates=pairs))
    settings = [version, "-servername", "site.example", "-CAfile", authority.cert]
    assert "ECDSA" in peer_signature(s_client(balancer.port, *settings))
    assert "RSA" in peer_signature(s_client(balancer.port, *settings, "-sigalgs", "rsa_pss_rsae_sha256"))
    assert "ECDSA" in peer_signature(s_client(balancer.port, *settings, "-sigalgs", "ecdsa_secp256r1_sha256"))


def peer_signature(said):
    assert "Verify return code: 0 (ok)" in said, said
    return next(line for line in said.splitlines() if line.startswith("Peer signature type"))
