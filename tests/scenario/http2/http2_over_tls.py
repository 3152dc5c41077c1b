"""HTTP/2 by ALPN: to clients of an https listener, and to backends with `protocol: h2` and `auto`."""

import ssl
import subprocess

import httpx
import pytest

from h2_origin import H2Origin
from waiting import PATIENCE
from weir import config_of, pool_of


@pytest.fixture
def h2_backends():
    made = []

    def start(pair, alpn=("h2",), **settings):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair.files.values())
        context.set_alpn_protocols(list(alpn))
        made.append(H2Origin(tls=context, **settings).start())
        return made[-1]

    yield start
    for origin in made:
        origin.stop()
    assert [fault for origin in made for fault in origin.faults] == []


def site(origins, **settings):
    pool = pool_of(origins, **settings)
    pool["health_check"] = "off"
    return pool


def test_clients_agree_on_it(weir, origins, authority):
    (origin,) = origins("one")
    listener = {"protocol": "https", "tls": {"certificates": [authority.issue("IP:127.0.0.1").files]}}
    running = weir(config_of(site([origin]), listener=listener))
    url = f"https://127.0.0.1:{running.port}/"
    context = ssl.create_default_context(cafile=str(authority.cert))
    for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):
        with httpx.Client(http2=http2, verify=context, timeout=10 * PATIENCE) as client:
            for size in (0, 500_000):
                answer = client.post(url, content=b"x" * size)
                assert (answer.status_code, answer.http_version, answer.text) == (200, version, "one")
    said = subprocess.run(["curl", "-s", "--http2", "--cacert", str(authority.cert), "--max-time", str(10 * PATIENCE),
                           "-w", "%{http_version}", url], capture_output=True, check=True, text=True).stdout
    assert said == "one2"


@pytest.mark.parametrize("protocol", ["h2", "auto"])
def test_backends_agree_on_it(weir, authority, h2_backends, protocol):
    origin = h2_backends(authority.issue("IP:127.0.0.1"))
    running = weir(config_of(site([origin], protocol=protocol, tls={"ca": str(authority.cert)}), workers=1))
    for _ in range(3):
        with running.connect() as connection:
            assert connection.request().body == b"h2"
    assert len(origin.peers) == 1
    assert origin.calls[0].get(":scheme") == "https"


def test_auto_speaks_http_1_to_those_who_do(weir, authority):
    from tls_peers import TlsOrigin
    with TlsOrigin(authority.issue("IP:127.0.0.1")) as origin:
        pool = {"name": "site", "protocol": "auto", "tls": {"ca": str(authority.cert)}, "health_check": "off",
                "backends": [{"id": "one", "host": "127.0.0.1", "port": origin.port}]}
        running = weir(config_of(pool, workers=1))
        with running.connect() as connection:
            assert connection.request().body == b"from the backend"


def test_h2_needs_the_backend_to_agree(weir, authority, h2_backends):
    origin = h2_backends(authority.issue("IP:127.0.0.1"), alpn=("http/1.1",))
    running = weir(config_of(site([origin], protocol="h2", tls={"ca": str(authority.cert)}, retries={"attempts": 0})))
    with running.connect() as connection:
        assert connection.request().status == 502
    assert not origin.calls
