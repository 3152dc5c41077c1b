"""The default configuration: TLS 1.2 and 1.3, ECDHE with AEAD ciphers, X25519 first, no renegotiation."""

import re
import shutil
import subprocess

import pytest
from tls_peers import https_of, s_client
from weir import pool_of

OLD_CIPHERS = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@pytest.fixture
def port(weir, origins, authority):
    pairs = [authority.issue("site.example", kind=kind) for kind in ("rsa", "ec")]
    return weir(https_of(pool_of(origins("one")), certificates=pairs)).port


def test_old_versions_are_refused(port):
    for version in ("-tls1", "-tls1_1"):
        said = s_client(port, version, "-cipher", OLD_CIPHERS)
        assert "Cipher is (NONE)" in said, said


def test_weak_ciphers_are_refused(port):
    for cipher in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"):
        assert "Cipher is (NONE)" in s_client(port, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0")
    for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384"):
        assert f"Cipher is {cipher}" in s_client(port, "-tls1_2", "-cipher", cipher)


def test_x25519_is_what_both_prefer(port):
    # Since OpenSSL 3.2 s_client says "Peer Temp Key", since 3.5 the group's name.
    assert re.search(r"(Server Temp Key|Peer Temp Key|group): X25519\b", s_client(port, "-tls1_3"))
    said = s_client(port, "-tls1_3", "-groups", "P-256")
    assert re.search(r"(Server Temp Key|Peer Temp Key): ECDH, prime256v1|group: secp256r1", said)


def test_renegotiation_is_refused(port):
    # "R" asks for it.
    said = s_client(port, "-tls1_2", text=b"R\nQ\n")
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said, said


def test_no_common_protocol_is_an_alert(port):
    assert "ALPN protocol: http/1.1" in s_client(port, "-alpn", "http/1.1")
    assert "no application protocol" in s_client(port, "-alpn", "spdy/1")


@pytest.mark.skipif(shutil.which("sslscan") is None, reason="sslscan is not installed")
def test_sslscan_finds_nothing_weak(port):
    scan = subprocess.run(["sslscan", "--no-colour", f"127.0.0.1:{port}"], capture_output=True, timeout=120, check=True)
    said = scan.stdout.decode()
    for old in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"):
        assert re.search(rf"^{old}\s+disabled", said, re.MULTILINE), said
    accepted = re.findall(r"^(?:Preferred|Accepted)\s+(\S+)\s+\d+ bits\s+(\S+)", said, re.MULTILINE)
    assert accepted, said
    for version, cipher in accepted:
        assert version in ("TLSv1.2", "TLSv1.3")
        assert "GCM" in cipher or "CHACHA20" in cipher, cipher
        assert version == "TLSv1.3" or cipher.startswith("ECDHE-"), cipher
    assert "Session renegotiation not supported" in said
    assert "not vulnerable to heartbleed" in said
