"""A backend whose name has several addresses: flows spread over them, and one where nobody listens loses nothing."""

import contextlib

import pytest
from datagrams import Client, Echo, udp_config, who
from waiting import eventually

ADDRESSES = ["127.0.0.7", "127.0.0.8", "127.0.0.9"]
MANY = {"many.test": ADDRESSES}


@pytest.fixture
def echoes():
    """echoes(addresses): an echo that is called like its address on each, all on one port."""
    with contextlib.ExitStack() as stack:

        def start(addresses):
            first = Echo(addresses[0], host=addresses[0])
            stack.callback(first.stop)
            for address in addresses[1:]:
                other = Echo(address, host=address, port=first.port)
                stack.callback(other.stop)
            return first

        yield start


def many(port):
    """A configuration with one backend of that name."""
    config = udp_config(workers=1)
    config["pools"][0]["backends"] = [{"id": "many", "host": "many.test", "port": port}]
    return config


def ask_in_turn(running, count):
    """Who answers each of so many flows, which stay open, after one that waits until the name is known."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(Client(running.port)).ask_stubbornly()
        return [who(stack.enter_context(Client(running.port)).ask()) for _ in range(count)]


def test_flows_spread_over_the_addresses(knowing, echoes):
    running = knowing(many(echoes(ADDRESSES).port), MANY)
    answered = ask_in_turn(running, 12)
    assert {address: answered.count(address) for address in ADDRESSES} == dict.fromkeys(ADDRESSES, 4)


def test_addresses_where_nobody_listens_lose_nothing(knowing, echoes):
    config = many(echoes(ADDRESSES[1:2]).port)
    config["pools"][0]["retries"] = 0
    running = knowing(config, MANY)
    assert ask_in_turn(running, 12) == ADDRESSES[1:2] * 12
    assert running.metric("weir_backend_connections_active", backend="many") == 13
    assert running.metric("weir_retries_total") == 0, "another address of the same backend is no retry"
    assert running.metric("weir_backend_failures_total") == 0


def test_where_no_address_answers_the_backend_refuses(knowing, echoes):
    only = echoes(ADDRESSES[:1])
    config = many(only.port)
    only.stop()
    running = knowing(config, MANY)
    with Client(running.port) as client:

        def failed():
            client.send(b"?")
            return running.metric("weir_backend_failures_total", backend="many") > 0

        eventually(failed)
        assert client.is_silent()
    eventually(lambda: running.metric("weir_backend_connections_active", backend="many") == 0)
    assert running.metric("weir_udp_flows_active") == 0


def test_a_client_that_is_hashed_keeps_to_one_address(knowing, echoes):
    config = many(echoes(ADDRESSES).port)
    config["pools"][0]["algorithm"] = "ip_hash"
    running = knowing(config, MANY)
    assert len(set(ask_in_turn(running, 8))) == 1
