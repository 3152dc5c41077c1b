"""A TCP backend that has said all and closed refuses what its client still sends. What it said arrives all the same."""

from waiting import eventually

SIZE = 1_500_000


async def say_all(connection):
    await connection.reader.readexactly(1)
    await connection.send(b"z" * SIZE)
    connection.writer.close()


def test_a_client_that_goes_on_sending(relay):
    running, _ = relay(say_all)
    with running.connect(receive_buffer=4096) as client:
        client.send(b"?")
        eventually(lambda: running.metric("weir_bytes_total", direction="client_out") >= SIZE, what="all is passed on")
        for _ in range(3):
            client.send(b"more")
            running.settle(0.1)
        assert client.read_to_end() == b"z" * SIZE
    eventually(lambda: running.access_log())
    assert running.access_log()[0]["termination"] == "backend_closed"
