"""`allow` and `deny` refuse clients with 403, on the listener or one route; `deny` wins, and trusted proxies name the client."""

import grpc
import pytest
from client import Connection
from grpc_origin import GrpcOrigin
from h2_raw import RawH2, get
from waiting import PATIENCE, eventually
from weir import config_of, pool_of

NOBODY = {"deny": {"addresses": ["0.0.0.0/0", "::/0"]}}
HERE = {"allow": {"addresses": ["127.0.0.1"]}}
THERE = {"allow": {"addresses": ["192.0.2.0/24"]}}


def status(running, target="/", source=None, **fields):
    with Connection(running.port, source=source) as client:
        return client.request(target=target, headers=[(k.replace("_", "-"), v) for k, v in fields.items()]).status


def test_only_clients_that_allow_names_come_in(proxy):
    running, origin = proxy(listener={"filters": {"allow": {"addresses": ["127.0.0.2", "127.0.1.0/24"]}}})
    assert [status(running, source=f"127.0.{last}") for last in ("0.2", "1.9", "0.1", "0.3")] == [200, 200, 403, 403]
    assert len(origin.requests) == 2


def test_deny_goes_before_allow(proxy):
    filters = {"allow": {"addresses": ["127.0.0.0/8"]}, "deny": {"addresses": ["127.0.0.2"]}}
    running, _ = proxy(listener={"filters": filters})
    assert [status(running, source=f"127.0.0.{last}") for last in (1, 2)] == [200, 403]


def test_a_route_has_its_own_or_none(proxy):
    routes = [{"match": {"path_prefix": "/open"}, "pool": "site", "filters": {"deny": "off"}},
              {"match": {"path_prefix": "/some"}, "pool": "site", "filters": {"deny": {"addresses": ["127.0.0.9"]}}},
              {"match": {"path_prefix": "/more"}, "pool": "site", "filters": THERE}]
    running, origin = proxy(listener={"filters": {"deny": {"addresses": ["127.0.0.1"]}}, "routes": routes})
    assert [status(running, path) for path in ("/", "/open", "/some", "/more")] == [403, 200, 200, 403]
    # The route adds `allow` to the listener's `deny`.
    assert [status(running, path, "127.0.0.9") for path in ("/", "/open", "/some", "/more")] == [200, 200, 403, 403]
    assert len(origin.requests) == 4


def test_the_refusal_says_why_to_people_and_to_the_log(proxy):
    running, _ = proxy(listener={"filters": NOBODY})
    with running.connect() as client:
        refused = client.request()
        assert client.request().status == 403, "the connection goes on"
    assert (refused.status, refused.backend) == (403, None)
    assert b"not allowed from this address" in refused.body
    line = eventually(running.access_log)[0]
    assert (line["status"], line["termination"]) == (403, "denied")
    assert line["detail"] == "the client is among the addresses of filters.deny"
    assert running.metric("weir_http_errors_total", reason="denied") == 2


@pytest.mark.parametrize("action", [{"redirect": {"to": "/new"}}, {"respond": {"status": 200}}], ids=["redirect", "respond"])
def test_answers_of_routes_are_guarded_as_well(proxy, action):
    running, _ = proxy(listener={"routes": [{"match": {"path": "/x"}, **action, "filters": NOBODY},
                                            {"match": {"path": "/y"}, **action}]})
    assert status(running, "/x") == 403
    assert status(running, "/y") in (200, 302)


def test_a_redirect_to_https_is_guarded_by_the_listener(weir, origins):
    config = config_of(pool_of(origins("one")), listener={"redirect_to_https": 443, "filters": NOBODY})
    del config["listeners"][0]["pool"]
    assert status(weir(config)) == 403


def test_behind_trusted_proxies_the_client_counts_that_they_name(proxy):
    running, _ = proxy(listener={"filters": THERE, "trusted_proxies": ["127.0.0.1"]})
    assert status(running, X_Forwarded_For="192.0.2.7") == 200
    assert status(running, X_Forwarded_For="192.0.2.7, 198.51.100.1") == 403, "the last one is the client"
    assert status(running, X_Forwarded_For="198.51.100.1") == 403
    assert status(running, X_Forwarded_For="::ffff:192.0.2.7") == 200, "an address of IPv4, written as one of IPv6"
    assert status(running) == 403, "the proxy itself"
    assert status(running, source="127.0.0.2", X_Forwarded_For="192.0.2.7") == 403, "not trusted"


def test_what_clients_say_of_themselves_does_not_count(proxy):
    running, _ = proxy(listener={"filters": {**HERE, "deny": {"addresses": ["127.0.0.2"]}}})
    for name in ("X_Forwarded_For", "X_Real_IP", "Forwarded"):
        value = "for=127.0.0.1" if name == "Forwarded" else "127.0.0.1"
        assert status(running, source="127.0.0.2", **{name: value}) == 403


def test_over_http2(proxy):
    running, origin = proxy(listener={"http2": True, "filters": NOBODY})
    with RawH2(running.port) as client:
        client.headers(1, get())
        client.headers(3, get())
        assert [client.status(stream) for stream in (1, 3)] == [403, 403]
    assert origin.requests == []


def test_a_grpc_call_hears_permission_denied(weir):
    backend = GrpcOrigin("g").start()
    try:
        pool = pool_of([backend], protocol="h2", health_check="off")
        running = weir(config_of(pool, listener={"http2": True, "filters": NOBODY}))
        with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel, pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/test.Echo/One")(b"hello", timeout=10 * PATIENCE)
        assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
        assert refused.value.details() == "Forbidden: Access is not allowed from this address."
        assert backend.calls == []
    finally:
        backend.stop()
