"""OCSP: fetched in the background from the responder that a certificate names, kept on disk, or from a file."""

import subprocess
import time

import pytest
from certificates import Pair, openssl
from tls_peers import https_of, s_client
from waiting import eventually, free_port, is_listening
from weir import pool_of


@pytest.fixture
def responder(authority):
    """responder(port) starts `openssl ocsp`; the process is ended afterwards."""
    started = []

    def start(port):
        process = subprocess.Popen(
            ["openssl", "ocsp", "-index", authority.folder / "index.txt", "-port", str(port), "-rsigner", authority.cert,
             "-rkey", authority.key, "-CA", authority.cert, "-nmin", "60", "-ignore_err"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        eventually(lambda: is_listening(port), 10, "the responder listens")
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def with_issuer(authority, pair):
    chain = pair.cert.with_suffix(".chain")
    chain.write_bytes(pair.cert.read_bytes() + authority.cert.read_bytes())
    return Pair(chain, pair.key)


def stapled(port):
    said = s_client(port, "-status", "-servername", "site.example")
    return "OCSP Response Status: successful" in said and "Cert Status: good" in said


def test_fetched_in_the_background_and_kept(weir, origins, authority, responder, tmp_path):
    port = free_port()
    pair = with_issuer(authority, authority.issue("site.example", ocsp=f"http://127.0.0.1:{port}"))
    process = responder(port)
    folder = tmp_path / "ocsp"
    config = https_of(pool_of(origins("one")), certificates=[pair])
    config["tls"] = {"ocsp_folder": str(folder)}
    balancer = weir(config)
    eventually(lambda: stapled(balancer.port), 15, "a response is stapled")
    eventually(lambda: list(folder.glob("*.der")), 5, "it is kept on disk")
    process.kill()
    balancer.kill()
    balancer.start()
    eventually(lambda: stapled(balancer.port), 5, "what was kept is stapled without a responder")
    shown = balancer.admin("GET", "/certificates").json["certificates"][0]
    assert shown["ocsp_responder"] == f"http://127.0.0.1:{port}"
    assert shown["stapled_until_unix"] > time.time()


def test_one_certificate_of_two_names_is_stapled_under_both(weir, origins, authority, responder):
    port = free_port()
    pair = with_issuer(authority, authority.issue("site.example", ocsp=f"http://127.0.0.1:{port}"))
    responder(port)
    config = https_of(pool_of(origins("one")), certificates=[pair])
    config["tls"] = {"ocsp_folder": ""}
    config["certificates"] = [{"name": "named", **pair.files}]
    second = {**config["listeners"][0], "name": "second", "address": f"127.0.0.1:{free_port()}",
              "tls": {"certificates": ["named"]}}
    config["listeners"].append(second)
    balancer = weir(config)
    for address in (listener["address"] for listener in config["listeners"]):
        eventually(lambda: stapled(int(address.rpartition(":")[2])), 15, f"a response is stapled at {address}")


def test_a_responder_that_is_away_delays_nobody(weir, origins, authority):
    pair = with_issuer(authority, authority.issue("site.example", ocsp=f"http://127.0.0.1:{free_port()}"))
    config = https_of(pool_of(origins("one")), certificates=[pair])
    config["tls"] = {"ocsp_folder": ""}
    balancer = weir(config)
    assert "OCSP response: no response sent" in s_client(balancer.port, "-status")
    eventually(lambda: "no OCSP response from" in balancer.log(), 10)


def test_from_a_file(weir, origins, authority, tmp_path):
    pair = authority.issue("site.example", ocsp="http://127.0.0.1:1")
    response = tmp_path / "response.der"
    openssl("ocsp", "-index", authority.folder / "index.txt", "-rsigner", authority.cert, "-rkey", authority.key, "-CA",
            authority.cert, "-issuer", authority.cert, "-cert", pair.cert, "-nmin", "60", "-respout", response)
    pair = with_issuer(authority, pair)
    config = https_of(pool_of(origins("one")), certificates=[pair],
                      tls={"certificates": [{**pair.files, "ocsp": str(response)}]})
    balancer = weir(config)
    assert stapled(balancer.port)
