"""RFC 9113 8: what could be read as something else by an HTTP/1 backend is refused, and only its stream with it."""

import pytest

from h2_raw import PROTOCOL_ERROR, RawH2, get, post




@pytest.fixture
def client(proxy):
    running, origin = proxy(listener={"http2": True})
    with RawH2(running.port) as raw:
        yield raw
        raw.headers(101, get("/after"))
        assert raw.status(101) == 200, "the connection goes on"
    # A body's fault is found when the head has gone on already.
    assert [request.target for request in origin.requests if request.method == "GET"] == ["/after"]


@pytest.mark.parametrize("field", [
    ("X-Upper", "a"), ("x y", "a"), ("x:y", "a"), ("x\r\ny", "a"), ("x", "a\r\nb: c"), ("x", "a\nb"), ("x", "a\0b"),
    ("x", " a"), ("x", "a "), ("connection", "close"), ("keep-alive", "5"), ("proxy-connection", "close"),
    ("transfer-encoding", "chunked"), ("upgrade", "h2c"), ("te", "gzip"), ("host", "other.example"),
    (":path", "/again"), (":unknown", "x"), (":status", "200"), ("content-length", "x"),
])
def test_a_field(client, field):
    client.headers(1, get("/", field))
    assert client.reset_code(1) == PROTOCOL_ERROR


@pytest.mark.parametrize("fields", [
    [(":method", "GET"), (":scheme", "http"), (":authority", "a")],
    [(":method", "GET"), (":path", "/"), (":authority", "a")],
    [(":scheme", "http"), (":path", "/"), (":authority", "a")],
    [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "")],
    [(":method", "GET"), (":scheme", "http"), ("x", "y"), (":authority", "a"), (":path", "/")],
    [(":method", "GET /x HTTP/1.1\r\nx: y"), (":scheme", "http"), (":authority", "a"), (":path", "/")],
    [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/ HTTP/1.1\r\nx: y")],
    [(":method", "CONNECT"), (":scheme", "http"), (":authority", "a"), (":path", "/")],
])
def test_pseudo_fields(client, fields):
    client.headers(1, fields)
    assert client.reset_code(1) == PROTOCOL_ERROR


def test_a_body_longer_than_its_length(client):
    client.headers(1, post("/", ("content-length", "3")), end_stream=False)
    client.data(1, b"four", end_stream=True)
    assert client.reset_code(1) == PROTOCOL_ERROR


def test_a_head_without_body_that_promised_one(client):
    client.headers(1, post("/", ("content-length", "3")))
    assert client.reset_code(1) == PROTOCOL_ERROR


def test_trailers_with_a_pseudo_field_or_without_end(client):
    client.headers(1, post("/"), end_stream=False)
    client.headers(1, [(":path", "/x")])
    assert client.reset_code(1) == PROTOCOL_ERROR
