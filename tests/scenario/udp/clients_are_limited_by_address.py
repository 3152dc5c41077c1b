"""Whose datagrams begin flows, how many flows a client may have, and how quickly new ones may come."""

import contextlib

import pytest
from datagrams import Client, udp_config, who
from waiting import PATIENCE, eventually


def dropped(running, reason):
    return running.metric("weir_udp_datagrams_dropped_total", reason=reason)


@pytest.fixture
def behind(weir, echoes):
    """behind(**listener): Weir with such a UDP listener in front of one echo."""

    def start(**listener):
        return weir(udp_config(*echoes("a"), listener=listener))

    return start


def reload_with(running, **listener):
    running.reload({**running.config, "listeners": [{**running.config["listeners"][0], **listener}]})


def send_from(running, source, count=1):
    """So many datagrams, each from a port of its own: a port that is closed too early may be the next one's."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(Client(running.port, source=source)).send(b"hello")


def serves(running, source):
    with Client(running.port, source=source) as client:
        return client.ask() == b"a hello"


def test_denied_clients_are_not_heard(behind):
    running = behind(deny=["127.0.0.2"])
    assert serves(running, "127.0.0.1")
    send_from(running, "127.0.0.2", 3)
    eventually(lambda: dropped(running, "denied") == 3)
    assert running.metric("weir_udp_flows_total") == 1
    reload_with(running, deny=[])
    assert serves(running, "127.0.0.2")


def test_only_allowed_clients_are_heard(behind):
    running = behind(allow=["127.0.0.0/30", "192.0.2.0/24"], deny=["127.0.0.3"])
    assert serves(running, "127.0.0.2")
    send_from(running, "127.0.0.3")
    send_from(running, "127.0.0.4")
    eventually(lambda: dropped(running, "denied") == 2)


def test_flows_that_have_begun_outlive_a_denial(behind):
    running = behind()
    with Client(running.port) as client:
        assert who(client.ask()) == "a"
        reload_with(running, deny=["127.0.0.0/8"])
        assert who(client.ask()) == "a"
        send_from(running, "127.0.0.1")
        eventually(lambda: dropped(running, "denied") == 1)


def test_a_client_has_so_many_flows(behind):
    running = behind(limits={"connections_per_client": 3}, udp={"max_flows": 1000}, timeouts={"idle": "2s"})
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port)) for _ in range(3)]
        for client in clients:
            client.ask()
        send_from(running, "127.0.0.1", 50)
        eventually(lambda: dropped(running, "client_connections") == 50)
        assert running.metric("weir_udp_flows_active") == 3
        assert serves(running, "127.0.0.2"), "each client has a share of its own"
        eventually(lambda: running.metric("weir_udp_flows_active") == 0, 20)
        assert serves(running, "127.0.0.1"), "ended flows do not count"


def test_flows_that_find_no_backend_do_not_count(behind):
    running = behind(limits={"connections_per_client": 1})
    pool = running.config["pools"][0]
    running.reload({**running.config, "pools": [{**pool, "backends": []}]})
    for number in range(1, 6):  # one after the other: for a moment each is the client's only flow
        send_from(running, "127.0.0.1")
        eventually(lambda: dropped(running, "no_backend") == number)
    running.reload({**running.config, "pools": [pool]})
    assert serves(running, "127.0.0.1")


def test_new_flows_of_a_client_come_at_a_rate(behind):
    running = behind(limits={"client_connection_rate": 5})
    send_from(running, "127.0.0.1", 40)
    eventually(lambda: dropped(running, "client_rate") + running.metric("weir_udp_flows_total") == 40)
    assert 5 <= running.metric("weir_udp_flows_total") < 40
    assert serves(running, "127.0.0.2")


def test_new_flows_of_a_listener_come_at_a_rate(behind):
    running = behind(limits={"connection_rate": 5})
    for last in range(1, 41):
        send_from(running, f"127.0.0.{last}")
    eventually(lambda: dropped(running, "rate") + running.metric("weir_udp_flows_total") == 40)
    assert 5 <= running.metric("weir_udp_flows_total") < 40
    with Client(running.port) as client:
        client.ask_stubbornly()


def test_refused_clients_cost_no_memory(behind):
    running = behind(limits={"connections_per_client": 1}, deny=["127.3.0.0/16"])
    sent = 0

    def be_refused(rounds):
        nonlocal sent
        for number in range(rounds):
            # As many as the socket's buffer holds, however slow everything is.
            send_from(running, "127.0.0.1", 50)
            for last in range(50):
                send_from(running, f"127.3.{number % 250}.{last}")
            sent += 100
            eventually(lambda: dropped(running, "client_connections") + dropped(running, "denied") == sent)

    with Client(running.port) as client:
        client.ask()
        be_refused(10)
        before = running.resident_kb()
        be_refused(60)
        if PATIENCE == 1:  # a sanitizer keeps what is freed
            assert running.resident_kb() - before < 512
        assert running.metric("weir_udp_flows_total") == 1
