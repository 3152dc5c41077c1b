"""IPv6 on both sides: the listener's address and a backend's, and a backend named by a host name."""

import socket

import pytest
from client import get, request
from waiting import HAS_IPV6, free_port
from weir import config_of, pool_of

needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="this machine has no IPv6")


@needs_ipv6
def test_ipv6_to_ipv6(weir, origins):
    (origin,) = origins("six", host="::1")
    port = free_port(socket.AF_INET6)
    running = weir(config_of(pool_of([origin]), listener={"address": f"[::1]:{port}"}))
    response = request(running.port, host="::1")
    assert response.backend == "six"
    assert origin.requests[0].get("x-forwarded-for") == "::1"


@needs_ipv6
def test_a_star_address_takes_both_families(weir, origins):
    running = weir(config_of(pool_of(origins("one")), listener={"address": f"*:{free_port()}"}))
    assert request(running.port, host="::1").status == 200
    assert get(running.port).status == 200


def test_a_backend_named_by_host_is_resolved(weir, origins):
    config = config_of(pool_of(origins("one")))
    config["pools"][0]["backends"][0]["host"] = "localhost"
    running = weir(config)
    running.wait_for_state("healthy", "one")
    assert get(running.port).backend == "one"
