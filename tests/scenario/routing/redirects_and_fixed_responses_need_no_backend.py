"""Routes that answer themselves: redirects with their placeholders, and fixed responses."""

import pytest
from client import get
from weir import config_of, pool_of

ROUTES = [
    {"match": {"path_prefix": "/old"}, "redirect": {"to": "/new", "status": 301}},
    {"match": {"host": "plain.example"}, "redirect": {"to": "https://{host}{path}?{query}", "status": 308}},
    {"match": {"path_regex": "/user/([0-9]+)"}, "redirect": {"to": "/u?id={1}"}},
    {"match": {"path": "/robots.txt"}, "respond": {"status": 200, "body": "User-agent: *\n"}},
    {"match": {"path": "/gone"}, "respond": {"status": 410, "body": "{}", "content_type": "application/json"}},
]


@pytest.fixture
def running(weir, origins):
    return weir(config_of(pool_of(origins("one")), listener={"routes": ROUTES}))


@pytest.mark.parametrize("host, target, status, location", [
    ("a", "/old", 301, "/new"),
    ("a", "/old?x=1", 301, "/new?x=1"),
    ("plain.example", "/a/b?c=d", 308, "https://plain.example/a/b?c=d"),
    ("a", "/user/42", 302, "/u?id=42"),
])
def test_redirects(running, host, target, status, location):
    response = get(running.port, target, [("Host", host)])
    assert (response.status, response.get("location")) == (status, location)


def test_a_host_cannot_inject_into_a_location(running):
    response = get(running.port, "/a", [("Host", "plain.example")])
    assert "\r" not in response.get("location")


def test_fixed_responses(running):
    robots = get(running.port, "/robots.txt")
    assert (robots.status, robots.body, robots.get("content-type")) == (200, b"User-agent: *\n",
                                                                       "text/plain; charset=utf-8")
    gone = get(running.port, "/gone")
    assert (gone.status, gone.body, gone.get("content-type")) == (410, b"{}", "application/json")


def test_a_large_body_is_not_waited_for(running):
    with running.connect() as connection:
        connection.send("POST /gone HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nabc")
        response = connection.response()
        assert (response.status, response.closes) == (410, True)


def test_they_keep_the_connection_and_read_the_requests_body(running):
    with running.connect() as connection:
        assert connection.request("POST", "/gone", body=b"x" * 1000).status == 410
        assert connection.request("HEAD", "/robots.txt").get("content-length") == "14"
        assert connection.request().body == b"one"
