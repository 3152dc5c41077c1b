"""The http checker's options: path, method, host, headers, expected status and body, and another port."""

import pytest
from weir import HEALTH_CHECK, config_of, pool_of


def start(weir, origin, **options):
    return weir(config_of(pool_of([origin], health_check={**HEALTH_CHECK, **options})))


def test_the_probe_is_sent_as_configured(weir, origins):
    (origin,) = origins("one", health_path="/ping?deep=1")
    running = start(weir, origin, path="/ping?deep=1", method="GET", host="probe.example", headers={"X-Probe": "yes"})
    running.wait_for_state("healthy", "one")
    probe = origin.probes[0]
    assert (probe.method, probe.get("host"), probe.get("x-probe")) == ("GET", "probe.example", "yes")


@pytest.mark.parametrize("expected, state", [(["200-299", 404], "healthy"), ([204], "unhealthy")])
def test_expected_status(weir, origins, expected, state):
    (origin,) = origins("one", health_path="/other")
    start(weir, origin, expected_status=expected).wait_for_state(state, "one")


@pytest.mark.parametrize("expected, state", [("all good", "healthy"), ("no such words", "unhealthy")])
def test_expected_body(weir, origins, expected, state):
    async def report(exchange):
        await exchange.respond(body=b"status: all good today")

    (origin,) = origins("one", behave=report, health_path="-")
    start(weir, origin, expected_body=expected).wait_for_state(state, "one")


def test_the_port_may_be_another(weir, origins):
    serving, reporting = origins("one", "reporting")
    running = start(weir, serving, port=reporting.port)
    running.wait_for_state("healthy", "one")
    assert serving.probes == []
    reporting.healthy = False
    running.wait_for_state("unhealthy", "one")


def test_a_backend_may_have_a_path_of_its_own(weir, origins):
    (origin,) = origins("one", health_path="/mine")
    config = config_of(pool_of([origin]))
    config["pools"][0]["backends"][0]["health_check_path"] = "/mine"
    weir(config).wait_for_state("healthy", "one")
    assert origin.probes


def test_a_probe_that_takes_too_long_failed(weir, origins):
    import asyncio

    async def slow(exchange):
        await asyncio.sleep(3)
        exchange.close()

    (origin,) = origins("one", behave=slow, health_path="-")
    start(weir, origin, timeout="200ms").wait_for_state("unhealthy", "one")
