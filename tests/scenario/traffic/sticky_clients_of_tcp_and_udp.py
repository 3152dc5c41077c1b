"""Stickiness by address holds for connections and flows as for requests; cookies and headers are not theirs."""

import contextlib
import subprocess

import pytest
from client import Connection
from datagrams import Client, Echo, udp_config, who
from tcp_backend import TcpBackend, tcp_config, tcp_pool
from waiting import eventually
from weir import BINARY

BY_ADDRESS = {"type": "source_ip"}
SOURCES = [f"127.0.1.{last}" for last in range(1, 13)]


async def say_name(connection):
    await connection.send(connection.backend.name.encode())
    await connection.reader.read(-1)


@pytest.fixture
def tcp_three():
    backends = [TcpBackend(name, say_name).start() for name in "abc"]
    yield backends
    for backend in backends:
        backend.break_all()
        backend.stop()


@pytest.fixture
def udp_three():
    with contextlib.ExitStack() as stack:
        echoes = [Echo(name) for name in "abc"]
        for echo in echoes:
            stack.callback(echo.stop)
        yield echoes


def over_tcp(running, source):
    with Connection(running.port, source=source) as connection:
        return connection.read_exactly(1).decode()


def over_udp(running, source):
    with Client(running.port, source=source) as client:
        return who(client.ask())


def refuses(port):
    try:
        Connection(port).close()
    except ConnectionRefusedError:
        return True
    return False


def check(ask, running):
    homes = {source: ask(running, source) for source in SOURCES}
    assert set(homes.values()) == {"a", "b", "c"}, "clients spread"
    for _ in range(4):
        assert {source: ask(running, source) for source in SOURCES} == homes
    return homes


def test_tcp_connections(weir, tcp_three):
    pool = tcp_pool(*tcp_three, sticky=BY_ADDRESS, health_check="off", algorithm="round_robin")
    running = weir(tcp_config(pool))
    homes = check(over_tcp, running)
    # One that goes moves its own clients only.
    config = {**running.config, "pools": [{**pool, "backends": pool["backends"][1:]}]}
    running.reload(config)
    after = {source: over_tcp(running, source) for source in SOURCES}
    moved = [source for source in SOURCES if after[source] != homes[source]]
    assert {source for source in SOURCES if homes[source] == "a"} <= set(moved)
    assert len(moved) < len(SOURCES)


def test_a_refused_connection_goes_elsewhere(weir, tcp_three):
    pool = tcp_pool(*tcp_three, sticky=BY_ADDRESS, health_check="off", algorithm="round_robin")
    running = weir(tcp_config(pool))
    homes = {source: over_tcp(running, source) for source in SOURCES}
    tcp_three[0].stop()
    eventually(lambda: refuses(tcp_three[0].port))
    for source in SOURCES:
        served = over_tcp(running, source)
        assert served != "a" and (homes[source] == "a" or served == homes[source])


def test_udp_flows(weir, udp_three):
    check(over_udp, weir(udp_config(*udp_three, pool={"sticky": BY_ADDRESS, "algorithm": "round_robin"})))


def test_a_full_backend_lets_flows_go_elsewhere(weir, udp_three):
    config = udp_config(*udp_three, pool={"sticky": BY_ADDRESS})
    for backend in config["pools"][0]["backends"]:
        backend["max_connections"] = 1
    running = weir(config)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(running.port, source=SOURCES[0])) for _ in range(3)]
        assert sorted(who(client.ask()) for client in clients) == ["a", "b", "c"]


@pytest.mark.parametrize("sticky", [{"type": "cookie"}, {"type": "header", "name": "x-session"}])
def test_what_requests_carry_is_refused(weir, tcp_three, sticky):
    pool = tcp_pool(*tcp_three, health_check="off")
    running = weir(tcp_config(pool))
    running.write_config({**running.config, "pools": [{**pool, "sticky": sticky}]})
    done = subprocess.run([BINARY, "check", "--config", running.config_path], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert f"'{sticky['type']}' knows clients by their HTTP requests, which the tcp listener 'web' does not see" in said
