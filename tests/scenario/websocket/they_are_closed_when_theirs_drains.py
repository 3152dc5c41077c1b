"""A draining backend or listener ends its WebSockets in their own terms: Close 1012 or 1001, between two frames."""

import asyncio
import base64
import hashlib

import pytest
import websockets

from h2_raw import DataFrame, RawH2
from h2_websocket import StreamSocket, connect
from waiting import PATIENCE, background, eventually, free_port
from weir import config_of, pool_of


class ChattyServer:
    """A backend that says back what it hears, and remembers how its sockets were closed."""

    name, host = "ws", "127.0.0.1"

    def __init__(self):
        self.port, self.codes, self.open = free_port(), [], 0

    async def echo(self, socket):
        self.open += 1
        try:
            async for message in socket:
                await socket.send(message)
        except websockets.ConnectionClosed:
            pass
        self.codes.append(socket.close_code)

    def start(self):
        async def begin():
            self.server = await websockets.serve(self.echo, self.host, self.port, ping_interval=None)

        background.run(begin())
        return self


@pytest.fixture
def chat(weir):
    server = ChattyServer().start()
    pool = pool_of([server])
    pool["health_check"] = "off"
    yield weir(config_of(pool, listener={"http2": True})), server
    background.loop.call_soon_threadsafe(server.server.close)


async def closed_with(port, drain):
    async with websockets.connect(f"ws://127.0.0.1:{port}/ws", ping_interval=None) as socket:
        await socket.send("hello")
        assert await socket.recv() == "hello"
        await asyncio.get_running_loop().run_in_executor(None, drain)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 10 * PATIENCE)
        return closed.value.code


def test_by_a_draining_backend(chat):
    running, server = chat
    assert background.run(closed_with(running.port, lambda: running.admin("POST", "/backends/ws/drain"))) == 1012
    eventually(lambda: server.codes == [1012], 10, "the backend is told as well")
    (line,) = eventually(running.access_log)
    assert line["termination"] == "backend_drained" and "1012" in line["detail"], line


def test_by_the_end_of_weir(chat):
    running, server = chat
    assert background.run(closed_with(running.port, running.terminate)) == 1001
    assert running.wait() == 0
    eventually(lambda: server.codes == [1001])
    (line,) = running.access_log()
    assert line["termination"] == "drained" and "1001" in line["detail"], line


def test_by_the_removal_of_its_listener(chat):
    running, server = chat
    other = {**running.config, "listeners": [{**running.config["listeners"][0], "name": "other",
                                              "address": f"127.0.0.1:{free_port()}"}]}
    port = running.port
    assert background.run(closed_with(port, lambda: running.reload(other))) == 1001
    eventually(lambda: server.codes == [1001])


def test_by_a_reload_without_its_backend(chat):
    running, server = chat
    pool = {**running.config["pools"][0], "backends": [{"id": "another", "host": "127.0.0.1", "port": free_port()}]}
    assert background.run(closed_with(running.port, lambda: running.reload({**running.config, "pools": [pool]}))) == 1012
    eventually(lambda: server.codes == [1012])


def test_over_http2(chat):
    running, server = chat
    with RawH2(running.port) as client:
        socket = StreamSocket(client, 1)
        socket.send("hello")
        assert socket.receive() == (1, b"hello")
        running.admin("POST", "/backends/ws/drain")
        assert socket.receive() == (8, (1012).to_bytes(2, "big"))
        socket.close()
        assert socket.receive() is None
    eventually(lambda: server.codes == [1012])


def test_not_in_the_middle_of_a_frame(chat):
    running, server = chat
    with RawH2(running.port) as client:
        socket = StreamSocket(client, 1)
        client.data(1, b"\x81\x85\0\0\0\0hel")
        eventually(lambda: server.open == 1)
        running.admin("POST", "/backends/ws/drain")
        assert socket.receive() == (8, (1012).to_bytes(2, "big"))
        client.data(1, b"lo")
        eventually(lambda: server.codes == [1012], 10, "the backend's Close came behind the frame")


def accept_of(request):
    key = request.get("sec-websocket-key").encode()
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


async def switch(exchange):
    await exchange.send_head(101, [("Connection", "Upgrade"), ("Upgrade", "websocket"),
                                   ("Sec-WebSocket-Accept", accept_of(exchange.request))])


CLOSE_1012 = b"\x88\x02\x03\xf4"


def test_though_the_drain_came_before_the_handshake_was_over(proxy):
    async def hesitate(exchange):
        while not getattr(exchange.origin, "open", False):
            await asyncio.sleep(0.01)
        await switch(exchange)
        await exchange.reader.read()

    running, origin = proxy(hesitate, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, connect(), end_stream=False)
        eventually(lambda: origin.requests, 10, "the handshake")
        running.admin("POST", "/backends/one/drain")
        running.wait_for_state("draining", "one")
        origin.open = True
        assert client.wait(lambda made: isinstance(made, DataFrame)).data == CLOSE_1012


def test_a_close_is_not_lost_behind_the_end(proxy):
    """The backend hangs up at once; the client, which had no room for it, still finds the Close."""
    async def hang_up(exchange):
        await switch(exchange)
        await exchange.reader.read(1)
        exchange.close()
        exchange.origin.has_hung_up = True

    running, origin = proxy(hang_up, listener={"http2": True})
    with RawH2(running.port, settings={4: 0}) as client:
        socket = StreamSocket(client, 1)
        assert socket.status == 200
        running.admin("POST", "/backends/one/drain")
        eventually(lambda: getattr(origin, "has_hung_up", False), 10, "the backend's end")
        client.receive(0.3)
        client.window(1, 1000)
        data = client.wait(lambda made: isinstance(made, DataFrame))
        assert data is not None and data.data == CLOSE_1012
