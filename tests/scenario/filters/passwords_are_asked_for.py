"""`auth`: 401 unless the request has the name and the password of a user; backends get neither, unless they are to."""

import base64

import grpc
import pytest
from client import Connection, get
from grpc_origin import GrpcOrigin
from h2_raw import RawH2
from h2_raw import get as h2_get
from passwords import BCRYPT, SHA512, YESCRYPT, basic, hash_of, write_users
from waiting import PATIENCE, eventually
from weir import config_of, pool_of

ALICE = basic("alice", "secret")


@pytest.fixture
def users(tmp_path):
    lines = [f"{name}:{hash_of(password, form)}" for name, password, form in
             (("yes", "of yescrypt", YESCRYPT), ("sha", "of SHA-512", SHA512), ("colon", "a:b::c", BCRYPT),
              ("empty", "", BCRYPT), ("umlaut", "pässword", BCRYPT))]
    return write_users(tmp_path / "users", "# of the test", "", *lines, alice="secret", bob="other")


@pytest.fixture
def site(proxy, users):
    """site(**options) starts Weir with the filter on all of its listener."""
    return lambda listener=None, **options: proxy(
        listener={**(listener or {}), "filters": {"auth": {"users": {"file": str(users)}, **options}}})


def test_without_a_password_the_answer_says_how_to_give_one(site):
    running, origin = site(realm='The "inner" \\ circle')
    answer = get(running.port)
    assert answer.status == 401
    assert answer.get("www-authenticate") == r'Basic realm="The \"inner\" \\ circle", charset="UTF-8"'
    assert b"a password" in answer.body
    assert origin.requests == []
    line = eventually(running.access_log)[0]
    assert (line["status"], line["termination"]) == (401, "unauthorized")
    assert line["detail"] == "filters.auth: the request has no Basic credentials"
    assert running.metric("weir_http_errors_total", reason="unauthorized") == 1


def test_an_empty_realm_is_one(site):
    assert get(site(realm="")[0].port).get("www-authenticate") == 'Basic realm="", charset="UTF-8"'


@pytest.mark.parametrize("name, password", [("alice", "secret"), ("bob", "other"), ("yes", "of yescrypt"),
                                            ("sha", "of SHA-512"), ("colon", "a:b::c"), ("empty", ""),
                                            ("umlaut", "pässword")])
def test_the_right_password_is_let_in(site, name, password):
    running, origin = site()
    with running.connect() as client:
        for _ in range(3):  # the first is hashed, the others are remembered
            assert client.request(headers=[basic(name, password)]).status == 200
            assert client.request(headers=[basic(name, password + "x")]).status == 401
    assert len(origin.requests) == 3


@pytest.mark.parametrize("name, password", [("alice", "other"), ("alice", ""), ("alice", "secre"), ("Alice", "secret"),
                                            ("alice ", "secret"), ("nobody", "secret"), ("", "secret"), ("", ""),
                                            ("colon", "a"), ("# of the test", "")])
def test_any_other_is_not(site, name, password):
    running, origin = site()
    with running.connect() as client:
        for _ in range(2):
            assert client.request(headers=[basic(name, password)]).status == 401
    assert origin.requests == []


def coded(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("value", [
    "", "Basic", "Basic ", "Basic !!!!", "Basic YWxpY2U", "Basic YWxp=2U6c2VjcmV0", "Basic ====", "Basic A===",
    "Basic " + coded(b"alice"), "Basic " + coded(b"alice:secret\0"), "Basic " + coded(b"alice:secret\r\nX: y"),
    "Basic " + coded(b"alice\n:secret"), "Basic " + coded(b"alice:" + b"x" * 10_000), "Bearer YWxpY2U6c2VjcmV0",
    "Basic YWxpY2U6c2VjcmV0, Basic YWxpY2U6c2VjcmV0", "BasicYWxpY2U6c2VjcmV0", "YWxpY2U6c2VjcmV0"])
def test_what_is_no_credential_is_401(site, value):
    running, origin = site()
    with running.connect() as client:
        assert client.request(headers=[("Authorization", value)]).status == 401
        assert client.request(headers=[ALICE]).status == 200, "the connection goes on"
    assert len(origin.requests) == 1


@pytest.mark.parametrize("fields", [[ALICE, basic("bob", "wrong")], [basic("bob", "wrong"), ALICE], [ALICE, ALICE]])
def test_two_fields_are_none(site, fields):
    """Whichever of them Weir took, a backend might take the other."""
    running, origin = site(forward=True)
    with running.connect() as client:
        assert client.request(headers=fields).status == 401
    assert origin.requests == []


def test_the_scheme_may_be_written_in_any_case(site):
    running, _ = site()
    for scheme in ("basic", "BASIC"):
        assert get(running.port, headers=[("authorization", f"{scheme} {ALICE[1].split()[1]}")]).status == 200


def test_backends_do_not_get_the_password(site):
    running, origin = site()
    assert get(running.port, headers=[ALICE]).status == 200
    assert origin.requests[0].get("authorization") is None
    assert b"secret" not in origin.requests[0].raw_head


def test_unless_they_are_to(site):
    running, origin = site(forward=True)
    assert get(running.port, headers=[ALICE]).status == 200
    assert origin.requests[0].get("authorization") == ALICE[1]


class TestUserHeader:
    def user(self, origin):
        """All that a backend might take for the user's name."""
        request = origin.requests[-1]
        fields = [*request.headers, *request.trailers]
        return [value for name, value in fields if name.lower().replace("_", "-") == "x-user"]

    @pytest.mark.parametrize("spelling", ["X-User", "x-user", "X_User", "x_USER"])
    def test_is_weirs_alone(self, site, spelling):
        running, origin = site(user_header="X-User")
        with running.connect() as client:
            for _ in range(2):
                assert client.request(headers=[(spelling, "root"), ALICE, (spelling, "root")]).status == 200
                assert self.user(origin) == ["alice"]

    def test_cannot_be_taken_away(self, site):
        running, origin = site(user_header="X-User")
        assert get(running.port, headers=[ALICE, ("Connection", "X-User, Authorization")]).status == 200
        assert self.user(origin) == ["alice"]

    def test_does_not_come_behind_the_body(self, site):
        running, origin = site(user_header="X-User")
        with running.connect() as client:
            for end in ("Connection", "X-More"):  # the body in one piece with its header, and in several
                client.send("\r\n".join(["POST / HTTP/1.1", "Host: a", ": ".join(ALICE), "Transfer-Encoding: chunked",
                                         f"{end}: Trailer", "Trailer: X-User", "", ""]))
                body = "3\r\nabc\r\n0\r\nX-User: root\r\nX_User: root\r\nX-Sum: 1\r\n\r\n"
                if end == "X-More":
                    client.send("3\r\nabc\r\n")
                    eventually(lambda: len(origin.requests) == 2)
                client.send(body)
                assert client.response("POST").status == 200
                assert self.user(origin) == ["alice"]
                assert ("x-sum", "1") in [(name.lower(), value) for name, value in origin.requests[-1].trailers]

    def test_over_http2(self, site):
        running, origin = site(listener={"http2": True}, user_header="X-User")
        with RawH2(running.port) as client:
            client.headers(1, h2_get("/", ("x-user", "root"), ("x_user", "root"), ("authorization", ALICE[1])))
            assert client.status(1) == 200
        assert self.user(origin) == ["alice"]


def test_only_where_it_is_set(proxy, users):
    auth = {"auth": {"users": {"file": str(users)}}}
    routes = [{"match": {"path_prefix": "/private"}, "pool": "site", "filters": auth},
              {"match": {"path": "/answer"}, "respond": {"body": "hidden"}, "filters": auth}]
    running, origin = proxy(listener={"routes": routes})
    assert get(running.port).status == 200
    for target in ("/private", "//private", "/private/x", "/private;v=1", "/%70rivate", "/a/../private", "/./private",
                   "http://test.example/private", "/private?x=1"):
        assert get(running.port, target).status == 401, target
    answer = get(running.port, "/answer")
    assert (answer.status, b"hidden" in answer.body) == (401, False)
    assert get(running.port, "/answer", [ALICE]).body == b"hidden"
    assert [request.target for request in origin.requests] == ["/"]


def test_off_on_a_route(proxy, users):
    routes = [{"match": {"path_prefix": "/public"}, "pool": "site", "filters": {"auth": "off"}},
              {"match": {"path": "/moved"}, "redirect": {"to": "/public"}}]
    running, origin = proxy(listener={"routes": routes, "filters": {"auth": {"users": {"file": str(users)}}}})
    assert [get(running.port, target).status for target in ("/", "/public", "/moved")] == [401, 200, 302]
    for target in ("/public/../", "/public/..", "/public/%2e%2e/"):
        assert get(running.port, target).status == 401, target


def test_a_websocket_needs_it_as_well(site):
    running, origin = site()
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
               ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    with running.connect() as client:
        assert client.request(headers=upgrade).status == 401
    assert origin.requests == []


def test_the_body_of_a_refused_upload_reaches_nobody(site):
    running, origin = site()
    with running.connect() as client:
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        answer = client.response("POST")
        assert (answer.status, answer.interim) == (401, [])
    assert origin.requests == []


def test_an_upload_waits_for_its_password(site):
    running, origin = site()
    with running.connect() as client:
        assert client.request("POST", headers=[ALICE], body=b"x" * 300_000).status == 200
    assert len(origin.requests[0].body) == 300_000


def test_pipelined_requests_are_answered_in_their_order(site):
    running, _ = site()
    with running.connect() as client:
        for password in ("secret", "wrong", "secret"):
            client.send_request(headers=[basic("alice", password)])
        assert [client.response().status for _ in range(3)] == [200, 401, 200]


def test_over_http2(site):
    running, origin = site(listener={"http2": True})
    with RawH2(running.port) as client:
        for stream, fields in ((1, []), (3, [ALICE]), (5, [basic("alice", "wrong")]), (7, [ALICE, ALICE])):
            client.headers(stream, h2_get("/", *[(name.lower(), value) for name, value in fields]))
        assert [client.status(stream) for stream in (1, 3, 5, 7)] == [401, 200, 401, 401]
    assert len(origin.requests) == 1


def test_a_grpc_call_hears_unauthenticated(weir, users):
    backend = GrpcOrigin("g").start()
    try:
        filters = {"auth": {"users": {"file": str(users)}}}
        running = weir(config_of(pool_of([backend], protocol="h2", health_check="off"),
                                 listener={"http2": True, "filters": filters}))
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
            one = channel.unary_unary("/test.Echo/One")
            with pytest.raises(grpc.RpcError) as refused:
                one(b"hello", timeout=10 * PATIENCE)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED
            assert one(b"hello", metadata=[("authorization", ALICE[1])], timeout=10 * PATIENCE) == b"hello"
        assert [call.get("authorization") for call in backend.calls] == [None]
    finally:
        backend.stop()


def test_a_client_that_half_closes_gets_its_answer(site):
    running, _ = site()
    with Connection(running.port) as client:
        client.send_request(headers=[ALICE])
        client.end()
        assert client.response().status == 200
