"""An error that Weir makes says what happened in JSON or plain text, names the request, and hides the backend."""

import pytest
from client import get
from waiting import eventually
from weir import config_of, pool_of


@pytest.fixture
def gone(weir, origins):
    """No backend listens, and there is nothing else to try."""
    (origin,) = origins("one")
    running = weir(config_of(pool_of([origin], min_healthy=1)))
    running.wait_for_state("healthy", "one")
    origin.stop()
    return running, origin


def test_json(gone):
    running, origin = gone
    response = get(running.port, headers=[("Accept", "application/json")])
    import json

    document = json.loads(response.body)
    assert response.get("content-type").startswith("application/json")
    assert (response.status, document["status"]) == (502, 502)
    assert document["request_id"] == response.get("x-request-id") or len(document["request_id"]) == 32
    assert str(origin.port) not in response.body.decode() and "127.0.0.1" not in response.body.decode()


def test_plain_text(gone):
    running, _ = gone
    response = get(running.port, headers=[("Accept", "text/plain")])
    assert response.get("content-type").startswith("text/plain")
    assert b"502" in response.body


def test_head_gets_no_body(gone):
    running, _ = gone
    with running.connect() as connection:
        response = connection.request("HEAD")
        assert response.status == 502
        assert connection.request("HEAD").status in (502, 503)


def test_no_route_and_no_pool_is_404(weir, origins):
    config = config_of(pool_of(origins("one")))
    del config["listeners"][0]["pool"]
    running = weir(config)
    assert get(running.port).status == 404


def test_an_empty_pool_is_503_with_retry_after(weir):
    running = weir(config_of({"name": "site", "backends": []}))
    response = get(running.port)
    assert response.status == 503
    assert int(response.get("retry-after")) >= 1


def test_errors_on_one_connection_are_alike(gone):
    running, _ = gone
    with running.connect() as connection:
        heads = []
        for _ in range(500):
            response = connection.request()
            assert response.status == 502
            heads.append(sorted(name.lower() for name, _ in response.headers))
    assert heads[0].count("content-type") == heads[0].count("x-request-id") == 1
    assert all(head == heads[0] for head in heads)


@pytest.fixture
def half_dead(weir, origins):
    """One worker; requests for /dead meet a backend that is not there, all others one that tunnels and answers."""

    async def behave(exchange):
        if exchange.request.all("upgrade"):
            await exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n")
            await exchange.reader.read()
            exchange.close()
        else:
            await exchange.respond(body=b"fine")

    (alive, dead) = origins("alive", "dead", behave=behave)
    dead.stop()
    pools = (pool_of([alive]), pool_of([dead], name="dead", min_healthy=1))
    route = {"match": {"path": "/dead"}, "pool": "dead"}
    running = weir(config_of(*pools, listener={"pool": "site", "routes": [route]}, workers=1))
    running.wait_for_state("healthy", "alive")
    return running


def assert_only_its_own(response):
    assert response.status in (502, 503)
    names = {name.lower() for name, _ in response.headers}
    assert names <= {"content-type", "cache-control", "retry-after", "date", "x-request-id", "content-length", "via"}
    assert len(names) == len(response.headers)


def test_an_error_has_nothing_of_another_clients_trailers(half_dead):
    trailers = "X-Secret: of-somebody-else\r\nX-Short: a\r\n"
    for _ in range(3):
        with half_dead.connect() as first:
            first.send(f"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n{trailers}\r\n")
            assert first.response("POST").status == 200
        with half_dead.connect() as second:
            assert_only_its_own(second.request(target="/dead"))


def test_an_error_has_nothing_of_its_own_requests_trailers(half_dead):
    with half_dead.connect() as client:
        client.send("POST /dead HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "1\r\na\r\n0\r\nX-Secret: of-itself\r\n\r\n")
        assert_only_its_own(client.response("POST"))


def test_an_error_has_nothing_of_a_tunnels_request(half_dead):
    upgrade = [("Connection", "upgrade"), ("Upgrade", "other")]
    filler = [(f"X-Filler-{i}", "v" * 60) for i in range(30)]
    with half_dead.connect() as first:
        first.send_request(headers=[*upgrade, *filler])
        assert first.head().status == 101
        with half_dead.connect() as other:
            assert other.request(headers=[("Cookie", "session=" + "s" * 2000)]).status == 200
            first.reset()
            eventually(lambda: half_dead.metric("weir_backend_requests_active") == 0, what="the tunnel has ended")
            with half_dead.connect() as third:
                assert_only_its_own(third.request(target="/dead"))
