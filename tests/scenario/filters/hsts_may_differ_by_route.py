"""`hsts`: on every final response, also of Weir's own, by the listener's filter, its short form, or the route's."""

from client import get
from tls_peers import TlsClient, https_of
from weir import pool_of

HSTS = "strict-transport-security"
ROUTES = [{"match": {"path": "/own"}, "pool": "site", "filters": {"hsts": {"max_age": "1h", "preload": True}}},
          {"match": {"path": "/none"}, "pool": "site", "filters": {"hsts": "off"}},
          {"match": {"path": "/moved"}, "redirect": {"to": "/"}}, {"match": {"path": "/here"}, "respond": 200}]


async def with_its_own(exchange):
    await exchange.respond(headers=[("Strict-Transport-Security", "max-age=1")])


def test_a_route_has_its_own_or_what_the_backend_says(proxy):
    running, _ = proxy(with_its_own, listener={"filters": {"hsts": {"include_subdomains": True}}, "routes": ROUTES})
    expected = {"/": "max-age=31536000; includeSubDomains", "/moved": "max-age=31536000; includeSubDomains",
                "/here": "max-age=31536000; includeSubDomains", "/own": "max-age=3600; preload", "/none": "max-age=1"}
    assert {target: get(running.port, target).get(HSTS) for target in expected} == expected


def test_errors_have_it(proxy):
    running, origin = proxy(listener={"filters": {"hsts": {"max_age": "0s"}, "deny": {"addresses": ["127.0.0.2"]}}})
    origin.stop()
    # 503 once the health checks know.
    for target, statuses in (("/", (502, 503)), ("/a%2fb", (400,)), ("x", (400,))):
        answer = get(running.port, target)
        assert answer.status in statuses
        assert answer.get(HSTS) == "max-age=0"


def test_routes_go_before_the_short_form(weir, origins, authority):
    (origin,) = origins("one", behave=with_its_own)
    running = weir(https_of(pool_of([origin]), certificates=[authority.issue("site.example")],
                            tls={"hsts": {"max_age": "24h"}}, listener={"routes": ROUTES}))
    with TlsClient(running.port, authority) as client:
        said = {target: client.ask(target)[1][HSTS] for target in ("/", "/own", "/none", "/moved")}
    assert said == {"/": "max-age=86400", "/own": "max-age=3600; preload", "/none": "max-age=1", "/moved": "max-age=86400"}
