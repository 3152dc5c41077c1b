"""A backend that is alive but not ready takes no new work, keeps what it has, and is no alarm (`ready`)."""

from client import get
from weir import HEALTH_CHECK, config_of, pool_of


def test_new_work_goes_elsewhere(weir, origins):
    ready = {"one": True, "two": True}

    def behave(name):
        async def answer(exchange):
            if exchange.request.target == "/readyz" and not ready[name]:
                await exchange.respond(status=503)
            else:
                await exchange.respond(body=b"ok")

        return answer

    (one,) = origins("one", behave=behave("one"))
    (two,) = origins("two", behave=behave("two"))
    pool = pool_of([one, two], health_check={**HEALTH_CHECK, "ready": "/readyz"}, sticky={"type": "cookie"})
    running = weir(config_of(pool))
    running.wait_for_state("healthy", "one", "two")
    first = get(running.port)
    at = first.backend
    cookie = first.get("set-cookie").split(";")[0]
    ready[at] = False
    running.wait_for_state("not_ready", at)
    shown = running.admin("GET", f"/backends/{at}").json
    assert shown["status"] == "not_ready" and "not ready: " in shown["reason"] and "GET /readyz" in shown["reason"]
    assert get(running.port, headers=[("Cookie", cookie)]).backend != at
    assert running.metric("weir_backend_up", backend=at) == 1
    health = running.admin("GET", f"/backends/{at}/health").json
    assert health["last_check"]["ok"] and not health["last_ready_check"]["ok"]
    ready[at] = True
    running.wait_for_state("healthy", at)


def test_all_backends_failing_at_once_are_suspicious(weir, origins):
    one, two = origins("one", "two")
    running = weir(config_of(pool_of([one, two], min_healthy=1)))
    running.wait_for_state("healthy", "one", "two")
    with running.events() as events:
        one.healthy = two.healthy = False
        told = events.next("suspicious")
        assert (told["pool"], told["failing"], told["backends"]) == ("site", 2, 2)
    running.wait_for_state("unhealthy", "one", "two")
    assert "all 2 of its backends that were healthy began to fail at once" in running.log()
    assert running.metric("weir_health_suspicions_total") == 1
    assert get(running.port).status == 200, "min_healthy keeps the pool in service"
