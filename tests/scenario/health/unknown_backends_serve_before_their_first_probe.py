"""A backend that was just added takes traffic at once: until a probe ends its state is unknown, which is eligible."""

import asyncio

from client import get
from weir import HEALTH_CHECK, config_of, pool_of


def test_requests_do_not_wait_for_the_first_probe(weir, origins):
    async def probes_hang(exchange):
        if exchange.request.target == "/slow-health":
            await asyncio.sleep(5)
        await exchange.respond()

    (origin,) = origins("one", behave=probes_hang)
    check = {**HEALTH_CHECK, "path": "/slow-health", "timeout": "4s", "interval": "10s"}
    running = weir(config_of(pool_of([origin], health_check=check)))
    assert get(running.port).status == 200
    assert running.state("one") == "unknown"
