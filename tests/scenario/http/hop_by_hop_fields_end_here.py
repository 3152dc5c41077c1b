"""What belongs to one connection is not passed on, in either direction (RFC 9110 7.6.1)."""

import pytest

HOP = [("Connection", "close, X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"), ("TE", "gzip"),
       ("Proxy-Connection", "keep-alive"), ("X-Public", "2")]


def test_of_a_request(proxy):
    running, origin = proxy()
    with running.connect() as connection:
        assert connection.request(headers=HOP).status == 200
    request = origin.requests[0]
    for name in ("X-Private", "Keep-Alive", "Proxy-Connection", "TE"):
        assert request.all(name) == [], name
    assert "x-private" not in ",".join(request.all("connection")).lower()
    assert request.get("x-public") == "2"


@pytest.mark.parametrize("version, te, expected", [
    ("HTTP/1.1", "trailers", ["trailers"]), ("HTTP/1.1", "gzip;q=0.5, Trailers", ["trailers"]),
    ("HTTP/1.1", "gzip", []), ("HTTP/1.0", "trailers", [])])
def test_trailers_are_asked_for_where_the_client_takes_them(proxy, version, te, expected):
    """RFC 9110 10.1.4: TE ends here; Weir passes trailers on, so it says it again for itself, named by Connection."""
    running, origin = proxy()
    with running.connect() as connection:
        connection.send(f"GET / {version}\r\nHost: a\r\nTE: {te}\r\nConnection: TE, close\r\n\r\n".encode())
        assert connection.response().status == 200
    request = origin.requests[0]
    assert request.all("te") == expected
    assert ("te" in ",".join(request.all("connection")).lower()) == bool(expected)


def test_of_a_response(proxy):
    async def hop(exchange):
        await exchange.respond(headers=[("Connection", "X-Private"), ("X-Private", "1"), ("Keep-Alive", "timeout=5"),
                                        ("Proxy-Connection", "close"), ("X-Public", "2")])

    running, _ = proxy(hop)
    with running.connect() as connection:
        response = connection.request()
        for name in ("X-Private", "Keep-Alive", "Proxy-Connection"):
            assert response.all(name) == [], name
        assert response.get("x-public") == "2"
        assert connection.request().status == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Host", "Content-Length", "Cookie"])
def test_a_client_cannot_have_other_fields_removed(proxy, name):
    running, origin = proxy()
    with running.connect() as connection:
        fields = [("Connection", name), ("Cookie", "a=b")]
        assert connection.request("POST", headers=fields, body=b"abc").status == 200
    assert origin.requests[0].get(name) is not None
    assert origin.requests[0].body == b"abc"


def test_other_fields_pass_as_they_are(proxy):
    running, origin = proxy()
    fields = [("Accept", "text/html"), ("COOKIE", "a=1; b=2"), ("X-Twice", "1"), ("x-twice", "2"), ("X-Empty", ""),
              ("Authorization", "Basic eDp5"), ("X-Bytes", "\xe4\xf6")]
    with running.connect() as connection:
        assert connection.request(headers=fields).status == 200
    request = origin.requests[0]
    assert [request.all(name) for name in ("accept", "cookie", "x-twice", "x-empty", "authorization", "x-bytes")] == [
        ["text/html"], ["a=1; b=2"], ["1", "2"], [""], ["Basic eDp5"], ["\xe4\xf6"]]
