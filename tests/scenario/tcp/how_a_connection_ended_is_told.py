"""One line of the access log for each connection: bytes each way, and how it ended and by whom. A break is passed on
as a break."""

import pytest
from tcp_backend import TcpBackend, tcp_config, tcp_pool
from waiting import PATIENCE, eventually, free_port


def only_line(running):
    lines = eventually(running.access_log, 10, "a line of the access log")
    assert len(lines) == 1, lines
    return lines[0]


def test_the_client_finished(relay):
    running, backend = relay()
    with running.connect() as connection:
        connection.send(b"12345")
        assert connection.read_exactly(5) == b"12345"
        connection.end()
        assert connection.is_closed()
    line = only_line(running)
    assert (line["termination"], line["bytes_in"], line["bytes_out"]) == ("client_closed", 5, 5)
    assert (line["listener"], line["pool"], line["backend"], line["version"]) == ("web", "site", "one", "TCP")
    assert line["attempts"] == 1 and line["duration_ms"] > 0
    assert running.metric("weir_relayed_connections_total", backend="one", termination="client_closed") == 1
    assert running.metric("weir_bytes_total", direction="client_in") == 5
    assert backend.accepted >= 1


def test_the_backend_finished(relay):
    async def bye(connection):
        await connection.reader.readexactly(1)
        await connection.send(b"bye")

    running, _ = relay(bye)
    with running.connect() as connection:
        connection.send(b"x")
        assert connection.read_to_end() == b"bye"
    assert only_line(running)["termination"] == "backend_closed"


def test_a_backend_killed_in_mid_stream_resets_the_client(relay):
    running, backend = relay()
    with running.connect() as connection:
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
        backend.break_all()
        with pytest.raises(ConnectionResetError):
            connection.fill()
    assert only_line(running)["termination"] == "backend_reset"


def test_a_client_that_breaks_off_resets_the_backend(relay):
    broken = []

    async def wait(connection):
        await connection.send(b"x")
        try:
            await connection.reader.read(-1)
        except ConnectionResetError:
            broken.append(True)

    running, _ = relay(wait)
    connection = running.connect()
    assert connection.read_exactly(1) == b"x"
    connection.reset()
    assert only_line(running)["termination"] == "client_abort"
    eventually(lambda: broken)


def test_a_silent_connection_ends_after_its_timeout(relay):
    running, _ = relay(listener={"timeouts": {"tunnel": f"{400 * PATIENCE}ms"}})
    with running.connect() as connection:
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
        assert connection.is_closed()
    assert only_line(running)["termination"] == "idle_timeout"


def test_a_busy_direction_keeps_the_silent_one(relay):
    running, _ = relay(listener={"timeouts": {"tunnel": f"{3 * PATIENCE}s"}})
    with running.connect() as connection:
        for _ in range(10):
            connection.send(b"x")
            assert connection.read_exactly(1) == b"x"
            running.settle(0.4)


def test_no_backend_answers(weir):
    gone = TcpBackend("gone", port=free_port())
    running = weir(tcp_config(tcp_pool(gone, health_check="off", retries=0)))
    with running.connect() as connection:
        assert connection.is_closed()
    line = only_line(running)
    assert (line["termination"], line["backend"], line["bytes_in"]) == ("backend_refused", "gone", 0)


def test_a_dead_backend_costs_no_client_its_connection(weir, backends):
    (alive,) = backends("alive")
    gone = TcpBackend("gone", port=free_port())
    running = weir(tcp_config(tcp_pool(gone, alive, health_check="off", retries={"attempts": 1, "budget": "100%"})))
    for _ in range(6):
        with running.connect() as connection:
            connection.send(b"x")
            assert connection.read_exactly(1) == b"x"
    eventually(lambda: len(running.access_log()) == 6)
    assert {line["backend"] for line in running.access_log()} == {"alive"}
    assert max(line["attempts"] for line in running.access_log()) == 2
