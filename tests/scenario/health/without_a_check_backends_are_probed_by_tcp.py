"""Backends that know no /health serve without a word about checks in the configuration; those of POST /backends are
asked for it, as the API says."""

import pytest
from client import get
from weir import config_of, pool_of


async def knows_nothing(exchange):
    await exchange.respond(404 if exchange.request.target == "/health" else 200)


@pytest.fixture
def plain(origins):
    return origins("plain", behave=knows_nothing, health_path="-")


def test_of_the_file(weir, plain):
    site = pool_of(plain)
    del site["health_check"]
    running = weir(config_of(site))
    running.wait_for_state("healthy", "plain")
    assert get(running.port).status == 200
    assert running.admin("GET", "/health").json["status"] == "ok"


def test_of_post_pools(weir, plain):
    running = weir(config_of(pool_of(plain)))
    backends = [{"id": "other", "host": "127.0.0.1", "port": plain[0].port}]
    assert running.admin("POST", "/pools", {"name": "made", "backends": backends}).status == 201
    running.wait_for_state("healthy", "other", pool="made")


def test_of_post_backends(weir, plain, origins):
    (knowing,) = origins("knowing")
    running = weir(config_of(pool_of(plain)))
    for origin in (plain[0], knowing):
        body = {"id": origin.name, "host": "127.0.0.1", "port": origin.port}
        assert running.admin("POST", "/backends", body).status == 201
    running.wait_for_state("unhealthy", "plain", pool="default")
    running.wait_for_state("healthy", "knowing", pool="default")


def test_naming_a_path_makes_it_http(weir, plain):
    site = pool_of(plain, health_check={"path": "/health"})
    running = weir(config_of(site))
    running.wait_for_state("unhealthy", "plain")


def test_a_path_of_a_backend_makes_it_http_too(weir, plain):
    site = pool_of(plain)
    del site["health_check"]
    site["backends"][0]["health_check_path"] = "/health"
    weir(config_of(site)).wait_for_state("unhealthy", "plain")
