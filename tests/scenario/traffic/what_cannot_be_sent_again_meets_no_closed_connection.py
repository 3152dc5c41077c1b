"""A request that cannot be sent again never goes out on a kept-alive connection that its backend has closed already,
whatever its method and whichever version of HTTP the backend speaks: Weir asks before it uses one."""

import contextlib
import os
import signal
import socket

import pytest

from h2_origin import H2Origin
from waiting import background
from weir import config_of

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextlib.contextmanager
def paused(running):
    """What happens meanwhile reaches Weir all at once, in this order."""
    running.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, running.process.pid, os.WSTOPPED | os.WNOWAIT)
    try:
        yield
    finally:
        running.process.send_signal(signal.SIGCONT)


def site(port, **settings):
    backend = {"id": "a", "host": "127.0.0.1", "port": port}
    return config_of({"name": "site", "health_check": "off", "backends": [backend], **settings}, workers=1)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_an_upload_to_a_backend_of_http_1(weir, method):
    with contextlib.ExitStack() as open_things:
        listening = open_things.enter_context(socket.create_server(("127.0.0.1", 0)))
        listening.settimeout(20)
        running = weir(site(listening.getsockname()[1]))
        client = open_things.enter_context(running.connect())
        client.send_request("GET", "/")
        backend = listening.accept()[0]
        backend.recv(4096)
        backend.sendall(OK)
        assert client.response().status == 200
        with paused(running):
            client.send(f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf")
            backend.close()
        running.settle(0.1)
        client.send("half")
        backend = open_things.enter_context(listening.accept()[0])
        backend.settimeout(20)
        got = b""
        while not got.endswith(b"halfhalf"):
            piece = backend.recv(4096)
            assert piece, got
            got += piece
        backend.sendall(OK)
        assert client.response(method).status == 200
        assert running.metric("weir_retries_total") == 0


@pytest.fixture
def h2_backend():
    async def answer(call):
        await call.read_body()
        await call.respond(body=b"ok")

    origin = H2Origin(behave=answer).start()
    yield origin
    origin.stop()
    assert origin.faults == []


@pytest.mark.parametrize("how", ["close", "GOAWAY and close"])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_upload_to_a_backend_of_http_2(weir, h2_backend, method, how):
    async def leave():
        h2_backend.peers[-1].transport.close()

    running = weir(site(h2_backend.port, protocol="h2"))
    with running.connect() as client:
        assert client.request("GET", "/").status == 200
        for turn in range(3):
            with paused(running):
                client.send(f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nhalf")
                if how != "close":
                    h2_backend.goaway(2 * turn + 1)
                background.run(leave())
                running.settle(0.1)
            running.settle(0.1)
            client.send("half")
            assert client.response(method).status == 200, f"in turn {turn}"
        assert running.metric("weir_retries_total") == 0
