"""Expect: 100-continue: the client is told to send its body when the backend says so, or gets the final answer at once."""



def send_head(connection, length=5, version="HTTP/1.1"):
    connection.send(f"POST / {version}\r\nHost: a\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n")


def test_the_interim_response_arrives_before_the_body_is_sent(proxy):
    async def continue_first(exchange):
        if exchange.request.get("expect") == "100-continue":
            await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await exchange.read_body()
        await exchange.respond(body=body)

    running, origin = proxy(continue_first)
    with running.connect() as connection:
        send_head(connection)
        assert connection.head().status == 100
        connection.send("hello")
        assert connection.response("POST").body == b"hello"
        assert connection.request().status == 200
    assert origin.requests[0].get("expect") == "100-continue"


def test_a_final_answer_without_the_body_is_passed_on(proxy):
    async def refuse(exchange):
        exchange.body_read = True
        await exchange.respond(417)
        exchange.close()

    running, _ = proxy(refuse)
    with running.connect() as connection:
        send_head(connection)
        response = connection.response("POST")
        assert (response.status, response.interim) == (417, [])


def test_a_client_that_sends_its_body_without_waiting_is_served(proxy):
    async def echo(exchange):
        await exchange.respond(body=await exchange.read_body())

    running, _ = proxy(echo)
    with running.connect() as connection:
        send_head(connection)
        connection.send("hello")
        assert connection.response("POST").body == b"hello"




def test_http_1_0_gets_no_interim_response(proxy):
    async def echo(exchange):
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        await exchange.respond(body=await exchange.read_body())

    running, _ = proxy(echo)
    with running.connect() as connection:
        send_head(connection, version="HTTP/1.0")
        connection.send("hello")
        response = connection.response("POST")
        assert (response.status, response.body, response.interim) == (200, b"hello", [])


