"""Variables in braces stand for what is known of a request, and none can leave the place where it stands."""

from client import get

ROUTES = [
    {"match": {"path_prefix": "/in"},
     "pool": "site",
     "rewrite": {"path_prefix": "/by/{client}", "host": "{header.x-tenant}.internal"},
     "request_headers": {"set": {"x-client": "{client} {method} {path}?{query}", "x-sni": "{tls.sni}",
                                 "x-where": "{listener}:{listener_port} {route} {pool} {backend}"}},
     "response_headers": {"set": {"x-served-by": "{backend}", "x-id": "{request_id}", "x-json": "{{}"}}},
    {"match": {"path_prefix": "/out"}, "redirect": "https://{host}:{listener_port}/new"},
]


def test_backends_and_clients_see_values(proxy):
    running, origin = proxy(listener={"routes": ROUTES})
    answer = get(running.port, "/in/x?a=1", [("Host", "a.example"), ("X-Tenant", "acme"), ("X-Sni", "forged")])
    seen = origin.requests[0]
    assert (seen.target, seen.get("host")) == ("/by/127.0.0.1/x?a=1", "acme.internal")
    assert seen.get("x-client") == "127.0.0.1 GET /in/x?a=1"
    assert seen.get("x-where") == f"web:{running.port} web/1 site one"
    assert seen.get("x-sni") is None
    assert answer.get("x-served-by") == "one"
    assert answer.get("x-id") == seen.get("x-request-id")
    assert answer.get("x-json") == "{}"


def test_redirects_to_urls_keep_the_query(proxy):
    running, _ = proxy(listener={"routes": ROUTES})
    answer = get(running.port, "/out?a=1", [("Host", "a.example")])
    assert answer.get("location") == f"https://a.example:{running.port}/new?a=1"


def test_a_value_that_is_no_host_is_400(proxy):
    running, origin = proxy(listener={"routes": ROUTES})
    assert get(running.port, "/in", [("X-Tenant", "a/b@c")]).status == 400
    assert origin.requests == []
