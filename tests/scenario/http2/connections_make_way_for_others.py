"""Few connections to a backend, by its max_connections: one that serves nobody any more keeps nobody waiting."""

import asyncio
import collections
import contextlib
import ssl

import h2.settings
import pytest

from h2_origin import H2Origin
from h2_raw import GoAwayFrame, HeadersFrame, RawH2, get, post
from waiting import PATIENCE, background, eventually
from weir import config_of, pool_of


class Held:
    """Answers at once, but /hold... when it is let go, and /half never wholly; aborts the first connection on /die."""

    def __init__(self):
        self.gates, self.died = collections.defaultdict(asyncio.Event), False

    def let_go(self, path="/hold"):
        background.loop.call_soon_threadsafe(lambda: self.gates[path].set())

    async def __call__(self, call):
        if call.path == "/die" and not self.died:
            self.died = True
            return call.peer.transport.abort()
        if call.path == "/half":
            await call.send_headers([(":status", "200")])
            return await asyncio.sleep(60 * PATIENCE)
        if call.path.startswith("/hold"):
            await self.gates[call.path].wait()
        await call.respond(body=b"ok")


@pytest.fixture
def start(weir):
    """start(places=) starts Weir in front of one HTTP/2 backend with that many connections: (weir, backend)."""
    origins = []

    def start(places, workers=1, settings=None, tls=None, **pool):
        origins.append(H2Origin(behave=Held(), settings=settings, tls=tls).start())
        site = pool_of(origins, protocol="h2", **pool)
        site["health_check"] = "off"
        site["backends"][0]["max_connections"] = places
        return weir(config_of(site, listener={"http2": True}, workers=workers)), origins[0]

    yield start
    for origin in origins:
        origin.stop()
    assert [fault for origin in origins for fault in origin.faults] == []


def change(running, places):
    changed = {**running.config}
    changed["pools"][0]["backends"][0]["max_connections"] = places
    running.reload(changed)


def clients_of_all_workers(stack, running, origin, workers):
    """One client of each worker, as [(the connection that its worker has to the backend, the client)]."""
    found = {}

    def one_more():
        client = stack.enter_context(RawH2(running.port))
        client.headers(1, get())
        assert client.status(1) == 200
        found.setdefault(origin.calls[-1].peer, client)
        return len(found) == workers

    eventually(one_more)
    return list(found.items())


def hold(client, stream, origin, path="/hold"):
    """A request that stays open; the connection to the backend that it uses."""
    before = len(origin.calls)
    client.headers(stream, get(path))
    eventually(lambda: len(origin.calls) > before)
    return origin.calls[-1].peer


def test_a_worker_whose_only_connection_is_to_end_asks_the_others_for_a_place(start):
    running, origin = start(places=2, workers=2)
    with contextlib.ExitStack() as stack:
        (peer, client), _ = clients_of_all_workers(stack, running, origin, 2)
        assert hold(client, 3, origin) is peer
        goaway = GoAwayFrame(last_stream_id=origin.calls[-1].stream).serialize()
        background.loop.call_soon_threadsafe(peer.transport.write, goaway)
        for stream in range(5, 25, 2):
            client.headers(stream, get())
            assert client.status(stream) == 200
        eventually(lambda: len(origin.peers) == 3)
        origin.behave.let_go()
        assert client.status(3) == 200, "what was under way goes on"


def test_a_backend_that_drains_by_settings_and_goaway_is_open_on_another_connection(start):
    running, origin = start(places=2)
    with RawH2(running.port) as client:
        peer = hold(client, 1, origin)

        async def drain():
            peer.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 0})
            await peer.flush()
            peer.transport.write(GoAwayFrame(last_stream_id=origin.calls[-1].stream).serialize())

        background.run(drain())
        eventually(lambda: peer.h2.local_settings.max_concurrent_streams == 0, 10, "its acknowledgement")
        client.headers(3, get())
        assert client.status(3) == 200
        origin.behave.let_go()
        assert client.status(1) == 200
    assert len(origin.peers) == 2


def test_idle_connections_make_way_before_busy_ones(start):
    """Whichever worker is asked first: the place comes from the one that needs it least."""
    running, origin = start(places=4, workers=3, connections={"max_streams": 1})
    with contextlib.ExitStack() as stack:
        (_, busy), (_, first), (lost, second) = clients_of_all_workers(stack, running, origin, 3)
        hold(busy, 3, origin)
        hold(busy, 5, origin)
        assert len(origin.peers) == 4
        change(running, places=3)
        background.loop.call_soon_threadsafe(lost.transport.abort)
        eventually(lambda: origin.lost == 1)
        for asker in (second, first):  # each without a connection when its turn comes
            asker.headers(3, get())
            assert asker.status(3) == 200
        assert len(origin.peers) == 6


def test_a_promised_place_does_not_keep_others_from_being_asked(start):
    """What is promised may be busy for long; meanwhile another worker's connection may come to be idle."""
    running, origin = start(places=4, workers=3, connections={"max_streams": 1}, timeouts={"queue": "30s"})
    with contextlib.ExitStack() as stack:
        (_, busy), (_, other), (lost, asker) = clients_of_all_workers(stack, running, origin, 3)
        hold(busy, 3, origin)
        hold(busy, 5, origin)
        change(running, places=3)
        background.loop.call_soon_threadsafe(lost.transport.abort)
        eventually(lambda: origin.lost == 1)
        hold(other, 3, origin, "/hold/other")
        before = len(origin.calls)
        asker.headers(3, get())
        assert not asker.receive(0.3) or not asker.of(HeadersFrame, 3)
        assert len(origin.calls) == before, "all are busy"
        origin.behave.let_go("/hold/other")
        assert asker.status(3) == 200


def test_who_asks_again_is_content_with_an_older_connection(start):
    """No new one may be opened in place of the one that was lost."""
    running, origin = start(places=2, connections={"max_streams": 1})
    with RawH2(running.port) as client:
        hold(client, 1, origin)
        hold(client, 3, origin)
        origin.behave.let_go()
        assert (client.status(1), client.status(3)) == (200, 200)
        assert len(origin.peers) == 2
        change(running, places=1)
        client.headers(5, get("/die"))
        assert client.status(5) == 200
        assert (len(origin.peers), origin.lost) == (2, 1)


def test_connections_by_older_rules_of_tls_make_way(start, authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("IP:127.0.0.1").files.values())
    context.set_alpn_protocols(["h2"])
    running, origin = start(places=1, tls=context)
    with RawH2(running.port) as client:
        changed = {**running.config}
        for stream, rules in ((1, {"ca": str(authority.cert)}), (3, {"ca": str(authority.cert), "min_version": "1.3"})):
            changed["pools"][0]["tls"] = rules
            running.reload(changed)
            client.headers(stream, get())
            assert client.status(stream) == 200
        assert len(origin.peers) == 2
        eventually(lambda: origin.lost == 1)


def test_a_body_that_fails_to_come_costs_no_connection_that_was_heard_meanwhile(start):
    """Also when its request is being sent at the same time, and that has begun to wait after the last bytes came."""
    running, origin = start(places=1, settings={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0},
                            timeouts={"body": "1500ms"}, retries={"attempts": 0})
    with RawH2(running.port) as client:
        client.headers(1, post("/half"), end_stream=False)
        client.wait(lambda made: isinstance(made, HeadersFrame) and made.stream_id == 1)
        for stream in (3, 5, 7):
            client.headers(stream, get())
            assert client.status(stream) == 200
        client.data(1, b"x" * 100)
        client.reset_code(1)
        client.headers(9, get())
        assert client.status(9) == 200
    assert len(origin.peers) == 1
