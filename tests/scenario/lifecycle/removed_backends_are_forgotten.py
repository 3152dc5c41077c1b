"""What nothing uses any more is forgotten at once, not when its drain timeout is over."""

from client import get
from waiting import eventually
from weir import config_of, pool_of


def test_the_metrics_of_a_removed_backend_end_with_its_last_use(weir, origins):
    one, two = origins("one", "two")
    running = weir(config_of(pool_of([one], drain_timeout="300s")))
    running.wait_for_state("healthy", "one")
    body = {"id": "two", "pool": "site", "host": "127.0.0.1", "port": two.port}
    assert running.admin("POST", "/backends", body).status == 201
    running.wait_for_state("healthy", "two")
    eventually(lambda: get(running.port).backend == "two")

    def series():
        return [name for name, labels, _ in running.metrics() if labels.get("backend") == "two"]

    assert series()
    assert running.admin("DELETE", "/backends/two?pool=site").status == 200
    eventually(lambda: series() == [], 20)
