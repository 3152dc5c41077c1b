"""Certificates change without dropping anything; a bad pair is refused with the reason and the old one stays."""

import subprocess

import yaml
from certificates import Pair
from tls_peers import TlsClient, https_of
from waiting import eventually
from weir import BINARY, pool_of


def serial(balancer, authority):
    with TlsClient(balancer.port, authority) as client:
        return client.serial


def start(weir, origins, authority):
    pair = authority.issue("site.example")
    return weir(https_of(pool_of(origins("one")), certificates=[pair])), pair


def test_when_their_files_change(weir, origins, authority):
    balancer, pair = start(weir, origins, authority)
    with TlsClient(balancer.port, authority) as client:
        before = client.serial
        pair.replace_by(authority.issue("site.example"))
        eventually(lambda: serial(balancer, authority) != before, 15, "the new certificate is shown")
        assert client.ask()[0] == 200  # the connection made before goes on


def test_a_bad_file_is_logged_and_the_old_pair_stays(weir, origins, authority):
    balancer, pair = start(weir, origins, authority)
    before = serial(balancer, authority)
    pair.key.write_bytes(authority.issue("other.example").key.read_bytes())
    eventually(lambda: "the private key is not the one of the certificate" in balancer.log(), 15)
    assert serial(balancer, authority) == before
    # Changes of something else do not mind.
    assert balancer.admin("POST", "/pools", {"name": "more"}).status == 201
    assert serial(balancer, authority) == before
    pair.replace_by(authority.issue("site.example"))
    eventually(lambda: serial(balancer, authority) != before, 15, "the new certificate is shown")


def test_on_sighup_a_bad_pair_refuses_the_configuration(weir, origins, authority):
    balancer, pair = start(weir, origins, authority)
    before = serial(balancer, authority)
    text = balancer.config_path.read_text()
    bad = {
        "mismatched": (Pair(pair.cert, authority.issue("other.example").key), "the private key is not the one of"),
        "expired": (authority.issue("site.example", start=("20200101000000Z", "20200201000000Z")), "has expired on 2020"),
        "unreadable": (Pair(pair.cert.with_name("nowhere.pem"), pair.key), "nowhere.pem cannot be read: No such file"),
    }
    for other, reason in bad.values():
        balancer.reload_text(text.replace(str(pair.cert), str(other.cert)).replace(str(pair.key), str(other.key)))
        assert reason in balancer.log(), balancer.log()[-2000:]
        assert serial(balancer, authority) == before
    fresh = authority.issue("site.example")
    config = balancer.config
    config["listeners"][0]["tls"]["certificates"] = [fresh.files]
    balancer.reload(config)
    assert serial(balancer, authority) != before


def test_the_end_of_a_certificate_is_a_metric_and_a_warning(weir, origins, authority):
    pair = authority.issue("site.example", days=5)
    balancer = weir(https_of(pool_of(origins("one")), certificates=[pair]))
    ends = balancer.metric("weir_tls_certificate_not_after_seconds", certificate=str(pair.cert))
    assert ends > 1_700_000_000
    eventually(lambda: "expires in 4 days" in balancer.log() or "expires in 5 days" in balancer.log(), 10)


def test_check_looks_at_the_files(tmp_path, authority):
    good, other = authority.issue("site.example"), authority.issue("other.example")
    path = tmp_path / "weir.yaml"

    def check(cert, key):
        config = https_of({"name": "site"}, certificates=[Pair(cert, key)])
        path.write_text(yaml.safe_dump(config))
        return subprocess.run([BINARY, "check", "--config", str(path)], capture_output=True, text=True, timeout=60)

    assert check(good.cert, good.key).returncode == 0
    wrong = check(good.cert, other.key)
    assert wrong.returncode == 1
    assert "the private key is not the one of the certificate for CN=site.example" in wrong.stderr
    assert "weir.yaml:" in wrong.stderr
