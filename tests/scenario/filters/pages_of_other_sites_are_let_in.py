"""`cors`: Weir answers the preflights of browsers, and each response says which pages may read it."""

import pytest
from h2_raw import RawH2
from weir import config_of, pool_of

APP, OTHER = "https://app.example.com", "https://evil.example"
ASK = ("Access-Control-Request-Method", "PUT")


async def with_fields_of_its_own(exchange):
    await exchange.respond(headers=[("Access-Control-Allow-Origin", "https://backend.example"),
                                    ("access-control-allow-credentials", "true"),
                                    ("Access-Control-Expose-Headers", "X-Secret"), ("Vary", "Accept-Encoding")])


@pytest.fixture
def site(proxy):
    """site({...options of cors...}) gives a function that asks with an Origin and further fields."""

    def start(options, behave=None, **listener):
        running, origin = proxy(behave, listener={**listener, "filters": {"cors": options}})

        def ask(origin_of_page=APP, *fields, method="GET", target="/"):
            with running.connect() as client:
                said = [("Origin", origin_of_page)] if origin_of_page else []
                return client.request(method, target, [*said, *fields])

        ask.running, ask.origin = running, origin
        return ask

    return start


def allowed(answer):
    return answer.get("access-control-allow-origin")


def varies_by(answer):
    return {word.strip().lower() for value in answer.all("vary") for word in value.split(",")}


def test_an_allowed_preflight_is_answered_here(site):
    ask = site({"origins": [APP], "methods": ["GET", "PUT"], "max_age": "1h"})
    answer = ask(APP, ASK, ("Access-Control-Request-Headers", "x-one, content-type"), method="OPTIONS")
    assert (answer.status, answer.body, allowed(answer)) == (204, b"", APP)
    assert answer.get("access-control-allow-methods") == "GET, PUT"
    assert answer.get("access-control-allow-headers") == "x-one, content-type", "all that were asked for"
    assert answer.get("access-control-max-age") == "3600"
    assert answer.get("access-control-allow-credentials") is None
    assert varies_by(answer) == {"origin", "access-control-request-method", "access-control-request-headers"}
    assert ask.origin.requests == []


def test_a_list_of_headers_is_what_preflights_hear(site):
    ask = site({"origins": [APP], "headers": ["X-One", "Content-Type"]})
    answer = ask(APP, ASK, ("Access-Control-Request-Headers", "x-other"), method="OPTIONS")
    assert answer.get("access-control-allow-headers") == "X-One, Content-Type"


def test_a_preflight_of_another_origin_is_403(site):
    ask = site({"origins": [APP]})
    answer = ask(OTHER, ASK, method="OPTIONS")
    assert (answer.status, allowed(answer), answer.get("access-control-allow-methods")) == (403, None, None)
    assert "origin" in varies_by(answer)
    assert ask.origin.requests == []


def test_an_options_request_that_is_no_preflight_goes_on(site):
    ask = site({"origins": [APP]})
    assert ask(APP, method="OPTIONS").backend == "one"
    assert ask(None, ASK, method="OPTIONS").backend == "one"


def test_responses_say_who_may_read_them_in_place_of_the_backend(site):
    ask = site({"origins": [APP], "expose": ["X-Total"], "credentials": True}, with_fields_of_its_own)
    answer = ask(APP)
    assert (answer.status, allowed(answer), answer.get("access-control-allow-credentials")) == (200, APP, "true")
    assert answer.get("access-control-expose-headers") == "X-Total"
    assert varies_by(answer) == {"origin", "accept-encoding"}
    for page in (OTHER, "null", None):
        answer = ask(page)
        assert (answer.status, allowed(answer)) == (200, None), "the backend answers, and no page may read it"
        assert answer.get("access-control-allow-credentials") is None
        assert "origin" in varies_by(answer)


@pytest.mark.parametrize("page, is_allowed", [
    ("https://a.example.com", True), ("https://a.b.example.com", True), ("HTTPS://A.Example.COM", True),
    ("https://example.com", False), ("https://.example.com", False), ("http://a.example.com", False),
    ("https://a.example.com:8443", False), ("https://aexample.com", False), ("https://a.example.com.evil.org", False),
    ("https://evil.org/.example.com", False), ("https://evil.org:1.example.com", False), ("https://u@a.example.com", False)])
def test_a_star_stands_for_hosts_below(site, page, is_allowed):
    assert allowed(site({"origins": ["https://*.example.com"]})(page)) == (page if is_allowed else None)


def test_every_origin(site):
    ask = site({"origins": "*"})
    for page in (APP, OTHER, "null", None):
        answer = ask(page)
        assert allowed(answer) == "*", "also without Origin: a cache may give it to pages of any site"
        assert varies_by(answer) == set()
    assert allowed(ask(OTHER, ASK, method="OPTIONS")) == "*"


def test_errors_of_weir_can_be_read_by_the_page(site):
    ask = site({"origins": [APP]})
    ask.origin.stop()
    answer = ask(APP)
    assert answer.status in (502, 503)  # 503 once the health checks know
    assert allowed(answer) == APP
    answer = ask(APP, target="/a%2fb")
    assert (answer.status, allowed(answer)) == (400, APP), "also those before any route is known"


def test_a_route_has_none_with_off(site):
    routes = [{"name": "own", "match": {"path_prefix": "/own"}, "pool": "site", "filters": {"cors": "off"}}]
    ask = site({"origins": [APP]}, with_fields_of_its_own, routes=routes)
    answer = ask(OTHER, target="/own")
    assert allowed(answer) == "https://backend.example"
    assert ask(APP, ASK, method="OPTIONS", target="/own").backend == "one"


def test_preflights_need_no_password(proxy, tmp_path):
    from passwords import basic, write_users
    users = write_users(tmp_path / "users", alice="secret")
    running, origin = proxy(listener={"filters": {"cors": {"origins": [APP]}, "auth": {"users": {"file": str(users)}}}})
    with running.connect() as client:
        assert client.request("OPTIONS", headers=[("Origin", APP), ASK]).status == 204
        refused = client.request(headers=[("Origin", APP)])
        assert (refused.status, allowed(refused)) == (401, APP)
        assert client.request(headers=[("Origin", APP), basic("alice", "secret")]).status == 200
    assert len(origin.requests) == 1


def test_over_http2(weir, origins):
    (origin,) = origins("one", behave=with_fields_of_its_own)
    running = weir(config_of(pool_of([origin]), listener={"http2": True, "filters": {"cors": {"origins": [APP]}}}))
    base = [(":scheme", "http"), (":authority", "test.example"), (":path", "/"), ("origin", APP)]
    with RawH2(running.port) as client:
        client.headers(1, [(":method", "OPTIONS"), *base, (ASK[0].lower(), ASK[1])])
        client.headers(3, [(":method", "GET"), *base])
        for stream, status in ((1, 204), (3, 200)):
            got, fields, _, _ = client.response(stream)
            assert got == status
            assert [value for name, value in fields if name == "access-control-allow-origin"] == [APP]
