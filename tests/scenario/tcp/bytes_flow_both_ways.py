"""A TCP listener moves bytes both ways, each for itself: small and large, and passes on the end of either side."""

import random

import pytest
from waiting import eventually


def test_small_messages_come_back(relay):
    running, _ = relay()
    with running.connect() as connection:
        for i in range(200):
            message = f"message {i}".encode()
            connection.send(message)
            assert connection.read_exactly(len(message)) == message


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 65_536, 262_144, 5_000_000])
def test_a_message_of_any_size_comes_back_unchanged(relay, size):
    running, _ = relay()
    message = random.Random(size).randbytes(size)
    with running.connect() as connection:
        for _ in range(3):
            # In pieces: both directions are busy at once, and nobody's buffers need to hold all of it.
            for start in range(0, size, 200_000):
                piece = message[start:start + 200_000]
                connection.send(piece)
                assert connection.read_exactly(len(piece)) == piece


def test_a_backend_that_speaks_first_is_heard(relay):
    async def greet(connection):
        await connection.send(b"220 hello\r\n")
        assert await connection.reader.readline() == b"QUIT\r\n"
        await connection.send(b"221 bye\r\n")

    running, _ = relay(greet)
    with running.connect() as connection:
        assert connection.read_exactly(11) == b"220 hello\r\n"
        connection.send(b"QUIT\r\n")
        assert connection.read_to_end() == b"221 bye\r\n"


@pytest.mark.parametrize("answer_bytes", [10, 3_000_000])
def test_the_end_of_the_client_leaves_the_other_direction_open(relay, answer_bytes):
    async def answer_at_the_end(connection):
        asked = await connection.reader.read(-1)
        await connection.send(asked + b"x" * answer_bytes)

    running, _ = relay(answer_at_the_end)
    with running.connect() as connection:
        connection.send(b"all")
        connection.end()
        assert connection.read_to_end() == b"all" + b"x" * answer_bytes
    eventually(lambda: running.metric("weir_connections_active") == 0)


def test_the_end_of_the_backend_leaves_the_other_direction_open(relay):
    heard = []

    async def speak_then_listen(connection):
        await connection.send(b"that is all from me")
        connection.end()
        heard.append(await connection.reader.read(-1))

    running, _ = relay(speak_then_listen)
    with running.connect() as connection:
        assert connection.read_to_end() == b"that is all from me"
        connection.send(b"y" * 500_000)
        connection.send(b"end")
        connection.end()
        eventually(lambda: heard)
    assert heard == [b"y" * 500_000 + b"end"]
