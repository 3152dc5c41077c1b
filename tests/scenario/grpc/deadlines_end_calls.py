"""grpc-timeout: the deadline of a call ends it, on both sides, whatever it waits for."""

import asyncio
import re

import grpc
import pytest

from grpc_origin import GrpcOrigin
from h2_origin import H2Origin
from h2_raw import CANCEL, RawH2, post
from waiting import PATIENCE, eventually
from weir import config_of, pool_of

CALL = [("content-type", "application/grpc"), ("te", "trailers")]
SOON = f"{1000 * PATIENCE}m"


@pytest.fixture
def calls(weir):
    """calls(behave) starts Weir in front of an HTTP/2 backend: (weir, backend)."""
    made = []

    def start(behave, backends=1, **pool):
        made.extend(H2Origin(f"h{i}", behave).start() for i in range(backends))
        site = pool_of(made, protocol="h2", health_check="off", **pool)
        return weir(config_of(site, listener={"http2": True})), *made

    yield start
    for backend in made:
        backend.stop()
    assert [fault for backend in made for fault in backend.faults] == []


async def never(call):
    await call.read_body()
    await asyncio.sleep(600)


def call(client, stream=1, *more, end=True):
    client.headers(stream, post("/test.Echo/One", *CALL, *more), end_stream=end)


def grpc_status(response):
    """Of trailers only or of trailers."""
    status, headers, _, trailers = response
    assert status == 200
    return dict(trailers or headers)["grpc-status"]


def counted(weir, status):
    return weir.metric("weir_grpc_requests_total", grpc_status=status, listener="web")


def test_nothing_was_answered(calls):
    weir, backend = calls(never)
    with RawH2(weir.port) as client:
        call(client, 1, ("grpc-timeout", SOON))
        response = client.response(1)
    assert grpc_status(response) == "4" and dict(response[1])["content-type"] == "application/grpc"
    assert dict(response[1])["grpc-message"] == "Deadline Exceeded"
    eventually(lambda: backend.calls and backend.calls[0].reset == CANCEL, 10, "the backend's stream is cancelled")
    assert counted(weir, "DEADLINE_EXCEEDED") == 1
    line = eventually(weir.access_log)[0]
    assert line["termination"] == "deadline"
    # The client chose the deadline: the backend has not failed.
    assert weir.admin("GET", "/backends/h0/health").json["failed_requests"] == 0


def test_half_an_answer_is_ended_by_trailers(calls):
    async def begin(call):
        await call.send_headers([(":status", "200"), ("content-type", "application/grpc")])
        await call.send(b"\0\0\0\0\5hello")
        await asyncio.sleep(600)

    weir, backend = calls(begin)
    with RawH2(weir.port) as client:
        call(client, 1, ("grpc-timeout", SOON), end=False)
        response = client.response(1)
    assert response[2] == b"\0\0\0\0\5hello" and grpc_status(response) == "4"
    eventually(lambda: backend.calls and backend.calls[0].reset == CANCEL)
    assert counted(weir, "DEADLINE_EXCEEDED") == 1


def test_what_the_client_does_not_take_is_reset(calls):
    async def flood(call):
        await call.send_headers([(":status", "200"), ("content-type", "application/grpc")])
        while True:
            await call.send(b"x" * 10_000)

    weir, backend = calls(flood)
    with RawH2(weir.port) as client:
        call(client, 1, ("grpc-timeout", SOON))
        assert client.reset_code(1) == CANCEL
        assert client.ping()
    eventually(lambda: backend.calls and backend.calls[0].reset == CANCEL)
    assert counted(weir, "DEADLINE_EXCEEDED") == 1


def test_a_body_that_never_ends(calls):
    weir, backend = calls(never)
    with RawH2(weir.port) as client:
        call(client, 1, ("grpc-timeout", SOON), end=False)
        client.data(1, b"\0\0\0\0\5he")
        assert grpc_status(client.response(1)) == "4"
        assert client.ping()
    eventually(lambda: backend.calls and backend.calls[0].reset == CANCEL)


def test_connecting_takes_too_long(weir):
    """Backends that nobody answers for: the deadline comes before the end of connecting."""
    import socket
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        pool = {"name": "site", "protocol": "h2", "health_check": "off", "retries": {"attempts": 2},
                "timeouts": {"connect": "60s"}, "backends": [f"127.0.0.1:{port}"]}
        running = weir(config_of(pool, listener={"http2": True}))
        with RawH2(running.port) as client:
            call(client, 1, ("grpc-timeout", SOON))
            assert grpc_status(client.response(1)) == "4"
        for one in waiting:
            one.close()


def test_retries_have_the_time_that_is_left(calls):
    """A refused stream is tried again; the time already spent is missing from what the next backend is told."""
    async def refuse_late(call):
        if not call.origin.calls[1:]:
            await asyncio.sleep(0.3 * PATIENCE)
            call.peer.h2.reset_stream(call.stream, 7)
            return await call.peer.flush()
        await call.respond(headers=[("content-type", "application/grpc")], trailers=[("grpc-status", "0")])

    weir, backend = calls(refuse_late)
    with RawH2(weir.port) as client:
        call(client, 1, ("grpc-timeout", f"{60 * PATIENCE}S"))
        assert grpc_status(client.response(1)) == "0"
    told = [milliseconds(one.get("grpc-timeout")) for one in backend.calls]
    assert len(told) == 2 and told[0] <= 60_000 * PATIENCE and told[1] <= told[0] - 250 * PATIENCE
    assert counted(weir, "OK") == 1


def milliseconds(value):
    count, unit = re.fullmatch(r"(\d{1,8})([HMSmun])", value).groups()
    return int(count) * {"H": 3_600_000, "M": 60_000, "S": 1000, "m": 1, "u": 1e-3, "n": 1e-6}[unit]


def test_the_deadline_goes_on_and_others_are_left_alone(calls):
    async def ok(call):
        await call.respond(headers=[("content-type", "application/grpc")], trailers=[("grpc-status", "0")])

    weir, backend = calls(ok)
    with RawH2(weir.port) as client:
        for stream, value in ((1, "99999999H"), (3, "2H")):
            call(client, stream, ("grpc-timeout", value))
            assert grpc_status(client.response(stream)) == "0"
        call(client, 5)
        assert grpc_status(client.response(5)) == "0"
        client.headers(7, post("/", ("grpc-timeout", "nonsense"), ("content-type", "text/plain")))
        assert client.status(7) == 200
    assert backend.calls[0].get("grpc-timeout") == "99999999H"
    assert 7_199_000 <= milliseconds(backend.calls[1].get("grpc-timeout")) <= 7_200_000
    assert backend.calls[2].get("grpc-timeout") is None
    assert backend.calls[3].get("grpc-timeout") == "nonsense"  # not gRPC: nobody's business here


@pytest.mark.parametrize("value", ["5", "5s", "123456789n", "-1S", "1 S", "S"])
def test_a_malformed_timeout_is_refused(calls, value):
    weir, backend = calls(never)
    with RawH2(weir.port) as client:
        call(client, 1, ("grpc-timeout", value))
        response = client.response(1)
    assert grpc_status(response) == "13" and "grpc-timeout" in dict(response[1])["grpc-message"]
    assert not backend.calls and counted(weir, "INTERNAL") == 1


def test_no_time_is_left(calls):
    weir, backend = calls(never)
    with RawH2(weir.port) as client:
        call(client, 1, ("grpc-timeout", "0n"))
        assert grpc_status(client.response(1)) == "4"
    assert not backend.calls


def test_calls_are_counted_by_status(weir):
    """With grpcio on both ends: by trailers, by trailers only, by errors of Weir, by cancelled calls."""
    backend = GrpcOrigin("g0").start()
    running = weir(config_of(pool_of([backend], protocol="h2", health_check="off", retries={"attempts": 0}),
                             listener={"http2": True}))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        patience = 10 * PATIENCE
        for _ in range(3):
            channel.unary_unary("/test.Echo/One")(b"x", timeout=patience)
        for request in (b"5", b"5", b"10"):
            with pytest.raises(grpc.RpcError):
                channel.unary_unary("/test.Echo/Fail")(request, timeout=patience)
        with pytest.raises(grpc.RpcError):
            channel.unary_unary("/test.Echo/Nowhere")(b"", timeout=patience)
        slow = channel.unary_unary("/test.Echo/Slow").future(b"60", timeout=60 * PATIENCE)
        eventually(lambda: len(backend.calls) == 7)
        slow.cancel()
        eventually(lambda: counted(running, "CANCELLED") == 1)
        backend.stop()
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary("/test.Echo/One")(b"x", timeout=patience)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    expected = {"OK": 3, "NOT_FOUND": 2, "ABORTED": 1, "UNIMPLEMENTED": 1, "UNAVAILABLE": 1}
    eventually(lambda: {status: counted(running, status) for status in expected} == expected)
    with RawH2(running.port) as plain:  # what is not gRPC is not counted
        plain.headers(1, post("/test.Echo/One"))
        assert plain.status(1) == 502
    assert running.metric("weir_grpc_requests_total") == sum(expected.values()) + 1
