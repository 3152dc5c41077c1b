"""A backend that still answers but says it is not well gets no new work, and is used again when it is."""

from client import get
from weir import config_of, pool_of


def test_it_leaves_and_returns(weir, origins):
    a, b = origins("a", "b")
    running = weir(config_of(pool_of([a, b])))
    running.wait_for_state("healthy", "a", "b")
    b.healthy = False
    running.wait_for_state("unhealthy", "b")
    assert {get(running.port).backend for _ in range(10)} == {"a"}
    b.healthy = True
    running.wait_for_state("healthy", "b")
    assert {get(running.port).backend for _ in range(10)} == {"a", "b"}


def test_a_request_under_way_is_not_cut_when_its_backend_turns_unhealthy(weir, origins):
    import asyncio

    from waiting import background, eventually

    a, b = origins("a", "b")
    release = asyncio.Event()

    async def hold(exchange):
        await release.wait()
        await exchange.respond()

    b.behave = hold
    running = weir(config_of(pool_of([a, b])))
    running.wait_for_state("healthy", "a", "b")
    with running.connect() as first, running.connect() as second:
        first.send_request()
        second.send_request()
        eventually(lambda: len(b.requests) == 1)
        b.healthy = False
        running.wait_for_state("unhealthy", "b")
        background.loop.call_soon_threadsafe(release.set)
        assert {first.response().backend, second.response().backend} == {"a", "b"}
