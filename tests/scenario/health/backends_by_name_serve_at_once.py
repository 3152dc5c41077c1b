"""Backends given by name serve from the first request on, after a start and after a reload that brings a new name; one
whose name does not resolve says so."""

import copy

import pytest
from client import get
from origin import Origin
from waiting import eventually
from weir import HEALTH_CHECK, config_of, pool_of


def by_name(origin, name, **settings):
    pool = pool_of([origin], **settings)
    pool["backends"][0]["host"] = name
    return pool


def test_the_first_request_after_a_start_and_a_reload_is_served(knowing, origins):
    one, two = origins("one", "two")
    # A probe that has begun without an address would come again only after this.
    slowly = {**HEALTH_CHECK, "interval": "60s", "fast_interval": "60s"}
    config = config_of(by_name(one, "one.test", health_check=slowly))
    running = knowing(config, {"one.test": ["127.0.0.1"], "two.test": ["127.0.0.1"]})
    assert get(running.port).status == 200
    changed = copy.deepcopy(config)
    changed["pools"] = [by_name(two, "two.test", health_check=slowly)]
    running.reload(changed)
    assert get(running.port).backend == "two"


def test_a_name_that_does_not_resolve_is_unhealthy_without_checks_too(knowing, origins):
    (one,) = origins("one")
    running = knowing(config_of(by_name(one, "no-such-name.invalid", health_check="off")), {})
    running.wait_for_state("unhealthy", "one", seconds=20)
    shown = running.admin("GET", "/backends/one").json
    assert shown["reason"].startswith("the name no-such-name.invalid does not resolve: ")
    assert running.admin("GET", "/health").json["status"] == "degraded"
    assert get(running.port).status == 503


async def serve_one_request(exchange):
    await exchange.respond(headers=[("Connection", "close")])
    exchange.close()


@pytest.fixture
def two_addresses(origins):
    """Two origins on one port of two addresses, that end each connection after its request."""
    (one,) = origins("one", behave=serve_one_request)
    two = Origin("two", host="127.0.0.2", port=one.port, behave=serve_one_request).start()
    yield one, two
    two.stop()
    assert two.faults == []


def test_connections_go_to_all_addresses_alike(knowing, two_addresses):
    one, _ = two_addresses
    config = config_of(by_name(one, "both.test", health_check="off"))
    running = knowing(config, {"both.test": ["127.0.0.1", "127.0.0.2"]})
    assert sorted(get(running.port).backend for _ in range(8)) == ["one"] * 4 + ["two"] * 4


def test_probes_see_an_address_that_is_dead_and_traffic_leaves_it_out(knowing, two_addresses):
    one, two = two_addresses
    config = config_of(by_name(one, "both.test"))
    running = knowing(config, {"both.test": ["127.0.0.1", "127.0.0.2"]})
    running.wait_for_state("healthy", "one")
    two.stop()
    eventually(lambda: f"at 127.0.0.2:{two.port}: connect: refused; its other addresses are tried first" in running.log())
    assert running.state("one") == "healthy"
    assert [get(running.port).backend for _ in range(4)] == ["one"] * 4
