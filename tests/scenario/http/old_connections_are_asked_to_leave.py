"""max_connection_age: an HTTP/1.1 connection of that age ends with its next response, so that clients spread again."""

import time

import pytest

from h2_raw import GoAwayFrame, RawH2
from waiting import PATIENCE

AGE = f"{600 * PATIENCE}ms"


def responses_until_close(connection, seconds=10):
    """How many requests it takes until a response says that it is the last."""
    end = time.monotonic() + seconds * PATIENCE
    count = 0
    while time.monotonic() < end:
        response = connection.request()
        assert response.status == 200
        count += 1
        if response.get("connection") == "close":
            assert connection.is_closed()
            return count
    raise AssertionError("the connection never ends")


@pytest.mark.parametrize("routes", [[], [{"match": {"path": "/"}, "respond": {"status": 200, "body": "here"}}]],
                         ids=["from a backend", "from Weir"])
def test_the_response_after_the_age_is_the_last(proxy, routes):
    running, _ = proxy(listener={"max_connection_age": AGE, "routes": routes})
    began = time.monotonic()
    with running.connect() as connection:
        assert connection.request().get("connection") is None
        assert responses_until_close(connection) >= 1
        assert time.monotonic() - began >= 0.4 * PATIENCE
    with running.connect() as connection:
        assert connection.request().get("connection") is None


def test_without_it_connections_stay(proxy):
    running, _ = proxy()
    with running.connect() as connection:
        for _ in range(5):
            assert connection.request().get("connection") is None
            running.settle(0.05)


def test_it_holds_for_http2_unless_that_has_its_own(proxy):
    running, _ = proxy(listener={"http2": True, "max_connection_age": AGE})
    with RawH2(running.port) as client:
        assert client.wait(lambda made: isinstance(made, GoAwayFrame)).error_code == 0
    listener = {**running.config["listeners"][0], "http2": {"enabled": True, "max_connection_age": "1h"}}
    running.reload({**running.config, "listeners": [listener]})
    with RawH2(running.port) as client:
        running.settle(1.2)
        assert client.ping() and not client.of(GoAwayFrame)
