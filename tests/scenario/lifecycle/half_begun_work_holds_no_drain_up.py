"""On SIGTERM whatever has not begun to be served has a second for it: half a request head, a half-done TLS handshake, half
a PROXY header, half a preface of HTTP/2. Their own timeouts, a minute here, are not waited for."""

import time

import pytest
from client import Connection
from tls_peers import https_of
from waiting import PATIENCE, free_port
from weir import pool_of

# Of the kinds of listeners, what is sent.
HALVES = {
    "head": ("web", b"GET / HTTP/1.1\r\nHost: a\r\n"),
    "second_head": ("web", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"),
    "preface": ("web", b"PRI * HTTP"),
    "preface_without_settings": ("web", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "proxy_header": ("proxied", b"PROXY TCP4 192.0.2.1 "),
    "tls_hello": ("secure", b"\x16\x03\x01\x02\x00\x01"),
    "passed_through": ("through", b"\x16\x03\x01\x02\x00\x01"),
}


@pytest.fixture
def listening(weir, origins, authority):
    """A Weir with a listener of each kind, and its ports."""
    (origin,) = origins("one")
    config = https_of(pool_of([origin]), certificates=[authority.issue("site.example")])
    ports = {name: free_port() for name in ("web", "proxied", "secure", "through")}
    (https,) = config["listeners"]
    common = {"pool": https["pool"], "timeouts": {"header": "60s"}}
    web = {**common, "protocol": "http", "http2": True}
    trusting = {"proxy_protocol": "required", "trusted_proxies": ["127.0.0.0/8"]}
    kinds = {"web": web, "proxied": {**web, **trusting}, "through": {**common, "protocol": "tls"},
             "secure": {**https, **common, "tls": {**https["tls"], "handshake_timeout": "60s"}}}
    config["listeners"] = [{**kind, "name": name, "address": f"127.0.0.1:{ports[name]}"} for name, kind in kinds.items()]
    config["drain_timeout"] = "60s"
    return weir(config), ports


@pytest.mark.parametrize("half", HALVES)
def test_it_ends_within_moments(listening, half):
    running, ports = listening
    kind, data = HALVES[half]
    with Connection(ports[kind]) as connection:
        connection.send(data)
        if half == "second_head":
            assert connection.response().status == 200
        if half == "preface_without_settings":
            connection.read_until(b"\x04")  # its SETTINGS
        else:
            time.sleep(0.1)  # for what was sent to be read: nothing tells of it
        begin = time.monotonic()
        running.terminate()
        assert running.wait(20) == 0
        assert time.monotonic() - begin < 10 * PATIENCE
        if half in ("head", "second_head"):
            assert connection.response().status == 408
            line = running.access_log()[-1]
            assert (line["status"], line["termination"], line["detail"]) == (
                408, "drained", "the listener closed before the request header was complete")
