"""Everything goes wrong at once: backends crash, hang, flap and answer garbage, Weir is reconfigured, clients leave. Every
answer that a client gets is its own and whole; afterwards all is as before. `./dev chaos [seconds] [seed]` runs it for
longer, or again as it was."""

import asyncio
import os
import sys

import pytest

from chaos import Operator, World
from waiting import PATIENCE, background, eventually

SECONDS = float(os.environ.get("WEIR_CHAOS_SECONDS", 50 if PATIENCE == 1 else 25))
SEED = int(os.environ.get("WEIR_CHAOS_SEED", 1))


@pytest.fixture
def world():
    made = World(SEED).start()
    yield made
    made.stop()


def report(world):
    good, errors = dict(world.tally.good), dict(world.tally.errors)
    print(f"chaos: seed {SEED}, {SECONDS} s; good {good}; errors {errors}", file=sys.stderr)


@pytest.mark.alone
@pytest.mark.multiworker
def test_answers_stay_right_and_all_is_well_afterwards(world, weir):
    running = weir(world.config())
    operator = Operator(running, world)
    for origin in world.web:
        running.wait_for_state("healthy", origin.name, pool="web")

    async def go():
        await asyncio.gather(world.serve_clients(SECONDS), world.go_wrong(SECONDS - 2, operator.change))

    background.run(go(), SECONDS + 60)
    report(world)
    assert not world.tally.wrong, f"seed {SEED}: {world.tally.wrong[:5]}\n" + "\n".join(world.log[-40:])

    operator.calm()
    for origin in world.web:
        running.wait_for_state("healthy", origin.name, pool="web", seconds=15)
    # Faults are over: each backend gets its share again, and no request fails.
    before = {origin.name: len(origin.requests) for origin in world.web}

    def all_serve():
        background.run(world.serve_clients(1))
        return all(len(origin.requests) > before[origin.name] for origin in world.web)

    eventually(all_serve, 90, "every backend serves again")
    world.tally.errors.clear()
    background.run(world.serve_clients(2))
    assert not world.tally.errors, f"seed {SEED}: errors after the faults: {world.tally.errors}"
    assert not world.tally.wrong, f"seed {SEED}: {world.tally.wrong[:5]}"

    def nothing_is_left():
        active = ("weir_backend_requests_active", "weir_connections_active", "weir_upstream_queue_length")
        return all(running.metric(name) == 0 for name in active)

    eventually(nothing_is_left, 10, "counters of what is in progress are zero")
