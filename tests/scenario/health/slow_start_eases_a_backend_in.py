"""With slow_start a backend that returns gets a growing share instead of its full one at once."""

from load import Load
from weir import config_of, pool_of


def test_a_returning_backend_begins_with_little(weir, origins):
    a, b = origins("a", "b")
    running = weir(config_of(pool_of([a, b], algorithm="weighted_round_robin", slow_start="20s", weights=[10, 10])))
    running.wait_for_state("healthy", "a", "b")
    b.stop()
    running.wait_for_state("unhealthy", "b")
    b.start()
    running.wait_for_state("healthy", "b")
    seen = len(a.requests), len(b.requests)
    with Load(running.port, connections=4) as load:
        load.wait_for_requests(400)
    load.assert_nothing_lost()
    on_a, on_b = len(a.requests) - seen[0], len(b.requests) - seen[1]
    assert 0 < on_b < on_a / 2, (on_a, on_b)
