"""A head or body beyond the listener's limits gets the status that says which one, and the connection is closed."""

import pytest
from client import refused

LIMITS = {"request_line_bytes": 1000, "header_bytes": 4000, "header_count": 20, "body_bytes": 10_000}


@pytest.fixture
def site(proxy):
    return proxy(listener={"limits": LIMITS})


def head(line="GET / HTTP/1.1", fields=()):
    return "\r\n".join([line, "Host: a", *fields, "", ""]).encode()


def test_a_long_request_line_is_414(site):
    running, origin = site
    assert refused(running.port, head("GET /" + "x" * 2000 + " HTTP/1.1")) == 414
    assert origin.requests == []


def test_a_long_head_is_431(site):
    assert refused(site[0].port, head(fields=[f"X-{i}: " + "x" * 500 for i in range(9)])) == 431


def test_one_endless_field_is_431(site):
    assert refused(site[0].port, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000) == 431


def test_too_many_fields_are_431(site):
    assert refused(site[0].port, head(fields=[f"X-{i}: 1" for i in range(21)])) == 431


def test_a_long_body_is_413_before_any_of_it_is_forwarded(site):
    running, origin = site
    assert refused(running.port, head("POST / HTTP/1.1", ["Content-Length: 10001"])) == 413
    assert origin.requests == []


def test_a_chunked_body_that_grows_too_long_is_413(site):
    running, _ = site
    body = b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(11)) + b"0\r\n\r\n"
    assert refused(running.port, head("POST / HTTP/1.1", ["Transfer-Encoding: chunked"]) + body) == 413


def test_what_is_just_within_passes(site):
    running, origin = site
    with running.connect() as connection:
        assert connection.request("POST", "/" + "x" * 900, [("X-Long", "x" * 2500)], b"x" * 10_000).status == 200
        assert connection.request(headers=[(f"X-{i}", "1") for i in range(19)]).status == 200
    assert len(origin.requests[0].body) == 10_000
