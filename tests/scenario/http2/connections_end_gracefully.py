"""GOAWAY: on drain, when a listener goes, and when a connection has reached its age; requests under way finish."""

import asyncio
import time

from h2_raw import GoAwayFrame, NO_ERROR, RawH2, frame, get
from waiting import PATIENCE, eventually


async def gated(exchange):
    if exchange.request.target == "/wait":
        while not getattr(exchange.origin, "open", False):
            await asyncio.sleep(0.01)
    await exchange.respond(body=b"done")


def answer_pings(client):
    from hyperframe.frame import PingFrame
    for made in client.of(PingFrame):
        if "ACK" not in made.flags:
            client.send(frame(6, 1, 0, made.opaque_data))


def test_sigterm_lets_requests_finish(proxy):
    running, origin = proxy(gated, listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, get("/wait"))
        eventually(lambda: origin.requests, 10, "the request")
        running.terminate()
        notice = client.wait(lambda made: isinstance(made, GoAwayFrame))
        assert (notice.error_code, notice.last_stream_id) == (NO_ERROR, 0x7fffffff)
        # What was sent before the notice was heard is served.
        client.headers(3, get("/"))
        assert client.response(3)[2] == b"done"
        answer_pings(client)
        final = client.wait(lambda made: isinstance(made, GoAwayFrame) and made.last_stream_id != 0x7fffffff)
        assert (final.error_code, final.last_stream_id) == (NO_ERROR, 3)
        origin.open = True
        assert client.response(1)[2] == b"done"
        assert client.is_over()
    assert running.wait() == 0


def test_an_idle_connection_ends_at_once(proxy):
    running, _ = proxy(listener={"http2": True})
    with RawH2(running.port) as client:
        client.headers(1, get())
        assert client.status(1) == 200
        running.terminate()
        client.wait(lambda made: isinstance(made, GoAwayFrame))
        answer_pings(client)
        assert client.is_over(5)
    assert running.wait() == 0


def test_an_old_connection_is_asked_to_leave(proxy):
    running, _ = proxy(listener={"http2": {"enabled": True, "max_connection_age": "300ms"}})
    began = time.monotonic()
    with RawH2(running.port) as client:
        notice = client.wait(lambda made: isinstance(made, GoAwayFrame))
        assert notice.error_code == NO_ERROR
        age = time.monotonic() - began
        assert 0.2 <= age <= 0.4 + 2 * PATIENCE
        client.headers(1, get())
        assert client.status(1) == 200
        answer_pings(client)
        assert client.is_over()


def test_an_idle_connection_is_closed_in_time(proxy):
    running, _ = proxy(listener={"http2": True, "timeouts": {"idle": f"{PATIENCE}s"}})
    with RawH2(running.port) as client:
        client.headers(1, get())
        assert client.status(1) == 200
        assert client.goaway_code() == NO_ERROR
        assert client.is_over()


LARGE = 600_000


async def large(exchange):
    await exchange.respond(body=b"x" * LARGE)


class Lazy(RawH2):
    """A client that has asked for much, and takes nothing of it before the request has left Weir's hands."""

    def __init__(self, running):
        super().__init__(running.port, settings={4: 4 * LARGE}, receive_buffer=4096)
        self.window(0, 4 * LARGE)
        self.headers(1, get("/large"))
        eventually(lambda: [line for line in running.access_log() if line["path"] == "/large"], 10, "the request's end")

    def rest(self):
        # What clients send of their own while they read must not meet a closed socket.
        self.send(frame(6, 0, 0, b"still on"))
        return self.response(1)


def test_what_was_asked_for_is_taken_though_weir_ends(proxy):
    running, _ = proxy(large, listener={"http2": True}, workers=1)
    with Lazy(running) as client:
        running.terminate()
        time.sleep(3)
        assert len(client.rest()[2]) == LARGE
        assert client.is_over()
    assert running.wait() == 0


def test_what_was_asked_for_is_taken_though_the_time_without_requests_is_over(proxy):
    running, _ = proxy(large, listener={"http2": True, "timeouts": {"idle": f"{PATIENCE}s"}}, workers=1)
    with Lazy(running) as client:
        time.sleep(3 * PATIENCE)
        assert len(client.rest()[2]) == LARGE
        assert client.goaway_code() == NO_ERROR
        assert client.is_over()


def test_who_takes_nothing_any_more_is_not_waited_for(proxy):
    timeouts = {"idle": f"{PATIENCE}s", "body": f"{PATIENCE}s"}
    running, _ = proxy(large, listener={"http2": True, "timeouts": timeouts}, workers=1)
    with Lazy(running):
        eventually(lambda: running.metric("weir_connections_active") == 0, 10, "the connection's end")


def test_a_notice_that_nobody_answers_is_followed_by_the_end(proxy):
    """New requests are not taken for ever: the final GOAWAY comes though the client never says that it has heard."""
    running, origin = proxy(gated, listener={"http2": {"enabled": True, "max_connection_age": "200ms"}})
    with RawH2(running.port) as client:
        client.headers(1, get("/wait"))
        final = client.wait(lambda made: isinstance(made, GoAwayFrame) and made.last_stream_id != 0x7fffffff)
        assert (final.error_code, final.last_stream_id) == (NO_ERROR, 1)
        origin.open = True
        assert client.response(1)[2] == b"done"
        assert client.is_over()
