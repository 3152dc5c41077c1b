"""The tools of the scenario tests do what they say: a client against an origin, with nothing between."""

import pytest
from client import Connection, get, raw, request
from load import Load
from origin import Origin
from waiting import eventually


@pytest.fixture
def origin():
    made = Origin("one").start()
    yield made
    made.stop()
    assert made.faults == []


def test_a_plain_get_is_answered_and_recorded(origin):
    response = get(origin.port, "/path?x=1", [("X-Thing", "1")])
    assert (response.status, response.body, response.backend) == (200, b"one", "one")
    assert origin.requests[0].target == "/path?x=1"
    assert origin.requests[0].get("x-thing") == "1"


def test_probes_are_kept_apart(origin):
    origin.healthy = False
    assert get(origin.port, "/health").status == 503
    assert (len(origin.requests), len(origin.probes)) == (0, 1)


def test_bodies_and_trailers_are_read_in_both_codings(origin):
    assert request(origin.port, "POST", "/", body=b"abc").status == 200
    chunked = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n"
    assert request(origin.port, "POST", "/", [("Transfer-Encoding", "chunked")], chunked).status == 200
    assert [r.body for r in origin.requests] == [b"abc", b"abcde"]
    assert origin.requests[1].trailers == [("X-Sum", "5")]


def test_the_client_reads_chunked_close_delimited_and_interim_responses(origin):
    async def chunked(exchange):
        await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
        await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n")

    async def until_close(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\n\r\nabc")
        exchange.close()

    origin.behave = chunked
    response = get(origin.port)
    assert (response.body, response.trailers) == (b"abc", [("T", "1")])
    assert [interim.status for interim in response.interim] == [103]
    origin.behave = until_close
    assert get(origin.port).body == b"abc"


def test_raw_returns_all_bytes_until_the_end(origin):
    async def two(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nextra")
        exchange.close()

    origin.behave = two
    assert raw(origin.port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"extra")


def test_a_stopped_origin_refuses_and_comes_back_on_its_port(origin):
    connection = Connection(origin.port)
    connection.request()
    origin.stop()
    assert connection.is_closed()
    with pytest.raises(ConnectionRefusedError):
        get(origin.port)
    origin.start()
    assert get(origin.port).status == 200


@pytest.mark.parametrize("fresh", [False, True])
def test_load_counts_requests_and_backends(origin, fresh):
    with Load(origin.port, connections=4, fresh=fresh) as load:
        load.wait_for_requests(200)
    load.assert_nothing_lost()
    assert load.outcome.by_backend == {"one": load.outcome.requests}
    assert len(origin.requests) == load.outcome.requests
    eventually(lambda: origin.connections_open == 0)


def test_load_notices_wrong_statuses_cut_responses_and_refusals(origin):
    async def fail(exchange):
        await exchange.respond(503)

    async def cut(exchange):
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        exchange.close()

    for behave, text in ((fail, "http/1.1 503"), (cut, "closed in the middle of a response")):
        origin.behave = behave
        with Load(origin.port, connections=1) as load:
            eventually(lambda: load.outcome.failures)
        assert load.outcome.failures[0].startswith(text)
    origin.stop()
    with Load(origin.port, connections=1) as load:
        eventually(lambda: load.outcome.failures)
    assert load.outcome.failures[0].startswith("cannot connect")
