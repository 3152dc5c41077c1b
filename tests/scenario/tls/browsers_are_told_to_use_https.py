"""Strict-Transport-Security on https listeners, and redirects from http ones."""

from client import get
from tls_peers import TlsClient, https_of
from waiting import free_port
from weir import config_of, pool_of


def test_hsts_is_on_every_answer(weir, origins, authority):
    async def with_its_own(exchange):
        await exchange.respond(200, b"x", [("Strict-Transport-Security", "max-age=1")])

    hsts = {"max_age": "24h", "include_subdomains": True}
    (origin,) = origins("one", behave=with_its_own)
    balancer = weir(https_of(pool_of([origin]), certificates=[authority.issue("site.example")], tls={"hsts": hsts},
                             listener={"routes": [{"match": {"path": "/here"}, "respond": {"body": "here"}}]}))
    with TlsClient(balancer.port, authority) as client:
        for path in ("/", "/here"):
            status, headers, _ = client.ask(path)
            assert status == 200
            assert headers["strict-transport-security"] == "max-age=86400; includeSubDomains"


def test_what_no_route_takes_is_redirected(weir, origins):
    routes = [{"match": {"path_prefix": "/.well-known"}, "pool": "site"}]
    config = config_of(pool_of(origins("one")), listener={"redirect_to_https": 443, "routes": routes, "pool": ""})
    del config["listeners"][0]["pool"]
    balancer = weir(config)
    answer = get(balancer.port, "/a/b?c=d", [("Host", "site.example:8080")])
    assert answer.status == 308
    assert answer.get("location") == "https://site.example/a/b?c=d"
    assert get(balancer.port, "/.well-known/acme-challenge/x", [("Host", "site.example")]).status == 200
    shown = balancer.admin("GET", "/listeners/web").json
    assert [route.get("pool") for route in shown["routes"]] == ["site"]
    port = free_port()
    config["listeners"][0]["redirect_to_https"] = port
    balancer.reload(config)
    assert get(balancer.port, "/", [("Host", "site.example")]).get("location") == f"https://site.example:{port}/"
