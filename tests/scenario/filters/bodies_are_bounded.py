"""`body`: 413 for bodies that are too long, 411 without a length, 415 for other types; where the length is known, backends
hear nothing of it."""

import pytest
from client import refused
from h2_raw import RawH2, post
from waiting import eventually

LIMIT = 10_000
BODY = {"filters": {"body": {"max": LIMIT}}}
SHORT_FORM = {"limits": {"body_bytes": LIMIT}}


def head(*fields, target="/"):
    return "\r\n".join([f"POST {target} HTTP/1.1", "Host: a", *fields, "", ""]).encode()


def chunked(size, piece=1000):
    whole = b"".join(b"%x\r\n" % min(piece, size - at) + b"x" * min(piece, size - at) + b"\r\n"
                     for at in range(0, size, piece))
    return head("Transfer-Encoding: chunked") + whole + b"0\r\n\r\n"


@pytest.mark.parametrize("listener", [BODY, SHORT_FORM], ids=["filter", "limits"])
class TestTooLong:
    def test_by_content_length(self, proxy, listener):
        running, origin = proxy(listener=listener)
        assert refused(running.port, head(f"Content-Length: {LIMIT + 1}")) == 413
        assert origin.requests == []
        line = eventually(running.access_log)[0]
        assert (line["status"], line["termination"]) == (413, "client_too_large")
        assert "filters.body.max" in line["detail"]

    def test_by_the_count_of_chunks(self, proxy, listener):
        running, origin = proxy(listener=listener)
        assert refused(running.port, chunked(LIMIT + 1)) == 413
        eventually(lambda: running.metric("weir_backend_requests_active") == 0)
        assert all(len(request.body) <= LIMIT for request in origin.requests)
        assert eventually(running.access_log)[0]["termination"] == "client_too_large"

    def test_a_chunk_that_comes_at_once_reaches_no_backend(self, proxy, listener):
        running, origin = proxy(listener=listener)
        assert refused(running.port, chunked(LIMIT + 1, piece=LIMIT + 1)[:LIMIT + 200]) == 413
        assert running.metric("weir_backend_failures_total") == 0

    def test_a_body_of_exactly_the_limit_passes(self, proxy, listener):
        running, origin = proxy(listener=listener)
        with running.connect() as client:
            assert client.request("POST", body=b"x" * LIMIT).status == 200
            client.send(chunked(LIMIT))
            assert client.response("POST").status == 200
        assert [len(request.body) for request in origin.requests] == [LIMIT, LIMIT]

    def test_over_http2(self, proxy, listener):
        running, origin = proxy(listener={"http2": True, **listener})
        with RawH2(running.port) as client:
            client.headers(1, post("/", ("content-length", str(LIMIT + 1))), end_stream=False)
            assert client.status(1) == 413
            assert origin.requests == []
            client.headers(3, post(), end_stream=False)
            client.data(3, b"x" * LIMIT)
            client.data(3, b"y")
            assert client.status(3) == 413
            client.headers(5, post(), end_stream=False)
            client.data(5, b"x" * LIMIT, end_stream=True)
            assert client.status(5) == 200


def test_who_waits_for_100_is_refused_at_once(proxy):
    running, origin = proxy(listener=BODY)
    with running.connect() as client:
        client.send(head(f"Content-Length: {LIMIT + 1}", "Expect: 100-continue"))
        answer = client.response("POST")
        assert (answer.status, answer.interim) == (413, [])
    assert origin.requests == []


def test_a_route_has_its_own_limit_or_none(proxy):
    routes = [{"match": {"path_prefix": "/more"}, "pool": "site", "filters": {"body": {"max": "1MB"}}},
              {"match": {"path_prefix": "/any"}, "pool": "site", "filters": {"body": "off"}},
              {"match": {"path_prefix": "/less"}, "pool": "site", "filters": {"body": {"max": 1}}}]
    for listener in (BODY, SHORT_FORM):
        running, _ = proxy(listener={**listener, "routes": routes})
        for target, size, status in (("/", LIMIT, 200), ("/", LIMIT + 1, 413), ("/more", 1 << 20, 200),
                                     ("/more", (1 << 20) + 1, 413), ("/any", 2 << 20, 200), ("/less", 2, 413)):
            with running.connect() as client:
                try:
                    client.send_request("POST", target, body=b"x" * size)
                except ConnectionError:
                    assert status == 413
                assert client.response("POST").status == status, (target, size)
        running.stop()


def test_a_length_may_be_demanded(proxy):
    running, origin = proxy(listener={"filters": {"body": {"require_length": True}}})
    with running.connect() as client:
        client.send(chunked(10))
        assert client.response("POST").status == 411
        assert origin.requests == []
        assert client.request("POST", body=b"abc").status == 200
        assert client.request().status == 200
        assert client.request("POST", headers=[("Content-Length", "0")]).status == 200


class TestTypes:
    @pytest.fixture
    def site(self, proxy):
        return proxy(listener={"filters": {"body": {"types": ["application/json", "image/*"]}}})

    @pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "image/png", "IMAGE/x"])
    def test_of_the_list_pass(self, site, kind):
        with site[0].connect() as client:
            assert client.request("POST", headers=[("Content-Type", kind)], body=b"x").status == 200

    @pytest.mark.parametrize("kind", ["text/html", "application/jsonx", "image/", "imagex/png", "", None,
                                      "text/html, application/json"])
    def test_others_are_415(self, site, kind):
        running, origin = site
        with running.connect() as client:
            fields = [] if kind is None else [("Content-Type", kind)]
            answer = client.request("POST", headers=fields, body=b"x")
            assert (answer.status, answer.get("accept")) == (415, "application/json, image/*")
        assert origin.requests == []

    def test_two_types_are_none(self, site):
        running, origin = site
        with running.connect() as client:
            both = [("Content-Type", "application/json"), ("Content-Type", "text/html")]
            assert client.request("POST", headers=both, body=b"x").status == 415
        assert origin.requests == []

    def test_requests_without_a_body_need_none(self, site):
        with site[0].connect() as client:
            assert client.request(headers=[("Content-Type", "text/html")]).status == 200
            assert client.request("POST", headers=[("Content-Length", "0")]).status == 200
