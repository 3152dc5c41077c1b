"""A response that lasts until the end of its connection ends with close_notify: without it a client must take it for cut
off (RFC 8446 6.1)."""

import ssl
import time

import pytest

from tls_end import TlsEnd
from tls_peers import https_of
from waiting import PATIENCE
from weir import pool_of


@pytest.mark.parametrize("size", [0, 1_000, 300_000, 2_500_000, 5_000_000])
def test_behind_a_slow_reader(weir, origins, authority, size):
    async def until_close(exchange):
        await exchange.send_head(200, [("Connection", "close")], version="HTTP/1.0")
        await exchange.send(b"z" * size)
        exchange.close()

    running = weir(https_of(pool_of(origins("one", behave=until_close), health_check="off"),
                            certificates=[authority.issue("site.example")]))
    with TlsEnd.connect(running.port, authority, receive_buffer=4096) as client:
        client.send(b"GET / HTTP/1.0\r\nHost: site.example\r\n\r\n")
        time.sleep(0.2 * PATIENCE)  # everything is full
        head, _, body = client.receive_all().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200") and len(body) == size


def test_not_when_it_was_cut_off(weir, origins, authority):
    async def reset(exchange):
        await exchange.send_head(200, [("Content-Length", "100")])
        await exchange.send(b"not all of it")
        exchange.reset()

    running = weir(https_of(pool_of(origins("one", behave=reset), health_check="off"),
                            certificates=[authority.issue("site.example")]))
    with TlsEnd.connect(running.port, authority) as client:
        client.send(b"GET / HTTP/1.0\r\nHost: site.example\r\n\r\n")
        with pytest.raises((ssl.SSLEOFError, ConnectionError)):
            client.receive_all()
