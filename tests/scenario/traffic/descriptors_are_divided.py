"""With far more clients than descriptors, those that are accepted are served, the admin API answers and backends stay
healthy; idle connections make way for new ones."""

import contextlib
import threading
import time

import pytest
from client import Connection
from waiting import eventually
from weir import config_of, pool_of


def under(limit):
    return ["prlimit", f"--nofile={limit}:{limit}"]


class Clients(threading.Thread):
    """Connections that ask again and again, and come back when they are closed, until told to stop."""

    def __init__(self, port, count):
        super().__init__()
        self.port, self.count = port, count
        self.stopping = threading.Event()
        self.statuses, self.closed = {}, 0

    def run(self):
        connections = [None] * self.count
        while not self.stopping.is_set():
            for i in range(self.count):
                if self.stopping.is_set():
                    break
                try:
                    connections[i] = connections[i] or Connection(self.port)
                    status = connections[i].request().status
                    self.statuses[status] = self.statuses.get(status, 0) + 1
                except (AssertionError, OSError):
                    self.closed += 1
                    connections[i].close()
                    connections[i] = None
        for connection in filter(None, connections):
            connection.close()


@pytest.mark.parametrize(("limit", "clients"), [(256, 200), (2000, 1100)])
def test_more_clients_than_descriptors(weir, origins, limit, clients):
    backends = origins("a", "b", "c")
    running = weir(config_of(pool_of(backends)), under=under(limit))
    flood = [Clients(running.port, clients // 4) for _ in range(4)]
    for thread in flood:
        thread.start()
    try:
        # As many as may be are there, and others come.
        eventually(lambda: sum(thread.closed for thread in flood) > 20, 20)
        probes = [len(backend.probes) for backend in backends]
        begin = time.monotonic()
        for _ in range(10):
            assert running.admin("GET", "/health/ready").status == 200
        assert time.monotonic() - begin < 10
        eventually(lambda: all(len(now.probes) > then + 2 for now, then in zip(backends, probes)), 20)
        assert {running.state(backend.name) for backend in backends} == {"healthy"}
        assert f"descriptors: of {limit} open files at most " in running.log()
    finally:
        for thread in flood:
            thread.stopping.set()
        for thread in flood:
            thread.join()
    statuses = {status for thread in flood for status in thread.statuses}
    assert statuses == {200}
    assert "unhealthy" not in running.log()


def test_idle_connections_make_way_for_new_ones(weir, origins):
    running = weir(config_of(pool_of(origins("one")), max_connections=8, workers=1))
    with contextlib.ExitStack() as open_ones:
        first = [open_ones.enter_context(running.connect()) for _ in range(8)]
        for connection in first:
            assert connection.request().status == 200
        for _ in range(8):
            assert open_ones.enter_context(running.connect()).request().status == 200
        for connection in first:
            assert connection.is_closed()
    assert "idle ones are closed for new ones" in running.log()


def test_uploads_that_nobody_wants_make_way_like_idle_connections(weir):
    listener = {"routes": [{"match": {"path_prefix": "/"}, "respond": {"status": 200, "body": "fine"}}]}
    running = weir(config_of(listener=listener, max_connections=40, workers=1))
    with contextlib.ExitStack() as open_ones:
        # More than may be on their way out at a time.
        uploads = [open_ones.enter_context(running.connect()) for _ in range(24)]
        for upload in uploads:
            upload.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            assert upload.response("POST").closes
        for _ in range(16):
            assert open_ones.enter_context(running.connect()).request().status == 200

        def have_made_way():
            for upload in uploads:
                with contextlib.suppress(OSError):
                    upload.send(b"x" * 4096)
            return running.metric("weir_connections_active", listener="web") <= 40

        for _ in range(5):
            for _ in range(8):
                assert open_ones.enter_context(running.connect()).request().status == 200
            eventually(have_made_way)
    assert running.metric("weir_connections_refused_total", listener="web", reason="max_connections") == 0


def test_clients_beyond_max_connections_are_refused_where_none_is_idle(weir, origins):
    running = weir(config_of(pool_of(origins("one")), max_connections=4, workers=1))
    with contextlib.ExitStack() as open_ones:
        for _ in range(4):
            open_ones.enter_context(running.connect()).send("GET / HTTP/1.1\r\n")
        eventually(lambda: running.metric("weir_connections_active", listener="web") == 4)
        assert open_ones.enter_context(running.connect()).is_closed()
    assert running.metric("weir_connections_refused_total", listener="web", reason="max_connections") == 1
