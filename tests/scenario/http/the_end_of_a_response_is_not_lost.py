"""A connection that Weir ends is closed only when the client can have taken all of its response: bytes of the client
that nobody reads would turn the close into a reset, which throws away what is still on its way (RFC 9112 9.6)."""

import pytest

from tls_end import TlsEnd
from tls_peers import https_of
from waiting import eventually
from weir import pool_of

SIZE = 1_500_000  # more than a reader's small buffer takes, less than what the kernel keeps for it
CLOSE = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
PIPELINED = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"


async def large(exchange):
    await exchange.respond(body=b"z" * SIZE)


def is_logged(running):
    return len(running.access_log()) == 1


@pytest.mark.parametrize("extra", ["\r\n", PIPELINED], ids=["an empty line", "a request"])
@pytest.mark.parametrize("when", ["with the request", "during the response", "after the response"])
def test_bytes_behind_the_last_request(proxy, extra, when):
    running, _ = proxy(large)
    with running.connect(receive_buffer=4096) as client:
        client.send(CLOSE + (extra if when == "with the request" else ""))
        assert client.read_until(b"\r\n\r\n")
        if when == "during the response":
            client.send(extra)
        eventually(lambda: is_logged(running), what="Weir has written all")
        running.settle(0.1)
        if when == "after the response":
            client.send(extra)
            running.settle(0.1)
        assert client.read_to_end() == b"z" * SIZE


def test_bytes_and_the_end_of_tls_behind_the_last_request(weir, origins, authority):
    running = weir(https_of(pool_of(origins("one", behave=large)), certificates=[authority.issue("site.example")]))
    with TlsEnd.connect(running.port, authority, receive_buffer=4096) as client:
        client.send(CLOSE.replace("Host: a", "Host: site.example").encode())
        begin = client.receive()
        while client.received.pending:
            begin += client.receive()
        client.send(b"\r\n")
        client.attempt(client.tls.unwrap)
        client.flush()
        eventually(lambda: is_logged(running), what="Weir has written all")
        running.settle(0.1)
        assert (begin + client.receive_all()).partition(b"\r\n\r\n")[2] == b"z" * SIZE


def test_a_refused_upload_is_read_until_the_client_looks_at_the_answer(proxy):
    running, origin = proxy(listener={"limits": {"body_bytes": 1000}})
    size = 20_000_000
    with running.connect() as client:
        client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n")
        for _ in range(20):
            client.send(b"x" * (size // 20))
        response = client.response("POST")
        assert response.status == 413 and response.closes
        client.read_to_end()
    assert origin.requests == []


def test_a_client_that_sends_nothing_more_is_closed_at_once(proxy):
    running, _ = proxy()
    with running.connect() as client:
        client.send_request("GET", "/", [("Connection", "close")])
        assert client.response().status == 200
        client.read_to_end()
        eventually(lambda: running.metric("weir_connections_active") == 0, seconds=1)
