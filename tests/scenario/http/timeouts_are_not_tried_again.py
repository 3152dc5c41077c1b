"""A response that does not come in time is waited for once, and timeouts.request bounds all attempts together."""

import asyncio
import time

import pytest
from client import get
from h2_origin import H2Origin
from h2_raw import RawH2
from h2_raw import get as h2_get
from h2_raw import post as h2_post
from waiting import PATIENCE
from weir import config_of, pool_of

OFF = {"health_check": "off"}


async def never(exchange):
    await asyncio.sleep(600)


async def never_h2(call):
    await asyncio.sleep(600)


def test_a_get_that_hits_the_response_timeout_is_sent_once(weir, origins):
    a, b = origins("a", "b", behave=never)
    running = weir(config_of(pool_of([a, b], timeouts={"response": "300ms"}, **OFF)))
    assert get(running.port).status == 504
    assert len(a.requests) + len(b.requests) == 1
    assert running.metric("weir_retries_total") == 0


@pytest.mark.parametrize("scope", ["top", "listener", "pool", "route"])
def test_the_request_timeout_holds_at_every_scope(weir, origins, scope):
    (origin,) = origins("one", behave=never)
    timeouts = {"timeouts": {"request": "300ms"}}
    listener = dict(timeouts) if scope == "listener" else {}
    if scope == "route":
        listener["routes"] = [{"match": {"path_prefix": "/"}, "pool": "site", **timeouts}]
    site = pool_of([origin], **OFF, **(timeouts if scope == "pool" else {}))
    running = weir(config_of(site, listener=listener, **(timeouts if scope == "top" else {})))
    began = time.monotonic()
    assert get(running.port).status == 504
    assert 0.25 <= time.monotonic() - began < 20 * PATIENCE


def test_all_attempts_together_are_bounded(weir, origins):
    async def reset_late(exchange):
        await asyncio.sleep(0.25)
        exchange.reset()

    backends = origins("a", "b", "c", "d", behave=reset_late)
    site = pool_of(backends, retries={"attempts": 10}, timeouts={"request": "400ms"}, **OFF)
    running = weir(config_of(site))
    assert get(running.port).status == 504
    assert sum(len(backend.requests) for backend in backends) <= 2


def test_a_response_that_has_begun_may_take_its_time(weir, origins):
    async def slowly(exchange):
        await exchange.send_head(200, [("Content-Length", "4"), ("X-Backend", "one")])
        for _ in range(4):
            await asyncio.sleep(0.2)
            await exchange.send(b"x")

    (origin,) = origins("one", behave=slowly)
    running = weir(config_of(pool_of([origin], timeouts={"request": "400ms"}, **OFF)))
    assert get(running.port).body == b"xxxx"


@pytest.fixture
def multiplexed(weir):
    backend = H2Origin("h2", never_h2).start()
    site = pool_of([backend], protocol="h2", timeouts={"request": "300ms"}, **OFF)
    yield weir(config_of(site, listener={"http2": True}))
    backend.stop()


def test_over_http2_as_well(multiplexed):
    with RawH2(multiplexed.port) as client:
        client.headers(1, h2_get("/"), end_stream=True)
        status, *_ = client.response(1)
    assert status == 504
    assert multiplexed.metric("weir_backend_failures_total", backend="h2") == 1, "the backend was too slow"


def test_a_call_of_grpc_is_told_in_its_own_terms(multiplexed):
    with RawH2(multiplexed.port) as client:
        client.headers(1, h2_post("/test.Echo/One", ("content-type", "application/grpc"), ("te", "trailers")),
                       end_stream=True)
        status, headers, _, trailers = client.response(1)
    assert status == 200 and dict(trailers or headers)["grpc-status"] == "4"
