"""A backend that closes its kept-alive connection between two requests costs no request, not even a POST, which is
never sent twice: Weir asks the kernel before it uses an idle connection, whatever events it has yet to see."""

import contextlib
import socket

import pytest
from weir import config_of

REPETITIONS = 300


def take_request(connection):
    data = b""
    while b"\r\n\r\nbody" not in data:
        piece = connection.recv(4096)
        assert piece, f"Weir closed after {data!r}"
        data += piece
    return data


@pytest.mark.multiworker
@pytest.mark.parametrize("workers", [1, 3])
def test_every_post_is_answered(weir, workers):
    with contextlib.ExitStack() as open_things:
        listening = open_things.enter_context(socket.create_server(("127.0.0.1", 0)))
        listening.settimeout(20)
        backend = {"id": "a", "host": "127.0.0.1", "port": listening.getsockname()[1]}
        pool = {"name": "site", "health_check": "off", "backends": [backend]}
        running = weir(config_of(pool, workers=workers))
        clients = [open_things.enter_context(running.connect()) for _ in range(workers)]
        for turn in range(REPETITIONS):
            client = clients[turn % workers]
            client.send_request("POST", body=b"body")
            connection = listening.accept()[0]
            connection.settimeout(20)
            assert take_request(connection).startswith(b"POST")
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            assert client.response("POST").status == 200, f"in turn {turn}"
            connection.close()
        assert running.metric("weir_retries_total") == 0
