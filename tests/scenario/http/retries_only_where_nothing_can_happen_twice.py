"""Another attempt is made only when nothing of a response was sent on and the work cannot be done twice: idempotent
requests, or such as never reached the backend; on another backend; and one for a reused connection that had died."""

import pytest
from client import get, request
from weir import HEALTH_CHECK, config_of, pool_of

RARE = {**HEALTH_CHECK, "interval": "60s", "timeout": "2s", "fast_interval": "60s", "unhealthy_threshold": 100}


async def drop(exchange):
    exchange.reset()


@pytest.fixture
def dropping(weir, origins):
    """One backend that resets every request, one that serves."""
    bad, good = origins("bad", "good")
    running = weir(config_of(pool_of([bad, good], health_check=RARE)))
    running.wait_for_state("healthy", "bad", "good")
    bad.behave = drop
    return running, bad, good


def test_a_get_is_tried_on_the_other_backend(dropping):
    running, bad, _ = dropping
    assert [get(running.port).backend for _ in range(4)] == ["good"] * 4
    assert bad.requests
    assert running.metric("weir_retries_total") == len(bad.requests)


def test_a_post_that_reached_a_backend_is_not_repeated(dropping):
    running, bad, good = dropping
    statuses = sorted(request(running.port, "POST", body=b"x").status for _ in range(4))
    assert len(bad.requests) + len(good.requests) == 4
    assert statuses.count(502) == len(bad.requests) > 0


def test_a_post_to_a_backend_that_refuses_connections_is_served_elsewhere(weir, origins):
    gone, good = origins("gone", "good")
    running = weir(config_of(pool_of([gone, good], health_check=RARE)))
    running.wait_for_state("healthy", "gone", "good")
    gone.stop()
    assert [request(running.port, "POST", body=b"x").backend for _ in range(4)] == ["good"] * 4


def test_after_the_head_was_sent_on_there_is_no_retry(weir, origins):
    async def cut(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        import asyncio

        await asyncio.sleep(0.2)
        exchange.reset()

    a, b = origins("a", "b", behave=cut)
    running = weir(config_of(pool_of([a, b], health_check=RARE)))
    with running.connect() as connection:
        connection.send_request()
        assert connection.head().status == 200
        with pytest.raises((AssertionError, ConnectionError)):
            connection.read_exactly(10)
    assert len(a.requests) + len(b.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_alive_connection_that_the_backend_closed_costs_nothing(proxy, method):
    running, origin = proxy(pool={"health_check": RARE})
    running.wait_for_state("healthy", "one")  # its first probe is not to meet close_idle()
    for _ in range(10):
        assert request(running.port, method).status == 200
        origin.close_idle()


def test_the_budget_bounds_what_retries_add(weir, origins):
    """Two backends that drop everything: without a bound each request would be three attempts."""
    bad, worse = origins("bad", "worse", behave=drop)
    retries = {"attempts": 2, "budget": "20%", "budget_floor": 5}
    running = weir(config_of(pool_of([bad, worse], health_check=RARE, retries=retries, min_healthy=2)))
    statuses = {get(running.port).status for _ in range(100)}
    assert statuses <= {502, 503}
    assert running.metric("weir_retries_total") <= 100 * 0.2 + 5 + 1


def test_zero_attempts_turn_retries_off(weir, origins):
    bad, good = origins("bad", "good")
    running = weir(config_of(pool_of([bad, good], health_check=RARE, retries={"attempts": 0}, min_healthy=2)))
    running.wait_for_state("healthy", "bad", "good")
    bad.behave = drop
    statuses = [get(running.port).status for _ in range(4)]
    assert sorted(set(statuses)) == [200, 502]
