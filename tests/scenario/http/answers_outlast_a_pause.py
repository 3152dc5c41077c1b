"""A Weir that stood still (stopped, migrated, starved) goes on with what has arrived meanwhile: the deadlines that passed
were not missed by the peers."""

import asyncio
import contextlib
import signal
import time

from waiting import PATIENCE, background, eventually


def test_responses_that_came_while_weir_was_stopped_are_forwarded(proxy):
    release = asyncio.Event()

    async def hold(exchange):
        await release.wait()
        await exchange.respond(body=b"whole")

    running, origin = proxy(hold, pool={"timeouts": {"response": f"{PATIENCE}s"}}, workers=1)
    with contextlib.ExitStack() as connections:
        clients = [connections.enter_context(running.connect()) for _ in range(20)]
        for client in clients:
            client.send_request("POST", body=b"some")
        eventually(lambda: len(origin.requests) == len(clients))
        running.process.send_signal(signal.SIGSTOP)
        try:
            background.loop.call_soon_threadsafe(release.set)
            time.sleep(1.3 * PATIENCE)  # the deadlines of all of them pass
        finally:
            running.process.send_signal(signal.SIGCONT)
        assert [client.response().status for client in clients] == [200] * len(clients)
