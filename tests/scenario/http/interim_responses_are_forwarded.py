"""1xx responses go through to an HTTP/1.1 client, in order, before the final one."""


async def hints(exchange):
    await exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
    await exchange.send(b"HTTP/1.1 102 Processing\r\n\r\n")
    await exchange.respond(body=b"done")


def test_both_arrive(proxy):
    running, _ = proxy(hints)
    with running.connect() as connection:
        response = connection.request()
        assert [interim.status for interim in response.interim] == [103, 102]
        assert response.interim[0].get("link") == "</a.css>"
        assert response.body == b"done"
        assert connection.request().body == b"done"


def test_an_http_1_0_client_gets_only_the_final_one(proxy):
    running, _ = proxy(hints)
    with running.connect() as connection:
        response = connection.request(version="HTTP/1.0")
        assert (response.interim, response.body) == ([], b"done")
