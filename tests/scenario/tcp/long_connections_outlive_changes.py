"""Reloads and draining with connections that last: what was open stays open until its time is over."""

import threading
import time

import pytest
from tcp_backend import TcpBackend, tcp_config, tcp_pool
from waiting import PATIENCE, eventually, free_port

pytestmark = pytest.mark.multiworker


class Talker:
    """A client on each of whose connections a message goes round all the time."""

    def __init__(self, running, connections):
        self.connections = [running.connect() for _ in range(connections)]
        self.rounds, self.faults, self.ending = 0, [], False
        self.thread = threading.Thread(target=self.talk)
        self.thread.start()

    def talk(self):
        message = b"0123456789" * 20
        try:
            while not self.ending:
                for connection in self.connections:
                    connection.send(message)
                for connection in self.connections:
                    assert connection.read_exactly(len(message)) == message
                self.rounds += 1
        except (AssertionError, OSError) as fault:
            self.faults.append(fault)

    def wait_for_rounds(self, more):
        target = self.rounds + more
        eventually(lambda: self.faults or self.rounds >= target, 30, "messages going round")
        assert not self.faults

    def end(self):
        self.ending = True
        self.thread.join()
        for connection in self.connections:
            connection.close()


def test_reloads_under_load_keep_every_connection(weir, backends):
    a, b, c = backends("a", "b", "c")
    config = tcp_config(tcp_pool(a, b))
    running = weir(config)
    talker = Talker(running, 40)
    try:
        for pool in [tcp_pool(a, b, c), tcp_pool(b, a, algorithm="least_connections"), tcp_pool(a, b, weights=[5, 1]),
                     tcp_pool(c, a, b, algorithm="maglev", drain_timeout="60s")] * 2:
            running.reload({**config, "pools": [pool]})
            talker.wait_for_rounds(5)
    finally:
        talker.end()
    assert talker.faults == []
    eventually(lambda: running.metric("weir_relayed_connections_total", termination="client_closed") >= 40)


@pytest.mark.parametrize("operation", ["drain", "disable"])
def test_a_draining_backend_keeps_its_connections_for_its_time(weir, backends, operation):
    a, b = backends("a", "b")
    running = weir(tcp_config(tcp_pool(a, b, drain_timeout=f"{1500 * PATIENCE}ms", health_check="off")))
    held = [running.connect() for _ in range(6)]
    for connection in held:
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
    on_a = [len(a.open)]
    assert running.admin("POST", f"/backends/a/{operation}").status == 200
    begin = time.monotonic()
    for connection in held:
        connection.send(b"y")
        assert connection.read_exactly(1) == b"y", "draining ends nothing at once"
    eventually(lambda: len(a.open) == 0, 10, "the drain timeout cuts what is left")
    assert time.monotonic() - begin > PATIENCE
    eventually(lambda: running.metric("weir_relayed_connections_total", termination="backend_drained") == on_a[0])
    for connection in held:
        connection.close()


def test_a_stopping_weir_waits_for_its_connections(weir, backends):
    (one,) = backends("one")
    running = weir(tcp_config(tcp_pool(one), drain_timeout="20s"))
    with running.connect() as connection:
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
        running.terminate()
        eventually(lambda: not running.is_open(running.port))
        connection.send(b"still here")
        assert connection.read_exactly(10) == b"still here"
    assert running.wait() == 0


def test_a_stopping_weir_does_not_wait_for_ever(weir, backends):
    (one,) = backends("one")
    running = weir(tcp_config(tcp_pool(one), drain_timeout="1s"))
    with running.connect() as connection:
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
        running.terminate()
        assert connection.is_closed()
    assert running.wait() == 0
    assert running.access_log()[-1]["termination"] == "drained"


def test_a_removed_listener_lets_its_connections_end(weir, backends):
    (one,) = backends("one")
    running = weir(tcp_config(tcp_pool(one)))
    with running.connect() as connection:
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
        old = running.port
        running.reload({**running.config, "listeners": [
            {**running.config["listeners"][0], "name": "other", "address": f"127.0.0.1:{free_port()}"}]})
        eventually(lambda: not running.is_open(old))
        connection.send(b"y")
        assert connection.read_exactly(1) == b"y"


def test_a_backend_that_comes_back_is_used_again(weir):
    port = free_port()
    pool = tcp_pool(TcpBackend("one", port=port))
    running = weir(tcp_config(pool))
    eventually(lambda: running.state("one") == "unhealthy")
    with running.connect() as connection:
        assert connection.is_closed()
    backend = TcpBackend("one", port=port).start()
    running.wait_for_state("healthy", "one")
    with running.connect() as connection:
        connection.send(b"x")
        assert connection.read_exactly(1) == b"x"
    backend.stop()
