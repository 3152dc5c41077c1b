"""Open connections count for least_connections and max_connections, and end with what they count for."""

from tcp_backend import tcp_config, tcp_pool
from waiting import eventually


def first_byte(running):
    connection = running.connect()
    connection.send(b"?")
    return connection, connection.read_exactly(1).decode()


async def say_name(connection):
    await connection.reader.readexactly(1)
    await connection.send(connection.backend.name.encode())
    await connection.reader.read(-1)


def test_least_connections_fills_the_emptier_backend(weir, backends):
    a, b = backends("a", "b", behave=say_name)
    running = weir(tcp_config(tcp_pool(a, b, algorithm="least_connections")))
    held = [first_byte(running) for _ in range(10)]
    assert sorted(name for _, name in held) == ["a"] * 5 + ["b"] * 5
    for connection, name in held:
        if name == "a":
            connection.close()
    eventually(lambda: running.metric("weir_backend_requests_active", backend="a") == 0)
    more = [first_byte(running) for _ in range(5)]
    assert [name for _, name in more] == ["a"] * 5
    for connection, _ in held + more:
        connection.close()
    eventually(lambda: running.metric("weir_backend_requests_active") == 0)


def test_a_full_backend_lets_the_next_connection_wait(weir, backends):
    (one,) = backends("a", behave=say_name)
    pool = tcp_pool(one, health_check="off")
    pool["backends"][0]["max_connections"] = 1
    running = weir(tcp_config(pool))
    first, _ = first_byte(running)
    second = running.connect()
    second.send(b"?")
    running.settle()
    assert running.metric("weir_upstream_queue_length") == 1
    first.close()
    assert second.read_exactly(1) == b"a"
    second.close()
    eventually(lambda: running.metric("weir_backend_connections_active", backend="a") == 0)
