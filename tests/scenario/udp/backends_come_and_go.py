"""A backend that refuses loses its flows to another; one that drains or leaves the file keeps those that it has."""

import contextlib

import pytest
from datagrams import Client, udp_config, who
from waiting import PATIENCE, eventually

UDP_CHECK = {"type": "udp", "send": "ping", "interval": f"{500 * PATIENCE}ms", "timeout": f"{500 * PATIENCE}ms",
             "fast_interval": "100ms", "healthy_threshold": 1, "unhealthy_threshold": 2}


def test_nothing_is_lost_when_a_backend_was_never_there(weir, echoes):
    a, b = echoes("a", "b")
    a.stop()
    running = weir(udp_config(a, b))
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            assert who(stack.enter_context(Client(running.port)).ask()) == "b"
    assert running.metric("weir_retries_total", pool="udp") >= 1
    assert running.metric("weir_backend_connections_active", backend="a") == 0


def test_two_flows_that_are_refused_eject_the_backend(weir, echoes):
    a, b = echoes("a", "b")
    a.stop()
    config = udp_config(a, b)
    config["pools"][0]["passive"] = {"ejection": {"base": "60s"}}
    running = weir(config)
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            assert who(stack.enter_context(Client(running.port)).ask()) == "b"
    assert running.metric("weir_backend_ejections_total", backend="a", reason="connect") == 1
    assert running.admin("GET", "/backends/a/health").json["failed_requests"] == 2


def test_a_killed_backend_loses_its_flows_to_the_other(weir, echoes):
    a, b = echoes("a", "b")
    running = weir(udp_config(a, b))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port)) for _ in range(10)]
        before = [who(client.ask()) for client in clients]
        assert before.count("a") == 5
        a.stop()
        assert {who(client.ask_stubbornly()) for client in clients} == {"b"}
        stayed = [client for client, name in zip(clients, before) if name == "b"]
        ports = {client.socket.getsockname()[1] for client in stayed}
        lines = eventually(lambda: [line for line in running.access_log() if line["backend"] == "a"])
        assert not ports & {line["client_port"] for line in running.access_log()}
        assert {line["termination"] for line in lines} == {"backend_refused"}
        a.start()


def test_without_any_backend_datagrams_are_dropped_and_counted(weir, echoes):
    (a,) = echoes("a")
    a.stop()
    running = weir(udp_config(a))
    with Client(running.port) as client:
        client.send(b"?")
        assert client.is_silent()
        a.start()
        assert who(client.ask_stubbornly()) == "a"
    assert running.metric("weir_backend_connections_active", backend="a") == 1


def test_a_draining_backend_keeps_its_flows(weir, echoes):
    running = weir(udp_config(*echoes("a", "b")))
    with Client(running.port) as one, Client(running.port) as two:
        clients = {who(one.ask()): one, who(two.ask()): two}
        assert running.admin("POST", "/backends/a/drain").status == 200
        running.wait_for_state("draining", "a", pool="udp")
        with contextlib.ExitStack() as stack:
            eventually(lambda: who(stack.enter_context(Client(running.port)).ask()) == "b")
            assert {who(stack.enter_context(Client(running.port)).ask()) for _ in range(8)} == {"b"}
        assert who(clients["a"].ask()) == "a"
        assert running.metric("weir_backend_connections_active", backend="a") == 1


@pytest.mark.parametrize("operation", ["drain", "disable"])
def test_the_drain_timeout_moves_what_is_left(weir, echoes, operation):
    running = weir(udp_config(*echoes("a", "b"), pool={"drain_timeout": "300ms"}))
    with Client(running.port) as one, Client(running.port) as two:
        clients = {who(one.ask()): one, who(two.ask()): two}
        assert running.admin("POST", f"/backends/a/{operation}").status == 200
        eventually(lambda: running.metric("weir_backend_connections_active", backend="a") == 0)
        assert who(clients["a"].ask()) == "b"


def test_a_backend_that_is_silent_and_unhealthy_loses_its_flows(weir, echoes):
    a, b = echoes("a", "b")
    running = weir(udp_config(a, b, pool={"health_check": UDP_CHECK}))
    running.wait_for_state("healthy", "a", "b", pool="udp")
    with Client(running.port) as one, Client(running.port) as two:
        clients = {who(one.ask()): one, who(two.ask()): two}
        answer = a.answer
        a.answer = lambda datagram: [] if datagram == b"ping" else answer(datagram)
        running.wait_for_state("unhealthy", "a", pool="udp")
        running.settle(2.5)
        assert who(clients["a"].ask()) == "a", "it answers"
        a.answer = lambda datagram: []
        assert who(clients["a"].ask_stubbornly()) == "b"
        assert who(clients["b"].ask()) == "b"
    assert [line["termination"] for line in eventually(running.access_log)] == ["backend_unhealthy"]


def test_a_backend_taken_out_of_the_file_keeps_its_flows(weir, echoes):
    a, b = echoes("a", "b")
    running = weir(udp_config(a, b))
    with Client(running.port) as one, Client(running.port) as two:
        clients = {who(one.ask()): one, who(two.ask()): two}
        running.reload(udp_config(b, port=running.port))
        assert who(clients["a"].ask()) == "a"
        with Client(running.port) as new:
            assert who(new.ask()) == "b"


def test_probes_with_datagrams_take_a_backend_out(weir, echoes):
    a, b = echoes("a", "b")
    check = {**UDP_CHECK, "expected_hex": "20 70 69 6e 67"}
    running = weir(udp_config(a, b, pool={"health_check": check}))
    running.wait_for_state("healthy", "a", "b", pool="udp")
    a.answer = lambda datagram: [b"something else"]
    running.wait_for_state("unhealthy", "a", pool="udp")
    with contextlib.ExitStack() as stack:
        assert {who(stack.enter_context(Client(running.port)).ask()) for _ in range(6)} == {"b"}
    b.stop()
    running.wait_for_state("unhealthy", "b", pool="udp")
    assert "receive: refused" in running.admin("GET", "/backends/b/health").text
    b.start()
    running.wait_for_state("healthy", "b", pool="udp")
