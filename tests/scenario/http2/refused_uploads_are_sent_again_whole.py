"""What of an upload had come before a backend refused its stream goes on to the next backend, before the rest."""

import asyncio

import h2.settings
import pytest

from h2_origin import H2Origin
from h2_raw import RawH2, frame, get, post
from waiting import eventually
from weir import config_of, pool_of

REFUSED_STREAM = 7


@pytest.fixture
def refusing(weir):
    """A backend that lets no body through and refuses what comes with one, and another that takes everything."""

    async def refuse(call):
        if call.get(":method") != "POST":
            return await call.respond()
        await asyncio.sleep(0.1)
        call.peer.h2.reset_stream(call.stream, REFUSED_STREAM)
        await call.peer.flush()

    async def take(call):
        if call.get(":method") == "POST":
            call.origin.uploads.append(call)
        await call.respond(body=b"taken")

    refuser = H2Origin("refuser", settings={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0}, behave=refuse).start()
    taker = H2Origin("taker", behave=take).start()
    taker.uploads = []
    site = pool_of([refuser, taker], protocol="h2", algorithm="round_robin")
    site["health_check"] = "off"
    running = weir(config_of(site, listener={"http2": True}, workers=1))
    yield running, refuser, taker
    for origin in (refuser, taker):
        origin.stop()
        assert origin.faults == []


@pytest.mark.parametrize("length", [(), (("content-length", "12"),)], ids=["without length", "with length"])
def test_the_first_piece_is_not_lost(refusing, length):
    running, refuser, taker = refusing
    with RawH2(running.port) as client:
        for stream in (1, 3):  # from now on Weir knows the windows of both
            client.headers(stream, get())
            assert client.status(stream) == 200
        for number, stream in enumerate((5, 7, 9, 11), start=1):
            client.send(frame(1, 4, stream, client.encode(post("/", *length))) + frame(0, 0, stream, b"FIRST-"))
            eventually(lambda: len(taker.uploads) == number, what="the upload is with who takes it")
            client.data(stream, b"second", end_stream=True)
            assert client.status(stream) == 200
    assert any(call.get(":method") == "POST" for call in refuser.calls), "some were refused before"
    assert [call.body for call in taker.uploads] == [b"FIRST-second"] * 4
