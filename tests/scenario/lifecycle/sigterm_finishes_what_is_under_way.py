"""On SIGTERM a slow request still gets its whole answer, with Connection: close; nothing new is accepted; and what does
not end is cut after the drain timeout."""

import asyncio
import time

import pytest
from waiting import PATIENCE, background, eventually


def hold_until(release):
    async def hold(exchange):
        await release.wait()
        await exchange.respond(body=b"whole")

    return hold


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
def test_a_slow_request_is_finished(proxy, signal):
    import signal as signals

    release = asyncio.Event()
    running, origin = proxy(hold_until(release))
    with running.connect() as connection:
        connection.send_request()
        eventually(lambda: origin.requests)
        running.process.send_signal(getattr(signals, signal))
        eventually(lambda: running.admin("GET", "/health/ready").status == 503)
        running.settle()
        with pytest.raises((ConnectionRefusedError, ConnectionResetError)):
            running.connect().request()
        background.loop.call_soon_threadsafe(release.set)
        response = connection.response()
        assert (response.body, response.closes) == (b"whole", True)
        assert connection.is_closed()
    assert running.wait(10) == 0


def test_readiness_says_no_while_draining(proxy):
    release = asyncio.Event()
    running, origin = proxy(hold_until(release))
    with running.connect() as connection:
        connection.send_request()
        eventually(lambda: origin.requests)
        running.terminate()
        eventually(lambda: running.admin("GET", "/health/ready").status == 503)
        assert running.admin("GET", "/health").status == 503
        assert running.admin("GET", "/health/live").status == 200
        background.loop.call_soon_threadsafe(release.set)
        assert connection.response().status == 200


def test_idle_connections_do_not_hold_it_up(proxy):
    running, _ = proxy(drain_timeout="30s")
    connections = [running.connect() for _ in range(10)]
    for connection in connections[:5]:
        assert connection.request().status == 200
    begin = time.monotonic()
    running.terminate()
    assert running.wait(15) == 0
    assert time.monotonic() - begin < 10 * PATIENCE
    for connection in connections:
        connection.close()


def test_what_does_not_end_is_cut_after_the_drain_timeout(proxy):
    running, origin = proxy(hold_until(asyncio.Event()), drain_timeout="1s")
    with running.connect() as connection:
        connection.send_request()
        eventually(lambda: origin.requests)
        running.terminate()
        assert running.wait(8) == 0
    (line,) = running.access_log()
    assert line["termination"] == "drained" and "drain_timeout" in line["detail"], line
