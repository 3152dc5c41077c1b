"""gRPC with grpcio on both ends: unary and streaming both ways, metadata, deadlines, statuses, large messages."""

import grpc
import pytest

from grpc_origin import GrpcOrigin
from waiting import PATIENCE, eventually
from weir import config_of, pool_of

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture
def grpc_proxy(weir):
    """grpc_proxy(count) starts Weir in front of that many gRPC backends: (weir, channel, *backends)."""
    made, channels = [], []

    def start(count=1, **pool):
        backends = [GrpcOrigin(f"g{i}").start() for i in range(count)]
        made.extend(backends)
        site = pool_of(backends, protocol="h2", **pool)
        if "health_check" not in pool:
            site["health_check"] = "off"
        running = weir(config_of(site, listener={"http2": True}))
        channel = grpc.insecure_channel(f"127.0.0.1:{running.port}", OPTIONS)
        channels.append(channel)
        return running, channel, *backends

    yield start
    for channel in channels:
        channel.close()
    for backend in made:
        backend.stop()


def test_unary_with_metadata(grpc_proxy):
    _, channel, backend = grpc_proxy()
    answer, call = channel.unary_unary("/test.Echo/One").with_call(
        b"hello", metadata=(("x-tenant", "acme"), ("x-data-bin", b"\0\1\xff")), timeout=10 * PATIENCE)
    assert answer == b"hello"
    assert ("x-first", "yes") in call.initial_metadata()
    assert ("x-backend", "g0") in call.trailing_metadata()
    assert backend.calls[0]["x-tenant"] == "acme" and backend.calls[0]["x-data-bin"] == b"\0\1\xff"


def test_streams_both_ways(grpc_proxy):
    _, channel, _ = grpc_proxy()
    patience = {"timeout": 10 * PATIENCE}
    assert b"".join(channel.unary_stream("/test.Echo/Split")(b"abcdef", **patience)) == b"abcdef"
    assert channel.stream_unary("/test.Echo/Join")(iter([b"a", b"b", b"c"]), **patience) == b"abc"
    answers = channel.stream_stream("/test.Echo/Both")(iter([b"x", b"y"]), **patience)
    assert list(answers) == [b"X", b"Y"]


def test_a_stream_is_answered_message_by_message(grpc_proxy):
    """A response comes before the next request is sent: nothing waits for more bytes."""
    import queue
    _, channel, _ = grpc_proxy()
    requests = queue.Queue()
    answers = channel.stream_stream("/test.Echo/Both")(iter(requests.get, None), timeout=20 * PATIENCE)
    for word in (b"one", b"two", b"three"):
        requests.put(word)
        assert next(answers) == word.upper()
    requests.put(None)
    assert list(answers) == []


def test_large_messages(grpc_proxy):
    _, channel, backend = grpc_proxy()
    large = b"z" * 3_900_000
    assert channel.unary_unary("/test.Echo/One")(large, timeout=20 * PATIENCE) == large
    assert len(backend.calls) == 1


def test_statuses_come_through(grpc_proxy):
    _, channel, _ = grpc_proxy()
    for code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE):
        with pytest.raises(grpc.RpcError) as raised:
            channel.unary_unary("/test.Echo/Fail")(str(list(grpc.StatusCode).index(code)).encode(), timeout=10 * PATIENCE)
        assert (raised.value.code(), raised.value.details()) == (code, "as asked for")
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/test.Echo/Nowhere")(b"", timeout=10 * PATIENCE)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED  # trailers only


def test_a_deadline_reaches_the_backend(grpc_proxy):
    _, channel, backend = grpc_proxy()
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/test.Echo/Slow")(b"60", timeout=2 * PATIENCE)
    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    eventually(lambda: backend.cancelled, 10, "the backend's call is cancelled as well")


def test_calls_are_balanced_one_by_one(grpc_proxy):
    _, channel, *backends = grpc_proxy(3)
    one = channel.unary_unary("/test.Echo/One")
    for _ in range(9):
        one(b"x", timeout=10 * PATIENCE)
    assert [len(backend.calls) for backend in backends] == [3, 3, 3]


def test_errors_of_weir_have_a_grpc_status(grpc_proxy):
    running, channel, backend = grpc_proxy(retries={"attempts": 0})
    backend.stop()
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/test.Echo/One")(b"x", timeout=10 * PATIENCE)
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "Bad Gateway" in raised.value.details()
    config = {**running.config, "listeners": [{**running.config["listeners"][0], "pool": ""}]}
    config["listeners"][0].pop("pool")
    running.reload(config)
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/test.Echo/One")(b"x", timeout=10 * PATIENCE)
    assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_bad_statuses_count_as_failures(grpc_proxy):
    running, channel, _ = grpc_proxy(grpc={"fine_statuses": ["OK", "NOT_FOUND"]})
    fail = channel.unary_unary("/test.Echo/Fail")
    for code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED):
        with pytest.raises(grpc.RpcError):
            fail(str(list(grpc.StatusCode).index(code)).encode(), timeout=10 * PATIENCE)
    channel.unary_unary("/test.Echo/One")(b"x", timeout=10 * PATIENCE)
    eventually(lambda: running.admin("GET", "/backends/g0/health").json["failed_requests"] == 2)


def test_the_health_checker_asks_the_service(grpc_proxy):
    check = {"type": "grpc", "service": "test.Echo", "interval": f"{500 * PATIENCE}ms", "fast_interval": "100ms",
             "timeout": f"{500 * PATIENCE}ms", "healthy_threshold": 1, "unhealthy_threshold": 2}
    running, _, backend = grpc_proxy(health_check=check)
    running.wait_for_state("unhealthy", "g0")
    backend.serving["test.Echo"] = 2
    assert "NOT_SERVING" in eventually(
        lambda: running.admin("GET", "/backends/g0/health").json["last_check"]["error"] and
        [e for e in [running.admin("GET", "/backends/g0/health").json["last_check"]["error"]] if "NOT_SERVING" in e])[0]
    backend.serving["test.Echo"] = 1
    running.wait_for_state("healthy", "g0")


def test_metadata_beyond_the_limit_has_a_status_of_its_own(grpc_proxy):
    _, channel, backend = grpc_proxy()
    with pytest.raises(grpc.RpcError) as failed:
        channel.unary_unary("/test.Echo/One")(b"hello", metadata=(("x-large", "x" * 20_000),), timeout=10 * PATIENCE)
    assert failed.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not backend.calls
