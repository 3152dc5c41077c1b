"""Backends crash, hang, answer garbage and go away one after another under steady load: no client gets an error that it
could have been spared."""

import failure_runs
import faults
import pytest

pytestmark = pytest.mark.multiworker

# More than one request in three has to be tried again until the backend is out.
GENEROUS = {"retries": {"attempts": 2, "budget_floor": 100}}


@pytest.mark.parametrize("fresh", [False, True], ids=["kept", "fresh"])
def test_a_crash_costs_nothing(weir, origins, fresh):
    run, _ = failure_runs.crashes(weir, origins, fresh)
    assert run.errors == []


def test_a_rolling_restart_with_drains_costs_nothing(weir, origins):
    run, _ = failure_runs.rolling_restart(weir, origins)
    assert run.errors == []


@pytest.mark.parametrize("fault", faults.BEFORE_THE_BODY, ids=lambda fault: fault.__name__)
def test_faults_before_the_body_cost_nothing(weir, origins, fault):
    run, running, _ = failure_runs.fails_by(fault, weir, origins)
    assert run.errors == []
    assert running.metric("weir_backend_ejections_total", backend="b") >= 1
    # Never more tries than requests and the budget for retries.
    assert run.attempts <= 1.2 + 10 / run.requests


def test_a_bad_status_is_the_clients_until_the_backend_is_ejected(weir, origins):
    """Without retries: five in a row, and what was under way meanwhile."""
    run, running, _ = failure_runs.fails_by(faults.status(503), weir, origins, retries={"attempts": 0})
    assert running.metric("weir_backend_ejections_total", backend="b", reason="status") >= 1
    # With 12 connections at most 12 are under way at the ejection; each return is one trial.
    trials = running.metric("weir_backend_ejections_total", backend="b") - 1
    assert len(run.errors) <= 5 + 12 + trials
    assert all("503" in error for error in run.errors)


def test_when_all_are_down_the_first_that_is_back_serves(weir, origins):
    run, _ = failure_runs.all_down_and_up(weir, origins)
    assert run.errors == [], "anything but Weir's own 502 and 503"


def test_a_storm_of_retries_stays_within_the_budget(weir, origins):
    """Every backend fails every request: what they see is at most a fifth more than what clients sent."""
    import time

    from client import get
    from weir import config_of, pool_of

    all_three = origins("a", "b", "c", behave=faults.reset_before_answer)
    pool = pool_of(all_three, health_check=dict(failure_runs.BLIND), passive="off", retries={"attempts": 2})
    running = weir(config_of(pool))
    for name in "abc":
        running.wait_for_state("healthy", name)
    begun = time.monotonic()
    for _ in range(300):
        assert get(running.port).status == 502
    windows = 1 + (time.monotonic() - begun) // 10
    seen = sum(len(origin.requests) for origin in all_three)
    assert seen <= 300 * 1.2 + 10 * windows
