"""A flow is a client's address and port: it keeps its backend, ends when it is idle, and is in metrics and log."""

import contextlib

import pytest
from datagrams import Client, udp_config, udp_port, who
from waiting import HAS_IPV6, PATIENCE, eventually


def test_a_flow_stays_and_flows_are_spread(weir, echoes):
    running = weir(udp_config(*echoes("a", "b")))
    seen = []
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port)) for _ in range(10)]
        for client in clients:
            first = who(client.ask(b"1"))
            assert [who(client.ask(str(i).encode())) for i in range(5)] == [first] * 5
            seen.append(first)
    assert sorted(seen) == ["a"] * 5 + ["b"] * 5
    assert running.metric("weir_udp_flows_total", listener="udp") == 10
    assert running.metric("weir_udp_flows_active", listener="udp") == 10
    assert running.metric("weir_backend_connections_active", pool="udp") == 10
    for direction in ("client_in", "client_out", "backend_in", "backend_out"):
        eventually(lambda: running.metric("weir_udp_datagrams_total", direction=direction) == 60, 10, direction)


def test_an_idle_flow_ends_with_a_line_in_the_log(weir, echoes):
    idle_ms = 500 * PATIENCE
    running = weir(udp_config(*echoes("a"), listener={"timeouts": {"idle": f"{idle_ms}ms"}}))
    with Client(running.port) as client:
        assert client.ask(b"12345") == b"a 12345"
        eventually(lambda: running.metric("weir_udp_flows_active", listener="udp") == 0)
        (line,) = eventually(running.access_log)
        assert (line["client"], line["client_port"]) == ("127.0.0.1", client.socket.getsockname()[1])
        assert (line["listener"], line["pool"], line["backend"]) == ("udp", "udp", "a")
        assert (line["bytes_in"], line["bytes_out"], line["version"], line["attempts"]) == (5, 7, "UDP", 1)
        assert line["termination"] == "idle_timeout"
        assert line["duration_ms"] >= idle_ms and line["upstream_ms"] > 0
        assert client.ask(b"again") == b"a again"
    assert running.metric("weir_backend_connections_active", backend="a") == 1


def test_expected_responses_end_a_flow(weir, echoes):
    (echo,) = echoes("a", answer=lambda datagram: [datagram, datagram])
    running = weir(udp_config(echo, listener={"udp": {"expected_responses": 2}}))
    with Client(running.port) as client:
        for i in range(3):
            client.send(b"%d" % i)
            assert [client.receive(), client.receive()] == [b"%d" % i] * 2
        eventually(lambda: running.metric("weir_udp_flows_active", listener="udp") == 0)
    assert running.metric("weir_udp_flows_total", listener="udp") == 3
    eventually(lambda: [line["termination"] for line in running.access_log()] == ["ok"] * 3)


def test_no_response_expected(weir, echoes):
    a, b = echoes("a", "b", answer=lambda datagram: [])
    running = weir(udp_config(a, b, listener={"udp": {"expected_responses": 0}}))
    with Client(running.port) as client:
        for i in range(10):
            client.send(b"%d" % i)
            eventually(lambda: running.metric("weir_udp_flows_total", listener="udp") == i + 1)
    eventually(lambda: (len(a.received), len(b.received)) == (5, 5))
    eventually(lambda: running.metric("weir_udp_flows_active", listener="udp") == 0)


def test_a_question_without_an_answer_is_a_failure_of_the_backend(weir, echoes):
    (echo,) = echoes("a", answer=lambda datagram: [])
    running = weir(udp_config(echo, listener={"udp": {"expected_responses": 1}, "timeouts": {"idle": "100ms"}}))
    with Client(running.port) as client:
        client.send(b"?")
        (line,) = eventually(running.access_log)
    assert line["termination"] == "backend_timeout"


needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "127.1.2.3", pytest.param("::1", marks=needs_ipv6)])
def test_replies_come_from_the_address_that_was_asked(weir, echoes, host):
    port = udp_port()
    running = weir(udp_config(*echoes("a"), listener={"address": f"*:{port}"}))
    with Client(port, host=host) as client:
        assert client.ask() == b"a hello"
        assert client.ask(b"") == b"a "
    assert running.metric("weir_udp_flows_total", listener="udp") == 1


def test_one_port_at_two_addresses_is_two_flows(weir, echoes):
    port = udp_port()
    running = weir(udp_config(*echoes("a", "b"), listener={"address": f"*:{port}"}))
    with Client(port) as client:
        first = who(client.ask())
        client.to = ("127.0.0.2", port)
        assert who(client.ask()) != first
        client.to = ("127.0.0.1", port)
        assert who(client.ask()) == first
    assert running.metric("weir_udp_flows_active", listener="udp") == 2


@pytest.mark.skipif(not HAS_IPV6, reason="no IPv6 here")
def test_clients_of_both_families_on_one_listener_keep_their_flows(weir, echoes):
    port = udp_port()
    running = weir(udp_config(*echoes("a", "b"), port=port, listener={"address": f"*:{port}"}, workers=1))
    with Client(port) as v4, Client(port, host="::1") as v6:
        seen = {client: {client.ask() for _ in range(5)} for _ in range(5) for client in (v4, v6)}
        for _ in range(5):
            for client in (v6, v4):
                seen[client].add(client.ask())
    assert [len(backends) for backends in seen.values()] == [1, 1]
    assert running.metric("weir_udp_flows_total", listener="udp") == 2
