"""What one pool has learnt of an endpoint holds for every pool that reaches it in the same way."""

import pytest
from client import get
from waiting import free_port
from weir import config_of, pool_of

pytestmark = pytest.mark.multiworker

FAILURES_TO_EJECT = 2  # refused connections count twice
PASSIVE = {"ejection": {"base": "60s"}}  # no trial comes within the test


def pools_with_a_closed_port(origins, **of_second):
    """Two pools, "one" and "two": each has an origin of its own and a backend at the same closed port. Neither probes."""
    a, b = origins("a", "b")
    closed = free_port()
    pools = [pool_of([a], name="one", health_check="off", passive=PASSIVE),
             pool_of([b], name="two", health_check="off", retries={"attempts": 0}, passive=PASSIVE,
                     **of_second)]
    for pool in pools:
        pool["backends"].append({"id": f"closed-{pool['name']}", "host": "127.0.0.1", "port": closed})
    return pools


def failures(running, backend):
    return running.admin("GET", f"/backends/{backend}/health").json["failed_requests"]


def let_the_first_pool_learn(running):
    while failures(running, "closed-one") < FAILURES_TO_EJECT:
        assert get(running.port).status == 200


def statuses_of_the_second_pool(running):
    return [get(running.port, "/two").status for _ in range(4)]


def start(weir, pools):
    return weir(config_of(*pools, listener={"routes": [{"match": {"path_prefix": "/two"}, "pool": "two"}]}))


def test_the_second_pool_never_tries_what_the_first_has_found_closed(weir, origins):
    running = start(weir, pools_with_a_closed_port(origins))
    let_the_first_pool_learn(running)
    assert statuses_of_the_second_pool(running) == [200] * 4
    assert failures(running, "closed-two") == 0


def test_a_pool_that_speaks_to_it_in_another_way_finds_out_by_itself(weir, origins):
    running = start(weir, pools_with_a_closed_port(origins, protocol="auto"))
    let_the_first_pool_learn(running)
    assert 502 in statuses_of_the_second_pool(running)
