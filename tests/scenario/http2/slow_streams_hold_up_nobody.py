"""Flow control becomes back-pressure: a stream that stalls, either way, costs its siblings nothing and little memory."""

import asyncio

from h2_raw import DataFrame, RawH2, get, post
from waiting import PATIENCE, eventually


def test_a_client_that_does_not_read_one_stream(proxy):
    sent = []

    async def endless(exchange):
        if exchange.request.target != "/endless":
            return await exchange.respond(body=b"ok")
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1000):
            await asyncio.wait_for(exchange.send(b"x" * 1_000_000), 60 * PATIENCE)
            sent.append(1)

    running, _ = proxy(endless, listener={"http2": True}, workers=1)
    before = running.resident_kb()
    with RawH2(running.port) as client:
        client.window(0, 1 << 30)
        client.headers(1, get("/endless"))
        client.wait(lambda made: isinstance(made, DataFrame))
        for stream in range(3, 43, 2):
            client.headers(stream, get("/"))
            assert client.response(stream)[2] == b"ok"
        assert sum(len(made.data) for made in client.of(DataFrame, 1)) <= 65535
        assert len(sent) < 30, "the backend was held back"
        assert running.resident_kb() - before < 20_000 * PATIENCE


def test_a_backend_that_does_not_read_one_request(proxy):
    async def stuck(exchange):
        if exchange.request.target == "/stuck":
            return await asyncio.sleep(60 * PATIENCE)
        await exchange.respond(body=await exchange.read_body())

    running, _ = proxy(stuck, listener={"http2": True}, workers=1)
    with RawH2(running.port) as client:
        # As much as each of them may have: far more than any one connection window would hold.
        for stream in range(1, 101, 2):
            client.headers(stream, post("/stuck"), end_stream=False)
            client.data(stream, b"x" * 16384)
            client.data(stream, b"x" * 16384)
            client.receive(0)
        client.headers(201, post("/"), end_stream=False)
        client.data(201, b"small", end_stream=True)
        assert client.response(201)[2] == b"small"


def test_many_answers_at_once(proxy):
    running, _ = proxy(listener={"http2": True}, workers=1)
    with RawH2(running.port) as client:
        client.ping()
        for stream in range(1, 101, 2):
            client.headers(stream, get())
        eventually(lambda: client.receive(0.05) is None or len(client.of(DataFrame)) == 50, 10, "all answers")
