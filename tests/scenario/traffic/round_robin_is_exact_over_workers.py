"""Round robin counts over all workers: whichever worker takes a connection, each backend gets its exact share."""

import concurrent.futures

import pytest
from client import get
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker


@pytest.fixture
def site(weir, origins):
    started = origins("a", "b", "c")
    running = weir(config_of(pool_of(started, algorithm="round_robin"), workers=4))
    running.wait_for_state("healthy", "a", "b", "c")
    return running


def counts(backends):
    return {name: backends.count(name) for name in "abc"}


def test_six_connections_are_two_each(site):
    assert counts([get(site.port).backend for _ in range(6)]) == {"a": 2, "b": 2, "c": 2}


def test_three_hundred_concurrent_connections_are_a_hundred_each(site):
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        backends = list(threads.map(lambda _: get(site.port).backend, range(300)))
    assert counts(backends) == {"a": 100, "b": 100, "c": 100}


def test_requests_of_one_kept_alive_connection_are_spread_as_well(site):
    with site.connect() as connection:
        assert counts([connection.request().backend for _ in range(30)]) == {"a": 10, "b": 10, "c": 10}
