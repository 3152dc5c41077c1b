"""Admin clients that send or read slowly, and many of them, hold up neither traffic nor other admin clients."""

import time

import pytest
from load import Load
from waiting import PATIENCE


@pytest.mark.multiworker
def test_half_requests_and_unread_answers(proxy):
    running, _ = proxy()
    slow = []
    for number in range(50):
        from client import Connection

        connection = Connection(running.admin_port, receive_buffer=4096)
        if number % 2:
            connection.send("POST /backends HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{")
        else:
            connection.send("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 20)
        slow.append(connection)
    with Load(running.port, connections=8) as load:
        load.wait_for_requests(300)
        begin = time.monotonic()
        assert running.admin("GET", "/health").status == 200
        assert time.monotonic() - begin < 2 * PATIENCE
    load.assert_nothing_lost()
    assert load.outcome.slowest < 2 * PATIENCE
    for connection in slow:
        connection.close()
