"""HTTP/1.0: the connection closes after the response unless the client asks to keep it, Host is not needed, and nothing
is chunked towards it."""


async def chunked(exchange):
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


def test_the_connection_closes(proxy):
    running, _ = proxy()
    with running.connect() as connection:
        connection.send("GET / HTTP/1.0\r\n\r\n")
        assert connection.response().body == b"one"
        assert connection.is_closed()


def test_it_is_kept_when_asked_for(proxy):
    running, _ = proxy()
    with running.connect() as connection:
        for _ in range(3):
            response = connection.request(version="HTTP/1.0", headers=[("Connection", "keep-alive")])
            assert response.body == b"one"
            assert response.get("connection").lower() == "keep-alive"


def test_a_chunked_response_is_unwrapped(proxy):
    running, _ = proxy(chunked)
    with running.connect() as connection:
        response = connection.request(version="HTTP/1.0")
        assert (response.body, response.get("transfer-encoding")) == (b"abc", None)


def test_the_backend_sees_1_1_and_a_host(proxy):
    running, origin = proxy()
    with running.connect() as connection:
        connection.send("GET / HTTP/1.0\r\n\r\n")
        assert connection.response().status == 200
    assert origin.requests[0].version == "HTTP/1.1"
    assert origin.requests[0].get("host") is not None
