"""gRPC with grpcio over TLS on both sides, and the checker that asks such backends for their health."""

import grpc
import pytest

from grpc_origin import GrpcOrigin
from tls_peers import TlsOrigin
from waiting import PATIENCE, eventually
from weir import config_of, pool_of

CHECK = {"type": "grpc", "service": "test.Echo", "interval": f"{500 * PATIENCE}ms", "fast_interval": "100ms",
         "timeout": f"{500 * PATIENCE}ms", "healthy_threshold": 1, "unhealthy_threshold": 2}


@pytest.fixture
def backend(authority):
    """A gRPC server with TLS."""
    server = GrpcOrigin("g0", authority.issue("IP:127.0.0.1")).start()
    yield server
    server.stop()


def pool_to(backend, authority, **pool):
    return pool_of([backend], **{"protocol": "h2", "health_check": CHECK, "tls": {"ca": str(authority.cert)}, **pool})


def last_error(running, backend="g0"):
    return running.admin("GET", f"/backends/{backend}/health").json["last_check"]["error"] or ""


def test_calls_and_health_pass_over_tls(weir, authority, backend):
    backend.serving["test.Echo"] = 1
    site = authority.issue("site.example")
    running = weir(config_of(pool_to(backend, authority),
                             listener={"protocol": "https", "tls": {"certificates": [site.files]}}))
    running.wait_for_state("healthy", "g0")
    credentials = grpc.ssl_channel_credentials(authority.cert.read_bytes())
    options = [("grpc.ssl_target_name_override", "site.example")]
    with grpc.secure_channel(f"127.0.0.1:{running.port}", credentials, options) as channel:
        assert channel.unary_unary("/test.Echo/One")(b"hello", timeout=20 * PATIENCE) == b"hello"
        answers = channel.stream_stream("/test.Echo/Both")(iter([b"x", b"y"]), timeout=20 * PATIENCE)
        assert list(answers) == [b"X", b"Y"]
    backend.serving["test.Echo"] = 2
    running.wait_for_state("unhealthy", "g0")
    assert "NOT_SERVING" in last_error(running)
    backend.serving["test.Echo"] = 1
    running.wait_for_state("healthy", "g0")


def test_a_certificate_of_nobody_known_is_unhealthy(weir, authority, backend):
    backend.serving["test.Echo"] = 1
    running = weir(config_of(pool_to(backend, authority, tls=True)))
    running.wait_for_state("unhealthy", "g0")
    assert "TLS handshake: " in last_error(running) and "certificate" in last_error(running)
    other = {**running.config, "pools": [pool_to(backend, authority, tls={"verify": False})]}
    running.reload(other)
    running.wait_for_state("healthy", "g0")


def test_a_backend_without_h2_is_unhealthy(weir, authority):
    with TlsOrigin(authority.issue("IP:127.0.0.1")) as origin:
        origin.name, origin.host = "one", "127.0.0.1"
        running = weir(config_of(pool_to(origin, authority)))
        running.wait_for_state("unhealthy", "one")
        eventually(lambda: "h2" in last_error(running, "one"), 10)


def test_a_plain_backend_is_unhealthy(weir, authority):
    server = GrpcOrigin("g0").start()
    try:
        server.serving["test.Echo"] = 1
        running = weir(config_of(pool_to(server, authority)))
        running.wait_for_state("unhealthy", "g0")
        assert "TLS handshake" in last_error(running)
    finally:
        server.stop()
