"""Weights are kept within each cycle, and a heavy backend's turns are spread over it instead of coming in a row."""

from client import get
from weir import config_of, pool_of


def longest_run(names):
    longest = run = 1
    for before, name in zip(names, names[1:]):
        run = run + 1 if name == before else 1
        longest = max(longest, run)
    return longest


def test_every_cycle_of_3_1_2_has_exactly_these_shares_and_no_runs(weir, origins):
    started = origins("a", "b", "c")
    running = weir(config_of(pool_of(started, algorithm="weighted_round_robin", weights=[3, 1, 2])))
    running.wait_for_state("healthy", "a", "b", "c")
    names = [get(running.port).backend for _ in range(60)]
    for start in range(0, 60, 6):
        cycle = names[start:start + 6]
        assert sorted(cycle) == ["a", "a", "a", "b", "c", "c"], names
        assert longest_run(cycle) == 1, names
    assert longest_run(names) <= 2, names
