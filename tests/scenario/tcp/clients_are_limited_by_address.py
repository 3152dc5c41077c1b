"""Who may connect, how many connections a client may have, and how quickly new ones may come: on all listeners."""

import pytest
from client import Connection
from waiting import eventually


def refused(running, reason):
    return running.metric("weir_connections_refused_total", reason=reason)


def serves(running, host="127.0.0.1"):
    try:
        with Connection(running.port, host) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return connection.fill()
    except ConnectionError:
        return False


@pytest.fixture(params=["tcp", "http"])
def behind(request, relay, proxy):
    """behind(**listener): Weir with such a listener, of each protocol."""

    def start(**listener):
        return (relay if request.param == "tcp" else proxy)(listener=listener)[0]

    return start


def test_denied_clients_are_turned_away(behind):
    running = behind(deny=["127.0.0.0/8"])
    assert not serves(running)
    assert refused(running, "denied") == 1
    running.reload({**running.config, "listeners": [{**running.config["listeners"][0], "deny": []}]})
    assert serves(running)


def test_only_allowed_clients_are_served(behind):
    running = behind(allow=["127.0.0.1", "192.0.2.0/24"], deny=["192.0.2.1"])
    assert serves(running)
    running.reload({**running.config, "listeners": [{**running.config["listeners"][0], "allow": ["192.0.2.0/24"]}]})
    assert not serves(running)
    assert refused(running, "denied") == 1


def test_a_client_has_so_many_connections(behind):
    running = behind(limits={"connections_per_client": 3})
    held = [running.connect() for _ in range(3)]
    eventually(lambda: running.metric("weir_connections_active") == 3)
    assert not serves(running)
    assert refused(running, "client_connections") == 1
    held.pop().close()
    eventually(lambda: running.metric("weir_connections_active") == 2)
    assert serves(running)
    for connection in held:
        connection.close()


def test_new_connections_of_a_client_come_at_a_rate(behind):
    running = behind(limits={"client_connection_rate": 5})
    served = sum(bool(serves(running)) for _ in range(40))
    assert 5 <= served < 40
    assert refused(running, "client_rate") == 40 - served


def test_new_connections_of_a_listener_come_at_a_rate(behind):
    running = behind(limits={"connection_rate": 5})
    served = sum(bool(serves(running)) for _ in range(40))
    assert 5 <= served < 40
    assert refused(running, "rate") == 40 - served
    eventually(lambda: serves(running), 5, "served again")
