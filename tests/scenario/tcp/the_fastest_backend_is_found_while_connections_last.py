"""least_response_time goes by the first bytes of connections and flows that go on, not by those that have ended."""

import asyncio
import contextlib
import time

import pytest
from datagrams import Client, Echo, udp_config, who
from tcp_backend import tcp_config, tcp_pool
from waiting import eventually

SLOW = 1.0


def answering(server_speaks_first, seconds):
    """Says its name at once, or when it is asked."""

    async def behave(connection):
        if not server_speaks_first:
            await connection.reader.readexactly(1)
        await asyncio.sleep(seconds)
        await connection.send(connection.backend.name.encode())
        await connection.reader.read(-1)

    return behave


@pytest.mark.parametrize("first", ["server", "client"])
def test_of_open_tcp_connections(weir, backends, first):
    (slow,) = backends("s", behave=answering(first == "server", SLOW))
    (fast,) = backends("f", behave=answering(first == "server", 0))
    running = weir(tcp_config(tcp_pool(slow, fast, algorithm="least_response_time", health_check="off")))
    with contextlib.ExitStack() as stack:

        def served_by(wait=0):
            connection = stack.enter_context(running.connect())
            time.sleep(wait)
            if first == "client":
                connection.send(b"?")
            return connection.read_exactly(1)

        # A backend that nothing is known of gets one connection; what the client takes to speak is not the backend's.
        assert sorted(served_by(2 * SLOW if first == "client" else 0) for _ in range(2)) == [b"f", b"s"]
        eventually(lambda: running.metric("weir_upstream_duration_seconds_count") == 2)
        assert [served_by() for _ in range(5)] == [b"f"] * 5


def test_of_open_udp_flows(weir, echoes):
    def late(datagram):
        time.sleep(SLOW)
        return [b"s " + datagram]

    (slow,) = echoes("s", answer=late)
    (fast,) = echoes("f")
    running = weir(udp_config(slow, fast, pool={"algorithm": "least_response_time"}, workers=1))
    with contextlib.ExitStack() as stack:
        names = [who(stack.enter_context(Client(running.port)).ask()) for _ in range(7)]
    assert sorted(names[:2]) == ["f", "s"]
    assert names[2:] == ["f"] * 5


@pytest.fixture
def echoes():
    started = []

    def start(name, **settings):
        started.append(Echo(name, **settings))
        return started[-1:]

    yield start
    for echo in started:
        echo.stop()
