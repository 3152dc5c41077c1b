"""Host, path, method, header, query and client address choose the pool; the most specific route wins, whatever the
order in the file."""

import pytest
from client import Connection
from weir import config_of, pool_of

ROUTES = [
    ("any-v1", {"path_prefix": "/v1"}),
    ("api-v1", {"host": "api.example.com", "path_prefix": "/v1"}),
    ("api", {"host": "api.example.com"}),
    ("wild", {"host": "*.example.com"}),
    ("deep", {"host": "*.deep.example.com"}),
    ("exact", {"path": "/v1/exact"}),
    ("regex", {"path_regex": "/item/[0-9]+"}),
    ("long", {"path_prefix": "/v1/long"}),
    ("post", {"path_prefix": "/v1", "method": ["POST", "PUT"]}),
    ("header", {"path_prefix": "/v1", "header": {"X-Tenant": "acme"}}),
    ("query", {"path_prefix": "/v1", "query": {"beta": {"present": True}}}),
    ("elsewhere", {"path_prefix": "/", "client": ["10.0.0.0/8"]}),
]

CASES = [
    # host, method, target, fields -> route
    ("x.org", "GET", "/", [], "default"),
    ("x.org", "GET", "/v1", [], "any-v1"),
    ("x.org", "GET", "/v1/", [], "any-v1"),
    ("x.org", "GET", "/v1/a?b", [], "any-v1"),
    ("x.org", "GET", "/v10", [], "default"),
    ("api.example.com", "GET", "/v1/a", [], "api-v1"),
    ("API.Example.COM:8080", "GET", "/v1/a", [], "api-v1"),
    ("api.example.com", "GET", "/v2", [], "api"),
    ("www.example.com", "GET", "/v1", [], "wild"),
    ("a.b.example.com", "GET", "/", [], "wild"),
    ("a.deep.example.com", "GET", "/", [], "deep"),
    ("example.com", "GET", "/", [], "default"),
    ("notexample.com", "GET", "/", [], "default"),
    ("x.org", "GET", "/v1/exact", [], "exact"),
    ("x.org", "GET", "/v1/exact/not", [], "any-v1"),
    ("x.org", "GET", "/v1/long/er", [], "long"),
    ("x.org", "GET", "/item/42", [], "regex"),
    ("x.org", "GET", "/item/42/no", [], "default"),
    ("x.org", "POST", "/v1/a", [], "post"),
    ("x.org", "GET", "/v1/a", [("x-tenant", "acme")], "header"),
    ("x.org", "GET", "/v1/a", [("x-tenant", "acme2")], "any-v1"),
    ("x.org", "GET", "/v1/a?x=1&beta", [], "query"),
    ("x.org", "GET", "/a/../v1/x", [], "any-v1"),
    ("x.org", "GET", "/%761/x", [], "any-v1"),
    ("x.org", "GET", "/V1", [], "default"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    from origin import Origin
    from weir import Weir

    names = [name for name, _ in ROUTES] + ["default"]
    started = {name: Origin(name).start() for name in names}
    routes = [{"match": match, "pool": name} for name, match in ROUTES]
    pools = [pool_of([started[name]], name=name) for name in names]
    config = config_of(*pools, listener={"routes": routes, "pool": "default"})
    running = Weir(tmp_path_factory.mktemp("weir"), config).start()
    yield running
    running.stop()
    for origin in started.values():
        origin.stop()


@pytest.mark.parametrize("host, method, target, fields, route", CASES)
def test_the_route(site, host, method, target, fields, route):
    with Connection(site.port) as connection:
        assert connection.request(method, target, [("Host", host), *fields]).backend == route


def test_requests_of_one_connection_go_each_their_way(site):
    with Connection(site.port) as connection:
        for host, method, target, fields, route in CASES:
            assert connection.request(method, target, [("Host", host), *fields]).backend == route
