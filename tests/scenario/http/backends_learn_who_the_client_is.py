"""X-Forwarded-For, -Proto and -Host tell the backend about the client; what a client says itself is believed only from
trusted peers. X-Request-Id and traceparent go along."""

import re

from client import get

CLAIMS = [("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "shop.example"),
          ("X-Request-Id", "from-the-client"), ("Forwarded", "for=203.0.113.7")]


def test_fields_are_set(proxy):
    running, origin = proxy()
    get(running.port, "/", [("Host", "a.example")])
    request = origin.requests[0]
    assert request.get("x-forwarded-for") == "127.0.0.1"
    assert request.get("x-forwarded-proto") == "http"
    assert request.get("x-forwarded-host") == "a.example"
    assert request.get("host") == "a.example"


def test_an_untrusted_client_is_not_believed(proxy):
    running, origin = proxy()
    get(running.port, "/", CLAIMS)
    request = origin.requests[0]
    assert request.get("x-forwarded-for") == "127.0.0.1"
    assert request.get("x-forwarded-proto") == "http"
    assert request.get("x-forwarded-host") == "test.example"
    assert request.get("x-request-id") != "from-the-client"
    assert request.get("forwarded") is None


SPOKEN_BY_PROXIES = [("X-Forwarded-Port", "8443"), ("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Server", "s"),
                     ("X-Forwarded-Scheme", "https"), ("X-Forwarded-Ssl", "on"), ("X-Real-IP", "203.0.113.7"),
                     ("Forwarded", "for=203.0.113.7"), ("X_Real_IP", "203.0.113.8"), ("X-Original-URL", "/admin")]


def test_what_only_proxies_say_is_removed_unless_a_trusted_peer_says_it(proxy):
    for trusted in ([], ["127.0.0.0/8"]):
        running, origin = proxy(listener={"trusted_proxies": trusted})
        get(running.port, "/", SPOKEN_BY_PROXIES)
        for name, value in SPOKEN_BY_PROXIES:
            assert origin.requests[0].get(name) == (value if trusted else None), name


def test_address_and_port_are_told_on_request(proxy):
    running, origin = proxy(listener={"forward": {"real_ip": True, "port": True}})
    get(running.port, "/", [("X-Real-IP", "203.0.113.7"), ("X-Forwarded-Port", "1")])
    assert origin.requests[0].get("x-real-ip") == "127.0.0.1"
    assert origin.requests[0].get("x-forwarded-port") == str(running.port)
    running, origin = proxy(listener={"forward": {"real_ip": True, "port": True}, "trusted_proxies": ["127.0.0.0/8"]})
    get(running.port, "/", CLAIMS + [("X-Real-IP", "10.0.0.9"), ("X-Forwarded-Port", "8443")])
    assert origin.requests[0].get("x-real-ip") == "203.0.113.7"
    assert origin.requests[0].get("x-forwarded-port") == "8443"


def test_a_trusted_peer_is_believed_and_appended_to(proxy):
    running, origin = proxy(listener={"trusted_proxies": ["127.0.0.0/8"]})
    get(running.port, "/", CLAIMS)
    request = origin.requests[0]
    assert request.get("x-forwarded-for").replace(" ", "") == "203.0.113.7,127.0.0.1"
    assert request.get("x-forwarded-proto") == "https"
    assert request.get("x-forwarded-host") == "shop.example"
    assert request.get("x-request-id") == "from-the-client"


def test_each_request_has_an_id_of_its_own(proxy):
    running, origin = proxy()
    with running.connect() as connection:
        for _ in range(20):
            connection.request()
    ids = {request.get("x-request-id") for request in origin.requests}
    assert len(ids) == 20
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_traceparent_is_passed_on(proxy):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    running, origin = proxy()
    get(running.port, "/", [("traceparent", trace), ("tracestate", "a=b")])
    assert origin.requests[0].get("traceparent") == trace
    assert origin.requests[0].get("tracestate") == "a=b"


def test_via_only_when_it_is_named(proxy):
    running, origin = proxy(listener={"via": "weir-1"})
    response = get(running.port)
    assert origin.requests[0].get("via") == "1.1 weir-1"
    assert response.get("via") == "1.1 weir-1"
