"""least_connections gives new work to the backend with the fewest requests in progress for its weight."""

import asyncio

import pytest
from client import get
from waiting import eventually
from weir import config_of, pool_of


@pytest.mark.multiworker
def test_while_one_backend_is_busy_the_other_gets_everything(weir, origins):
    slow, quick = origins("slow", "quick")
    release = asyncio.Event()

    async def hold(exchange):
        await release.wait()
        await exchange.respond()

    running = weir(config_of(pool_of([slow, quick], algorithm="least_connections")))
    running.wait_for_state("healthy", "slow", "quick")
    slow.behave = quick.behave = hold
    with running.connect() as first, running.connect() as second:
        first.send_request()
        eventually(lambda: slow.requests or quick.requests)
        second.send_request()
        eventually(lambda: len(slow.requests) == 1 and len(quick.requests) == 1, what="one request each")
        from origin import say_name
        from waiting import background

        quick.behave = say_name
        with running.connect() as third:
            third.send_request()  # to either: both have one
            eventually(lambda: len(slow.requests) + len(quick.requests) == 3)
        background.loop.call_soon_threadsafe(release.set)
        assert {first.response().status, second.response().status} == {200}


@pytest.mark.multiworker
def test_weights_share_the_requests_in_progress(weir, origins):
    heavy, light = origins("heavy", "light")
    release = asyncio.Event()

    async def hold(exchange):
        await release.wait()
        await exchange.respond()

    running = weir(config_of(pool_of([heavy, light], algorithm="least_connections", weights=[3, 1])))
    running.wait_for_state("healthy", "heavy", "light")
    heavy.behave = light.behave = hold
    connections = [running.connect() for _ in range(8)]
    for count, connection in enumerate(connections, 1):
        connection.send_request()
        eventually(lambda: len(heavy.requests) + len(light.requests) == count)
    assert (len(heavy.requests), len(light.requests)) == (6, 2)
    from waiting import background

    background.loop.call_soon_threadsafe(release.set)
    for connection in connections:
        assert connection.response().status == 200
        connection.close()


def test_an_idle_pool_is_spread_and_not_all_on_the_first(weir, origins):
    running = weir(config_of(pool_of(origins("a", "b", "c"), algorithm="least_connections")))
    running.wait_for_state("healthy", "a", "b", "c")
    names = [get(running.port).backend for _ in range(90)]
    assert min(names.count(name) for name in "abc") >= 10, {name: names.count(name) for name in "abc"}
