"""A flood of connections from elsewhere to the admin API does not lock out the operator on this machine."""

import contextlib
import hashlib
import socket

import pytest
from waiting import PATIENCE, eventually, free_port
from weir import config_of, pool_of

TOKEN = [("Authorization", "Bearer secret")]


def address_of_this_machine():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def is_closed_at_once(connection):
    connection.settimeout(5 * PATIENCE)
    return connection.recv(1) == b""


def test_local_connections_are_taken_when_remote_ones_are_not(weir, origins):
    outside = address_of_this_machine()
    if outside.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    port = free_port()
    token = {"name": "me", "role": "admin", "sha256": hashlib.sha256(b"secret").hexdigest()}
    running = weir(config_of(pool_of(origins("a")), admin={"listen": f"0.0.0.0:{port}", "tokens": [token]}), wait=False)
    running.admin_port = port
    eventually(running.is_ready)
    with contextlib.ExitStack() as flood:
        taken = [flood.enter_context(socket.create_connection((outside, port))) for _ in range(224)]
        with socket.create_connection((outside, port)) as one_more:
            assert is_closed_at_once(taken[0]), "the one that has waited longest makes way"
            assert is_served(one_more)
        assert running.admin("GET", "/backends", None, TOKEN).status == 200


def is_served(connection):
    connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    connection.settimeout(5 * PATIENCE)
    return connection.recv(100).startswith(b"HTTP/1.1 ")
