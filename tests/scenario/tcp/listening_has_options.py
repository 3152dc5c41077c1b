"""Ranges of ports and several addresses, and the options of listening sockets."""

import socket
import subprocess

import pytest
from client import Connection
from tcp_backend import tcp_config, tcp_pool
from waiting import HAS_IPV6, eventually, free_port, free_range


def echoes(port, host="127.0.0.1"):
    with Connection(port, host) as connection:
        connection.send(b"x")
        return connection.read_exactly(1) == b"x"


@pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")
def test_a_range_of_ports_and_several_addresses(weir, backends):
    (one,) = backends("one")
    first, other, v6 = free_range(11), free_port(), free_port(socket.AF_INET6)
    addresses = [f"127.0.0.1:{first}-{first + 9}", f"127.0.0.2:{other}", f"[::1]:{v6}"]
    running = weir(tcp_config(tcp_pool(one), listener={"address": addresses}))
    assert all(echoes(port) for port in range(first, first + 10))
    assert echoes(other, "127.0.0.2") and echoes(v6, "::1")
    assert not running.is_open(other) and not running.is_open(first + 10)
    listener = running.config["listeners"][0]
    running.reload({**running.config, "listeners": [{**listener, "address": f"127.0.0.1:{first}-{first + 4}"}]})
    assert all(echoes(port) for port in range(first, first + 5))
    eventually(lambda: not running.is_open(first + 7), 5)


def test_options_may_be_set_and_changed(weir, backends):
    (one,) = backends("one")
    options = {"backlog": 100, "reuse_port": False, "tcp_fastopen": 16, "defer_accept": "2s", "tcp_keepalive": "30s"}
    running = weir(tcp_config(tcp_pool(one), listener={"socket": options}, workers=2))
    assert all(echoes(running.port) for _ in range(20))
    shown = subprocess.run(["ss", "-Hltn", f"sport = {running.port}"], capture_output=True, text=True).stdout.split("\n")
    assert len([line for line in shown if line]) == 1, "one socket for both workers"
    assert shown[0].split()[2] == "100"
    listener = running.config["listeners"][0]
    with running.connect() as connection:
        connection.send(b"a")
        assert connection.read_exactly(1) == b"a"
        ask = ["ss", "-Htno", f"sport = {running.port}"]
        eventually(lambda: "timer:(keepalive" in subprocess.run(ask, capture_output=True, text=True).stdout)
        running.reload({**running.config, "listeners": [{**listener, "socket": {"backlog": 200}}]})
        connection.send(b"b")
        assert connection.read_exactly(1) == b"b"
    assert all(echoes(running.port) for _ in range(20))


def test_a_deferred_connection_reaches_the_backend_with_its_first_bytes(weir, backends):
    (one,) = backends("one")
    running = weir(tcp_config(tcp_pool(one, health_check="off"), listener={"socket": {"defer_accept": "60s"}}))
    with running.connect() as connection:
        running.settle()
        assert running.metric("weir_connections_total", listener="web") == 0
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
    assert one.accepted == 1


def test_transparent_needs_a_capability_and_then_shows_the_client(weir, backends):
    import os

    seen = []

    async def look(connection):
        seen.append(connection.writer.get_extra_info("peername")[0])
        await connection.send(b"y")

    (one,) = backends("one", behave=look)
    running = weir(tcp_config(tcp_pool(one, health_check="off")))
    config = {**running.config, "pools": [{**running.config["pools"][0], "transparent": True}]}
    probe = socket.socket()
    try:
        probe.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
        allowed = True
    except PermissionError:
        allowed = False
    finally:
        probe.close()
    if allowed:
        running.reload(config)
        client = socket.create_connection(("127.0.0.1", running.port), 10, source_address=("127.0.0.77", 0))
        assert client.recv(1) == b"y"
        client.close()
        assert seen[-1] == "127.0.0.77"
    else:
        assert os.geteuid() != 0
        import yaml

        running.reload_text(yaml.safe_dump({"admin": {"listen": f"127.0.0.1:{running.admin_port}"}, **config}))
        assert "CAP_NET_ADMIN" in running.log()
