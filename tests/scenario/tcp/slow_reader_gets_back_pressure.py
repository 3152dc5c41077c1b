"""A client that does not read stops the backend; Weir holds next to nothing of the stream."""

import time

import pytest
from waiting import eventually


@pytest.mark.alone
def test_the_backend_is_stopped_and_goes_on(relay):
    total = 200_000_000
    state = {"sent": 0}

    async def pour(connection):
        piece = b"z" * 100_000
        while state["sent"] < total:
            await connection.send(piece)
            state["sent"] += len(piece)

    running, _ = relay(pour)
    before = running.resident_kb()
    connection = running.connect(receive_buffer=65536)
    eventually(lambda: state["sent"] > 0)
    last = -1
    while state["sent"] != last:
        last = state["sent"]
        time.sleep(0.5)
    assert 0 < last < total / 2, "the backend was never stopped"
    assert running.resident_kb() - before < 8_000
    with connection:
        received = 0
        while connection.fill():
            received += len(connection.buffer)
            connection.buffer = b""
    assert received == total
    eventually(lambda: running.metric("weir_connections_active") == 0)
