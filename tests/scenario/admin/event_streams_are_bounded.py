"""Streams of events have a bound of their own, and their places are free again when their clients are gone: health and
metrics always answer."""

import contextlib
import socket

import pytest
from origin import Origin
from waiting import eventually
from weir import Weir, config_of, pool_of

STREAMS = 64


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    origin = Origin("a").start()
    instance = Weir(tmp_path_factory.mktemp("weir"), config_of(pool_of([origin]))).start()
    yield instance
    instance.stop()
    origin.stop()


def assert_health_answers(running):
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert running.admin("GET", path).status == 200, path


def test_no_number_of_streams_keeps_health_from_answering(running):
    with contextlib.ExitStack() as stack:
        for _ in range(STREAMS):
            assert stack.enter_context(running.events()).status == 200
        for _ in range(3):
            with running.events() as refused:
                assert refused.status == 503
        assert_health_answers(running)


def test_a_client_that_is_gone_leaves_its_place_at_once(running):
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            eventually(lambda: stack.enter_context(running.events()).status == 200, 5)
            for _ in range(STREAMS - 1):
                assert stack.enter_context(running.events()).status == 200


def test_connections_without_a_request_make_way(running):
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", running.admin_port))) for _ in range(300)]
        assert_health_answers(running)
        idle[0].settimeout(5)
        assert idle[0].recv(1) == b"", "the one that has waited longest is closed"


def test_a_stream_goes_on_after_the_last_event_seen(running):
    with running.events() as first:
        assert running.admin("POST", "/backends/a/disable").status == 200
        assert first.next("change")["id"] == "site/a"
    assert running.admin("POST", "/backends/a/enable").status == 200
    with running.events(first.last_id) as second:
        assert second.next("change")["path"] == "/backends/a/enable"
    with running.events("1-1") as other:
        assert other.next("gap")["reason"] == "restart"
