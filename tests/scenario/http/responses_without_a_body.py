"""HEAD, 204 and 304 have no body whatever their fields say, and the connection goes on behind them."""

import pytest


def with_head(*lines):
    async def behave(exchange):
        if exchange.request.method == "GET" and exchange.request.target == "/plain":
            return await exchange.respond(body=b"plain")
        await exchange.send("\r\n".join([*lines, "", ""]).encode())

    return behave


@pytest.mark.parametrize("method, lines", [
    ("HEAD", ["HTTP/1.1 200 OK", "Content-Length: 1000"]),
    ("HEAD", ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"]),
    ("HEAD", ["HTTP/1.1 404 Not Found", "Content-Length: 12"]),
    ("GET", ["HTTP/1.1 204 No Content"]),
    ("GET", ["HTTP/1.1 304 Not Modified", "Content-Length: 1000", 'ETag: "x"']),
    ("GET", ["HTTP/1.1 200 OK", "Content-Length: 0"]),
])
def test_the_connection_goes_on(proxy, method, lines):
    running, origin = proxy(with_head(*lines))
    with running.connect() as connection:
        for _ in range(2):
            response = connection.request(method)
            assert response.status == int(lines[0].split()[1])
            assert response.body == b""
            if "Content-Length: 1000" in lines:
                assert response.get("content-length") == "1000"
        assert connection.request(target="/plain").body == b"plain"
    assert running.metric("weir_upstream_connections_opened_total") == 1
