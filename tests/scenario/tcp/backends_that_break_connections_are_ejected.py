"""Of TCP connections only those count that cannot be opened or are reset before the first byte; a silent one that was
opened is good news after a second."""

import contextlib

from tcp_backend import echo, tcp_config, tcp_pool
from waiting import PATIENCE, eventually


async def reset_at_once(connection):
    await connection.reader.readexactly(1)
    connection.reset()


async def reset_after_a_byte(connection):
    await connection.send(await connection.reader.readexactly(1))
    connection.reset()


def ejected(running, backend):
    return running.admin("GET", f"/backends/{backend}").json["ejected"]


def say(running):
    """Whether something comes back."""
    with running.connect() as connection:
        connection.send(b"x")
        with contextlib.suppress(ConnectionError):
            return connection.fill()
        return False


def start(weir, good, bad, base):
    passive = {"ejection": {"base": base, "max": base}}
    return weir(tcp_config(tcp_pool(good, bad, health_check="off", passive=passive)))


def test_three_resets_before_the_first_byte_eject(weir, backends):
    good, bad = *backends("good"), *backends("bad", behave=reset_at_once)
    running = start(weir, good, bad, "60s")
    assert [say(running) for _ in range(12)].count(False) == 3
    assert ejected(running, "bad")["reason"] == "reset"
    assert bad.accepted == 3


def test_resets_behind_it_do_not(weir, backends):
    good, bad = *backends("good"), *backends("bad", behave=reset_after_a_byte)
    running = start(weir, good, bad, "60s")
    for _ in range(12):
        say(running)
    assert ejected(running, "bad") is None
    assert bad.accepted == 6


def test_a_silent_connection_is_a_trial_that_succeeds(weir, backends):
    good, bad = *backends("good"), *backends("bad", behave=reset_at_once)
    running = start(weir, good, bad, "100ms")
    eventually(lambda: not say(running) and ejected(running, "bad"))
    bad.behave = echo
    with contextlib.ExitStack() as stack:
        def is_back():
            stack.enter_context(running.connect())
            return ejected(running, "bad") is None
        eventually(is_back, 10 * PATIENCE)
