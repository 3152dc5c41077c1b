"""Ten thousand flows at once; and with more than max_flows the one that has been silent longest makes room."""

import contextlib
import select

from client import get
from datagrams import Client, udp_config, who
from waiting import PATIENCE, eventually
from weir import BINARY, Weir, config_of, pool_of

FLOWS = 10_000


def ask_all(port, numbers):
    """The backend of each number, asked from an address of its own: all of 127.0.0.0/8 is ours."""
    backends = {}
    with contextlib.ExitStack() as stack:
        waiting = {}
        for number in numbers:
            client = stack.enter_context(Client(port, source=f"127.1.{number // 200}.{number % 200 + 1}"))
            client.send(b"%d" % number)
            waiting[client.socket] = number, client
        while waiting:
            ready, _, _ = select.select(list(waiting), [], [], 5 * PATIENCE)
            assert ready, f"{len(waiting)} without an answer"
            for socket in ready:
                number, client = waiting.pop(socket)
                name, text = client.receive().split(b" ")
                assert text == b"%d" % number
                backends[number] = name
    return backends


def test_ten_thousand_flows(weir, echoes):
    running = weir(udp_config(*echoes("a", "b"), listener={"timeouts": {"idle": "300s"}}))
    before = running.resident_kb()
    backends = {}
    for batch in range(0, FLOWS, 200):
        backends |= ask_all(running.port, range(batch, batch + 200))
    assert running.metric("weir_udp_flows_active", listener="udp") == FLOWS
    assert running.metric("weir_udp_flows_evicted_total", listener="udp") == 0
    names = list(backends.values())
    assert names.count(b"a") == names.count(b"b") == FLOWS / 2
    if PATIENCE == 1:
        assert (running.resident_kb() - before) * 1024 / FLOWS < 2048


def test_the_oldest_flow_makes_room(weir, echoes):
    config = udp_config(*echoes("a", "b"), listener={"udp": {"max_flows": 4}}, workers=1)
    running = weir(config)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port)) for _ in range(6)]
        first = [who(client.ask()) for client in clients[:4]]
        assert first == ["a", "b", "a", "b"]
        clients[0].ask()  # not the oldest any more
        eventually(lambda: running.metric("weir_udp_datagrams_total", direction="client_out") == 5)
        assert [who(client.ask()) for client in clients[4:]] == ["a", "b"]
        assert running.metric("weir_udp_flows_evicted_total", listener="udp") == 2
        assert running.metric("weir_udp_flows_active", listener="udp") == 4
        assert [who(clients[i].ask()) for i in (0, 3)] == ["a", "b"]
        assert running.metric("weir_udp_flows_total", listener="udp") == 6
        eventually(lambda: len(running.access_log()) == 2)
        assert [line["client_port"] for line in running.access_log()] == [client.socket.getsockname()[1] for client in clients[1:3]]
        assert {line["termination"] for line in running.access_log()} == {"evicted"}


def test_a_backend_at_its_limit_takes_no_more(weir, echoes):
    a, b = echoes("a", "b")
    config = udp_config(a, b)
    config["pools"][0]["backends"][0]["max_connections"] = 1
    running = weir(config)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port)) for _ in range(5)]
        assert sorted(who(client.ask()) for client in clients) == ["a", "b", "b", "b", "b"]
        config["pools"][0]["backends"][1]["max_connections"] = 4
        running.reload(config)
        late = stack.enter_context(Client(running.port))
        late.send(b"no room")
        eventually(lambda: running.metric("weir_udp_datagrams_dropped_total", reason="no_backend") == 1)
        assert late.is_silent()


def test_flows_leave_descriptors_for_everything_else(tmp_path, echoes, origins):
    (echo,) = echoes("a")
    (origin,) = origins("web")
    few_files = tmp_path / "weir-with-few-files"
    few_files.write_text(f'#!/bin/sh\nulimit -n 300\nexec "{BINARY}" "$@"\n')
    few_files.chmod(0o755)
    udp = udp_config(echo, listener={"timeouts": {"idle": "300s"}})
    config = config_of(pool_of([origin]), workers=2)
    config["listeners"] += udp["listeners"]
    config["pools"] += udp["pools"]
    port = int(udp["listeners"][0]["address"].rpartition(":")[2])
    running = Weir(tmp_path, config, binary=str(few_files)).start()
    try:
        with contextlib.ExitStack() as stack:
            for number in range(400):
                client = stack.enter_context(Client(port))
                assert client.ask_stubbornly(b"%d" % number) == b"a %d" % number
            assert running.metric("weir_udp_flows_active", listener="udp") <= 150
            assert get(running.port).status == 200
        assert "half of the limit on open files" in running.log()
    finally:
        running.stop()
