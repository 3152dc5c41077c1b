"""Passive checks: a backend whose probes are good and whose traffic fails is out after the failures in a row that the
configuration allows, and returns by a trial once it is good again."""

import grpc
import pytest

from client import get, request
from grpc_origin import GrpcOrigin
from origin import say_name
from waiting import PATIENCE, eventually, free_port
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker

LONG = {"base": "60s", "max": "60s"}  # no test waits for its end
SHORT = {"base": "100ms", "max": "200ms"}


async def say_503(exchange):
    await exchange.respond(status=503)


def site(*origins, ejection=LONG, **passive):
    return pool_of(origins, retries={"attempts": 0}, passive={"ejection": ejection, **passive})


def ejected(running, backend, pool="site"):
    return running.admin("GET", f"/backends/{pool}%2F{backend}").json["ejected"]


def test_five_bad_answers_in_a_row_are_the_last_that_clients_see(weir, origins):
    good, bad = origins("good", "bad")
    bad.behave = say_503
    running = weir(config_of(site(good, bad)))
    running.wait_for_state("healthy", "good", "bad")
    events = running.events()
    statuses = [get(running.port).status for _ in range(40)]
    assert statuses.count(503) == 5
    assert len(bad.requests) == 5
    assert running.state("bad") == "healthy", "its probes are good"
    event = events.next("ejection")
    assert (event["backend"], event["action"], event["reason"]) == ("bad", "ejected", "status")
    assert event["detail"] == "5 failures in a row, the last: status 503"
    shown = ejected(running, "bad")
    assert (shown["state"], shown["reason"], shown["count"]) == ("ejected", "status", 1)
    assert running.metric("weir_backend_ejections_total", pool="site", backend="bad", reason="status") == 1
    assert running.metric("weir_backend_ejected", pool="site", backend="bad") == 1
    assert running.metric("weir_backend_ejected", pool="site", backend="good") == 0
    assert "backend site/bad: ejected for" in running.log()


def test_it_returns_by_a_trial_when_it_is_good_again(weir, origins):
    good, bad = origins("good", "bad")
    bad.behave = say_503
    running = weir(config_of(site(good, bad, ejection=SHORT)))
    events = running.events()
    eventually(lambda: get(running.port).status == 503 and ejected(running, "bad"))
    seen = len(bad.requests)
    eventually(lambda: get(running.port) and len(bad.requests) > seen, what="a trial")
    assert running.metric("weir_backend_ejections_total", pool="site", backend="bad", reason="status") >= 2, \
        "a trial that failed"
    bad.behave = say_name
    eventually(lambda: get(running.port) and ejected(running, "bad") is None)
    actions = []
    while "returned" not in actions:
        actions.append(events.next("ejection")["action"])
    assert actions[0] == "ejected"
    assert {get(running.port).backend for _ in range(8)} == {"good", "bad"}
    history = running.admin("GET", "/backends/bad/health").json["ejections"]
    assert [history[0]["action"], history[-1]["action"]] == ["ejected", "returned"]


def test_the_last_one_is_never_ejected(weir, origins):
    a, b = origins("a", "b")
    a.behave = say_503
    running = weir(config_of(site(a, b, max_ejected="100%")))
    eventually(lambda: get(running.port) and ejected(running, "a"))
    b.behave = say_503
    for _ in range(30):
        assert get(running.port).status == 503
    assert ejected(running, "b") is None
    prevented = running.metric("weir_backend_ejections_prevented_total", pool="site", reason="status")
    assert prevented >= 4, "each five failures of the other one"


def test_nobody_is_ejected_while_the_service_fails(weir, origins):
    a, b, c = origins("a", "b", "c")
    a.behave = b.behave = c.behave = say_503
    running = weir(config_of(site(a, b, c)))
    for _ in range(60):
        assert get(running.port).status == 503
    assert [ejected(running, name) for name in "abc"] == [None] * 3
    assert running.metric("weir_backend_ejections_prevented_total", pool="site", reason="status") > 0


def test_a_crash_is_out_after_two(weir, origins):
    (good,) = origins("good")
    pool = site(good)
    pool["health_check"] = "off"
    pool["backends"].append({"id": "crashed", "host": "127.0.0.1", "port": free_port()})
    running = weir(config_of(pool))
    assert [get(running.port).status for _ in range(20)].count(502) == 2
    assert ejected(running, "crashed")["reason"] == "connect"


def test_a_post_is_no_trial_within_the_first_second(weir, origins):
    good, bad = origins("good", "bad")
    bad.behave = say_503
    running = weir(config_of(site(good, bad, ejection=SHORT)))
    while not ejected(running, "bad"):
        request(running.port, "POST")
    seen = len(bad.requests)
    eventually(lambda: ejected(running, "bad")["state"] == "waits_for_trial")
    since = len(bad.requests)
    assert since == seen
    assert {request(running.port, "POST").backend for _ in range(6)} == {"good"}
    assert get(running.port).status in (200, 503)
    eventually(lambda: get(running.port) and len(bad.requests) > seen, what="a GET as the trial")
    assert bad.requests[-1].method == "GET"


def test_statuses_of_grpc_in_trailers_eject(weir):
    bad, good = GrpcOrigin("bad").start(), GrpcOrigin("good").start()
    pool = pool_of([bad, good], protocol="h2", health_check="off", retries={"attempts": 0},
                   passive={"ejection": LONG, "consecutive_failures": 3})
    pool["backends"][0]["weight"] = 9  # it fails far more often than the other
    running = weir(config_of(pool, listener={"http2": True}))
    unavailable = str(list(grpc.StatusCode).index(grpc.StatusCode.UNAVAILABLE)).encode()
    not_found = str(list(grpc.StatusCode).index(grpc.StatusCode.NOT_FOUND)).encode()
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        def fail(code):
            with pytest.raises(grpc.RpcError):
                channel.unary_unary("/test.Echo/Fail")(code, timeout=10 * PATIENCE)
        for _ in range(12):
            fail(not_found)
        assert ejected(running, "bad") is None and ejected(running, "good") is None
        for _ in range(6):
            fail(unavailable)
        shown = [ejected(running, name) for name in ("bad", "good")]
    out, other = shown
    assert other is None
    assert out["reason"] == "grpc_status"
    assert out["detail"] == "3 failures in a row, the last: grpc-status 14 (UNAVAILABLE)"
    for backend in (bad, good):
        backend.stop()


def test_a_slow_backend_and_one_that_fails_often_are_found_by_comparison(weir, origins):
    import asyncio

    async def slow(exchange):
        await asyncio.sleep(0.1 * PATIENCE)
        await exchange.respond()

    count = 0

    async def every_second(exchange):
        nonlocal count
        count += 1
        await exchange.respond(status=503 if count % 2 else 200)

    a, b, c, often = origins("a", "b", "slow", "often")
    c.behave, often.behave = slow, every_second
    running = weir(config_of(site(
        a, b, c, often, latency={"min_requests": 5, "min_difference": f"{50 * PATIENCE}ms"},
        error_rate={"threshold": "40%", "min_requests": 6}, success_rate="off")))

    def both_are_out():
        get(running.port)
        return ejected(running, "slow") and ejected(running, "often")

    eventually(both_are_out, 20 * PATIENCE)
    assert ejected(running, "slow")["reason"] == "latency"
    assert ejected(running, "often")["reason"] == "error_rate"


def test_a_pool_without_passive_checks_goes_by_its_probes(weir, origins):
    good, bad = origins("good", "bad")
    bad.behave = say_503
    running = weir(config_of(pool_of([good, bad], passive="off")))
    running.wait_for_state("healthy", "good", "bad")
    assert [get(running.port).status for _ in range(20)].count(503) == 10
    assert running.admin("POST", "/backends/bad/eject").status == 409
