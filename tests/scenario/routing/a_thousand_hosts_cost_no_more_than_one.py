"""Finding a route does not grow with the number of hosts: every one of a thousand is found, and unknown ones are not."""

from weir import config_of, pool_of


def test_each_of_a_thousand_hosts_is_found(weir, origins):
    a, b = origins("a", "b")
    routes = [{"match": {"host": f"h{i}.example"}, "pool": "b" if i % 2 else "a"} for i in range(1000)]
    running = weir(config_of(pool_of([a], name="a"), pool_of([b], name="b"), listener={"routes": routes, "pool": "a"}))
    with running.connect() as connection:
        for i in range(0, 1000, 7):
            response = connection.request(headers=[("Host", f"h{i}.example")])
            assert response.backend == ("b" if i % 2 else "a"), i
        assert connection.request(headers=[("Host", "h1000.example")]).backend == "a"
