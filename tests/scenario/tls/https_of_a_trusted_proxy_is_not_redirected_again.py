"""Behind a proxy that ends TLS, redirect_to_https and {scheme} go by its X-Forwarded-Proto: no loop of redirects."""

from client import get
from weir import config_of, pool_of

HTTPS = [("Host", "site.example"), ("X-Forwarded-Proto", "https")]


def test_what_came_by_https_goes_to_the_pool(weir, origins):
    (origin,) = origins("one")
    running = weir(config_of(pool_of([origin]), listener={"redirect_to_https": 443, "trusted_proxies": ["127.0.0.1"]}))
    assert get(running.port, "/", [("Host", "site.example")]).get("location") == "https://site.example/"
    assert get(running.port, "/a", HTTPS).status == 200
    assert origin.requests[0].get("x-forwarded-proto") == "https"


def test_only_trusted_proxies_may_say_so(weir):
    redirect = {"match": {"path": "/old"}, "redirect": "{scheme}://{host}/new"}
    config = config_of(listener={"redirect_to_https": 443, "routes": [redirect]})
    running = weir(config)
    assert get(running.port, "/", HTTPS).status == 308
    assert get(running.port, "/old", HTTPS).get("location") == "http://site.example/new"
    config["listeners"][0]["trusted_proxies"] = ["127.0.0.1"]
    running.reload(config)
    assert get(running.port, "/old", HTTPS).get("location") == "https://site.example/new"
