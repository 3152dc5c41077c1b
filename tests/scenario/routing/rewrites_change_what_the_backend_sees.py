"""Path and host rewrites, and header changes on the way to the backend and back."""

import pytest
from client import get
from weir import config_of, pool_of


@pytest.fixture
def through(weir, origins):
    """Starts with one route with these settings and returns what a request became and its response."""

    def start(match, target="/", fields=(), behave=None, **route):
        (origin,) = origins("one", **({"behave": behave} if behave else {}))
        routes = [{"match": match, "pool": "site", **route}]
        running = weir(config_of(pool_of([origin]), listener={"routes": routes}))
        response = get(running.port, target, fields)
        return origin.requests[0], response

    return start


@pytest.mark.parametrize("target, seen", [("/api/users?x=1", "/v2/users?x=1"), ("/api", "/v2"), ("/api/", "/v2/")])
def test_a_prefix_is_replaced(through, target, seen):
    request, _ = through({"path_prefix": "/api"}, target, rewrite={"path_prefix": "/v2"})
    assert request.target == seen


@pytest.mark.parametrize("target, seen", [("/api/users", "/users"), ("/api", "/"), ("/api?x", "/?x")])
def test_a_prefix_is_stripped(through, target, seen):
    request, _ = through({"path_prefix": "/api"}, target, rewrite={"path_prefix": "/"})
    assert request.target == seen


def test_an_expression_is_replaced(through):
    request, _ = through({"path_prefix": "/"}, "/user/42/posts?q=/user/1",
                         rewrite={"path_regex": "/user/([0-9]+)", "substitution": r"/u-\1"})
    assert request.target == "/u-42/posts?q=/user/1"


def test_the_host_is_replaced(through):
    request, _ = through({"path_prefix": "/"}, rewrite={"host": "internal.example"})
    assert request.get("host") == "internal.example"
    assert request.get("x-forwarded-host") == "test.example"


def test_request_headers(through):
    changes = {"set": {"X-Set": "new", "X-More": "1"}, "add": {"X-Add": "two"}, "remove": ["X-Gone"]}
    fields = [("X-Set", "old"), ("x-set", "older"), ("X-Add", "one"), ("x-gone", "1")]
    request, _ = through({"path_prefix": "/"}, "/", fields, request_headers=changes)
    assert request.all("x-set") == ["new"]
    assert request.all("x-more") == ["1"]
    assert request.all("x-add") == ["one", "two"]
    assert request.all("x-gone") == []


def test_response_headers(through):
    async def behave(exchange):
        await exchange.respond(headers=[("X-Set", "old"), ("X-Gone", "1"), ("Server", "secret/1.0")])

    changes = {"set": {"X-Set": "new"}, "add": {"X-Add": "1"}, "remove": ["x-gone", "server"]}
    _, response = through({"path_prefix": "/"}, behave=behave, response_headers=changes)
    assert response.all("x-set") == ["new"]
    assert response.all("x-add") == ["1"]
    assert response.all("x-gone") == response.all("server") == []
