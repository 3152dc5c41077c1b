"""A request that is on a draining backend ends as it should, up to the drain timeout; connections to it do not stay."""

import asyncio

from waiting import background, eventually
from weir import config_of, pool_of


def hold_until(release):
    async def hold(exchange):
        await exchange.send_head(200, [("Content-Length", "10")])
        await exchange.send(b"first")
        await release.wait()
        await exchange.send(b"later")

    return hold


def test_a_response_that_began_is_finished(weir, origins):
    release = asyncio.Event()
    (origin,) = origins("one", behave=hold_until(release))
    running = weir(config_of(pool_of([origin])))
    with running.connect() as connection:
        connection.send_request()
        eventually(lambda: origin.requests)
        assert running.admin("POST", "/backends/one/drain").status == 200
        running.wait_for_state("draining", "one")
        running.settle()
        background.loop.call_soon_threadsafe(release.set)
        assert connection.response().body == b"firstlater"
        eventually(lambda: running.metric("weir_backend_connections_active", backend="one") == 0)


def test_after_the_drain_timeout_the_rest_is_closed(weir, origins):
    (origin,) = origins("one", behave=hold_until(asyncio.Event()))
    running = weir(config_of(pool_of([origin], drain_timeout="500ms")))
    with running.connect() as connection:
        connection.send_request()
        connection.read_until(b"first")
        assert running.admin("POST", "/backends/one/drain").status == 200
        assert connection.is_closed()
    (line,) = eventually(running.access_log)
    assert line["termination"] == "backend_drained" and "drain_timeout" in line["detail"], line
    assert running.metric("weir_backend_failures_total", backend="one") == 0


async def never_answer(exchange):
    await asyncio.Event().wait()


def test_what_was_cut_off_is_not_begun_again_on_backends_whose_time_is_over(weir, origins):
    a, b = origins("a", "b", behave=never_answer)
    running = weir(config_of(pool_of([a, b])))
    with running.connect() as connection:
        connection.send_request()
        eventually(lambda: a.requests or b.requests)
        used, other = (a, b) if a.requests else (b, a)
        assert running.admin("POST", f"/backends/{other.name}/drain?drain_timeout=0s").status == 200
        assert running.admin("POST", f"/backends/{used.name}/drain?drain_timeout=500ms").status == 200
        assert connection.response().status == 503
    assert (len(used.requests), len(other.requests)) == (1, 0)
    eventually(lambda: running.metric("weir_backend_requests_active", backend=used.name) == 0)


def test_what_was_cut_off_on_a_used_connection_is_not_begun_again_there(weir, origins):
    (origin,) = origins("one")
    running = weir(config_of(pool_of([origin])))
    with running.connect() as connection:
        assert connection.request().status == 200
        origin.behave = never_answer
        connection.send_request()
        eventually(lambda: len(origin.requests) == 2)
        assert running.admin("POST", "/backends/one/drain?drain_timeout=500ms").status == 200
        assert connection.response().status == 503
    assert len(origin.requests) == 2


def test_a_second_drain_may_hurry_it(weir, origins):
    (origin,) = origins("one", behave=hold_until(asyncio.Event()))
    running = weir(config_of(pool_of([origin])))
    with running.connect() as connection:
        connection.send_request()
        connection.read_until(b"first")
        assert running.admin("POST", "/backends/one/drain").status == 200
        assert running.admin("POST", "/backends/one/drain?drain_timeout=100ms").status == 200
        assert connection.is_closed()


def test_connections_of_a_removed_listener_are_still_served_by_the_backend_that_goes_with_it(weir, origins):
    old, new = origins("old", "new")
    running = weir(config_of(pool_of([old], drain_timeout="0s")))
    with running.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
        running.settle()
        running.reload(config_of(pool_of([new], name="other")))
        connection.send(b"\r\n")  # the listener gives requests that have begun a second
        response = connection.response()
        assert (response.status, response.backend) == (200, "old")


def test_a_backend_taken_out_of_the_file_finishes_its_request(weir, origins):
    release = asyncio.Event()
    a, b = origins("a", "b", behave=hold_until(release))
    running = weir(config_of(pool_of([a, b])))
    with running.connect() as first, running.connect() as second:
        first.send_request()
        second.send_request()
        eventually(lambda: a.requests and b.requests)
        config = dict(running.config)
        config["pools"] = [pool_of([a])]
        running.reload(config)
        background.loop.call_soon_threadsafe(release.set)
        assert first.response().body == second.response().body == b"firstlater"
        assert len([1 for _ in range(6) if first.request().status == 200]) == 6
        assert len(b.requests) == 1


def test_what_waits_for_it_does_not_reach_it_when_its_time_is_over(weir, origins):
    async def never(exchange):
        await exchange.reader.read()

    (origin,) = origins("one", behave=never)
    pool = pool_of([origin], drain_timeout="500ms", timeouts={"queue": "30s"})
    pool["backends"][0]["max_connections"] = 1
    running = weir(config_of(pool, workers=1))
    running.wait_for_state("healthy", "one")
    with running.connect() as first, running.connect() as second:
        first.send_request("POST", body=b"a")
        eventually(lambda: len(origin.requests) == 1)
        second.send_request("POST", body=b"b")
        eventually(lambda: running.metric("weir_backend_requests_active") == 2)
        assert running.admin("POST", "/backends/one/drain").status == 200
        assert first.response("POST").status == 502
        assert second.response("POST").status == 503
    assert len(origin.requests) == 1
