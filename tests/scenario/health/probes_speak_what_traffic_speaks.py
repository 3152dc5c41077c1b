"""Probes speak what traffic speaks: the pool's PROXY header and its version of HTTP, unless the check says otherwise."""

import pytest
from client import get
from h2_origin import H2Origin
from waiting import free_port
from weir import HEALTH_CHECK, config_of, pool_of


@pytest.mark.parametrize("check", [HEALTH_CHECK, {**HEALTH_CHECK, "type": "tcp"}], ids=["http", "tcp"])
@pytest.mark.parametrize("version", ["v1", "v2", "v2_checksum"])
def test_a_backend_that_insists_on_a_proxy_header_is_healthy(weir, origins, version, check):
    check = {key: value for key, value in check.items() if check["type"] == "http" or key != "path"}
    (origin,) = origins("one")
    insisting = free_port()
    site = {"name": "site", "proxy_protocol": version, "health_check": check,
            "backends": [{"id": "insisting", "host": "127.0.0.1", "port": insisting}]}
    config = config_of(site, pool_of([origin], name="behind"))
    config["listeners"].append({"name": "insisting", "address": f"127.0.0.1:{insisting}", "pool": "behind",
                                "proxy_protocol": "required", "trusted_proxies": ["127.0.0.0/8"]})
    running = weir(config)
    running.wait_for_state("healthy", "insisting")
    assert get(running.port).backend == "one"
    assert running.metric("weir_connections_refused_total", reason="proxy_header") == 0


def test_a_check_may_leave_the_header_out(weir, origins):
    (origin,) = origins("one")
    site = pool_of([origin], proxy_protocol="v1", health_check={**HEALTH_CHECK, "proxy_protocol": "off"})
    weir(config_of(site)).wait_for_state("healthy", "one")


def test_a_pool_of_http2_is_probed_by_http2(weir):
    async def answer(call):
        await call.read_body()
        found = call.path == "/health"
        await call.send_headers([(":status", "200" if found else "404")], end_stream=True)

    backend = H2Origin("h2", answer).start()
    try:
        running = weir(config_of(pool_of([backend], protocol="h2"), listener={"http2": True}))
        running.wait_for_state("healthy", "h2")
    finally:
        backend.stop()
