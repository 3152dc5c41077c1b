"""What HTTP allows or tells a proxy to repair passes, in its strict form."""

import pytest


def test_a_blank_before_the_colon_of_a_response_is_removed(proxy):
    async def loose(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nServer : x\r\nContent-Length \t: 2\r\n\r\nok")

    running, _ = proxy(loose)
    with running.connect() as client:
        for _ in range(2):
            response = client.request()
            assert (response.status, response.get("Server"), response.body) == (200, "x", b"ok")


@pytest.mark.parametrize("host", ["example.com:", "127.0.0.1:", "[::1]:"])
def test_an_empty_port_in_host_is_none(proxy, host):
    running, origin = proxy()
    with running.connect() as client:
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert client.response().status == 200
    assert origin.requests[0].get("host") == host[:-1]
    assert origin.requests[0].get("x-forwarded-host") == host[:-1]


def test_a_higher_minor_version_is_spoken_to_as_1_1(proxy):
    running, origin = proxy()
    with running.connect() as client:
        for _ in range(2):
            client.send("GET / HTTP/1.2\r\nHost: a\r\n\r\n")
            response = client.response()
            assert (response.status, response.version) == (200, "HTTP/1.1")
    assert [request.version for request in origin.requests] == ["HTTP/1.1"] * 2


def test_426_says_what_to_upgrade_to(proxy):
    async def upgrade_first(exchange):
        await exchange.respond(426, b"upgrade", [("Upgrade", "TLS/1.3"), ("Connection", "Upgrade")])

    async def not_asked(exchange):
        await exchange.respond(200, b"", [("Upgrade", "h2c"), ("Connection", "Upgrade")])

    running, origin = proxy(upgrade_first)
    with running.connect() as client:
        response = client.request()
        assert (response.status, response.get("Upgrade"), response.get("Connection").lower()) == (426, "TLS/1.3", "upgrade")
        origin.behave = not_asked
        assert client.request().get("Upgrade") is None
