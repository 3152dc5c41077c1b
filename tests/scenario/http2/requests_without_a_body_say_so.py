"""A request of HTTP/2 without a body reaches a backend of HTTP/1.1 with Content-Length: 0 where its method means to have
one (RFC 9110 8.6): some backends refuse it otherwise (411)."""

import pytest

from h2_raw import RawH2, get


@pytest.fixture
def site(proxy):
    return proxy(listener={"http2": True})


def test_a_method_that_means_to_have_one(site):
    running, origin = site
    with RawH2(running.port) as client:
        for i, method in enumerate(("POST", "PUT", "PATCH")):
            client.headers(2 * i + 1, [(":method", method), *get()[1:]])
            assert client.status(2 * i + 1) == 200
    assert [request.get("content-length") for request in origin.requests] == ["0", "0", "0"]
    with running.connect() as client:
        assert client.request("POST", headers=[("Content-Length", "0")]).status == 200
        client.send("PUT / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.response().status == 200
    assert [request.get("content-length") for request in origin.requests[3:]] == ["0", "0"]


def test_any_other_method(site):
    running, origin = site
    with RawH2(running.port) as client:
        for i, method in enumerate(("GET", "HEAD", "DELETE", "OPTIONS")):
            client.headers(2 * i + 1, [(":method", method), *get()[1:]])
            assert client.status(2 * i + 1) == 200
    assert [request.get("content-length") for request in origin.requests] == [None] * 4
