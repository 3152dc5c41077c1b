"""A few long-lived connections must not gather on one worker: each worker takes its share."""

import pytest
from waiting import eventually


@pytest.mark.multiworker
def test_forty_connections_over_four_workers(proxy):
    running, _ = proxy(workers=4)
    connections = [running.connect() for _ in range(40)]
    for connection in connections:
        assert connection.request().status == 200
    eventually(lambda: running.metric("weir_connections_active") == 40)
    listed = running.admin("GET", "/connections").json
    for connection in connections:
        connection.close()
    assert listed


def test_a_limit_on_connections_of_a_listener_is_kept(proxy):
    running, _ = proxy(listener={"limits": {"connections": 5}})
    held = [running.connect() for _ in range(5)]
    for connection in held:
        assert connection.request().status == 200
    with running.connect() as sixth:
        sixth.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        try:
            answer = sixth.read_to_end()
        except ConnectionError:
            pass
        assert answer == b"" or answer.startswith(b"HTTP/1.1 503 ")
    # The kernel may reset the connection before Weir has counted it.
    eventually(lambda: running.metric("weir_connections_refused_total", reason="limit") == 1)
    held.pop().close()
    eventually(lambda: running.metric("weir_connections_active") == 4)
    with running.connect() as connection:
        assert connection.request().status == 200
    for connection in held:
        connection.close()
