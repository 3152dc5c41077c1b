"""All strategies take UDP flows, and those that hash keep a client's address at one backend."""

import contextlib

import pytest
from datagrams import Client, udp_config, who

ALGORITHMS = ["round_robin", "weighted_round_robin", "least_connections", "p2c", "least_response_time", "random",
              "ip_hash", "consistent_hash", "maglev"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_flows_arrive(weir, echoes, algorithm):
    running = weir(udp_config(*echoes("a", "b", "c"), pool={"algorithm": algorithm}))
    # consistent_hash bounds the load of a backend, so that a client may meet its neighbour.
    hashes = algorithm in ("ip_hash", "maglev")
    seen = {}
    with contextlib.ExitStack() as stack:
        for i in range(30):
            source = f"127.0.3.{i % 15 + 1}"
            client = stack.enter_context(Client(running.port, source=source))
            seen.setdefault(source, []).append(who(client.ask()))
    assert len({name for names in seen.values() for name in names}) > 1
    if hashes:
        assert all(first == second for first, second in seen.values())


def test_least_connections_counts_flows(weir, echoes):
    running = weir(udp_config(*echoes("a", "b"), pool={"algorithm": "least_connections"},
                              listener={"timeouts": {"idle": "60s"}}))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port)) for _ in range(20)]
        names = [who(client.ask()) for client in clients]
    assert names.count("a") == names.count("b") == 10
