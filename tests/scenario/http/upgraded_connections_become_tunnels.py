"""Upgrade: when the backend agrees with 101, bytes flow both ways until both have ended; otherwise it is an ordinary
exchange. A real WebSocket library talks through it."""

import asyncio

import pytest
from waiting import PATIENCE, background, eventually

UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "echo")]


async def echo(exchange):
    """Switches to a protocol that sends every byte back."""
    if exchange.request.get("upgrade") is None:
        return await exchange.respond(body=b"plain")
    await exchange.send_head(101, [("Connection", "Upgrade"), ("Upgrade", "echo")])
    while data := await exchange.reader.read(65536):
        await exchange.send(data)
    exchange.close()


def test_bytes_flow_both_ways(proxy):
    running, origin = proxy(echo)
    with running.connect() as connection:
        connection.send_request(headers=UPGRADE)
        head = connection.head()
        assert (head.status, head.get("upgrade")) == (101, "echo")
        for piece in (b"one", b"two" * 100_000, b"three"):
            connection.send(piece)
            assert connection.read_exactly(len(piece)) == piece
        connection.end()
        assert connection.is_closed()
    assert origin.requests[0].get("upgrade") == "echo"
    assert "upgrade" in origin.requests[0].get("connection").lower()


def test_bytes_sent_right_behind_the_request_reach_the_backend(proxy):
    running, _ = proxy(echo)
    with running.connect() as connection:
        connection.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly")
        assert connection.head().status == 101
        assert connection.read_exactly(5) == b"early"


def test_the_end_of_one_side_leaves_the_other_open(proxy):
    async def after_end(exchange):
        await exchange.send_head(101, [("Connection", "Upgrade"), ("Upgrade", "echo")])
        data = await exchange.reader.read(-1)
        await exchange.send(b"got " + data)
        exchange.close()

    running, _ = proxy(after_end)
    with running.connect() as connection:
        connection.send_request(headers=UPGRADE)
        assert connection.head().status == 101
        connection.send(b"all")
        connection.end()
        assert connection.read_to_end() == b"got all"


def test_a_backend_that_declines_is_an_ordinary_exchange(proxy):
    async def decline(exchange):
        await exchange.respond(body=b"no")

    running, _ = proxy(decline)
    with running.connect() as connection:
        assert connection.request(headers=UPGRADE).body == b"no"
        assert connection.request().body == b"no"


def test_connect_is_refused(proxy):
    running, origin = proxy()
    with running.connect() as connection:
        connection.send("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n")
        assert connection.response("CONNECT").status in (405, 501)
    assert origin.requests == []


def test_a_silent_tunnel_ends_after_its_timeout(proxy):
    running, _ = proxy(echo, listener={"timeouts": {"tunnel": f"{500 * PATIENCE}ms"}})
    with running.connect() as connection:
        connection.send_request(headers=UPGRADE)
        assert connection.head().status == 101
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
        assert connection.is_closed()


def test_websockets_of_a_library_work(weir):
    import websockets
    from origin import Origin
    from weir import config_of, pool_of

    origin = Origin("ws")

    async def serve(socket):
        async for message in socket:
            await socket.send(message)

    async def start():
        return await websockets.serve(serve, "127.0.0.1", origin.port)

    server = background.run(start())
    check = {"type": "tcp", "interval": "5s"}
    running = weir(config_of(pool_of([origin], health_check=check)))

    async def talk():
        async with websockets.connect(f"ws://127.0.0.1:{running.port}/chat") as socket:
            for size in (1, 100, 70_000):
                await socket.send("x" * size)
                assert await socket.recv() == "x" * size
            await asyncio.wait_for(await socket.ping(), 5)

    background.run(talk())
    background.loop.call_soon_threadsafe(server.close)


@pytest.mark.multiworker
def test_a_reload_keeps_open_tunnels(proxy):
    running, _ = proxy(echo)
    with running.connect() as connection:
        connection.send_request(headers=UPGRADE)
        assert connection.head().status == 101
        running.reload({**running.config, "drain_timeout": "11s"})
        connection.send(b"still here")
        assert connection.read_exactly(10) == b"still here"
    eventually(lambda: running.metric("weir_connections_active") == 0)
