"""Listeners come and go with a reload; connections of those that stay are not touched."""

import asyncio
import json
import pathlib
import socket
import threading
import time

import pytest
from client import get
from waiting import background, eventually, free_port
from weir import config_of, pool_of


def with_listeners(config, *ports):
    listeners = [{**config["listeners"][0], "name": f"on-{port}", "address": f"127.0.0.1:{port}"} for port in ports]
    return {**config, "listeners": listeners}


def test_a_new_listener_serves_and_a_removed_one_is_closed(weir, origins):
    kept, removed, added = (free_port() for _ in range(3))
    config = config_of(pool_of(origins("a")))
    running = weir(with_listeners(config, kept, removed))
    with running.connect() as connection:
        assert connection.request().status == 200
        running.reload(with_listeners(config, kept, added))
        assert connection.request().status == 200
    assert get(added).status == 200
    eventually(lambda: refuses(removed))


def refuses(port):
    try:
        get(port)
        return False
    except (ConnectionError, AssertionError):  # also closed before the response
        return True


def test_a_listener_that_is_removed_may_come_back_at_once(weir, origins):
    port = free_port()
    running = weir(config_of(pool_of(origins("a"))))
    for address in (f"127.0.0.1:{port}", f"127.0.0.1:{port}", f"*:{port}", f"127.0.0.1:{port}"):
        listener = {"name": "extra", "address": address, "pool": "site"}
        assert running.admin("POST", "/listeners", listener).status == 201
        assert get(port).status == 200
        assert running.admin("DELETE", "/listeners/extra").status == 200
    eventually(lambda: refuses(port))


def test_a_listener_may_move_from_one_address_to_all_and_back(weir, origins):
    config = config_of(pool_of(origins("a")))
    running = weir(config)
    for address in (f"*:{running.port}", f"127.0.0.1:{running.port}"):
        running.reload({**config, "listeners": [{**config["listeners"][0], "address": address}]})
        assert get(running.port).status == 200


def test_the_address_of_somebody_else_is_still_refused(weir, origins):
    running = weir(config_of(pool_of(origins("a"))))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        listener = {"name": "extra", "address": f"127.0.0.1:{other.getsockname()[1]}", "pool": "site"}
        assert running.admin("POST", "/listeners", listener).status == 409


def test_a_request_on_a_removed_listener_is_finished(weir, origins):
    release = asyncio.Event()

    async def hold(exchange):
        await release.wait()
        await exchange.respond(body=b"whole")

    (origin,) = origins("a", behave=hold)
    kept, removed = free_port(), free_port()
    config = config_of(pool_of([origin]))
    running = weir(with_listeners(config, removed, kept))
    with running.connect() as connection:
        connection.send_request()
        eventually(lambda: origin.requests)
        running.reload(with_listeners(config, kept))
        background.loop.call_soon_threadsafe(release.set)
        response = connection.response()
        assert (response.body, response.closes) == (b"whole", True)


@pytest.mark.parametrize("moved", [False, True], ids=["removed", "moved"])
def test_a_request_that_arrives_while_its_listener_closes_is_served(weir, origins, moved):
    (origin,) = origins("a")
    going, kept = free_port(), free_port()
    config = config_of(pool_of([origin]))
    running = weir(with_listeners(config, going, kept))
    with running.connect() as connection:
        assert connection.request().status == 200
        connection.send(b"GET /late HTTP/1.1\r\nHo")
        after = with_listeners(config, kept)
        if moved:
            after["listeners"].append({**with_listeners(config, going)["listeners"][0], "address": f"127.0.0.1:{free_port()}"})
        running.reload(after)
        eventually(lambda: "closing 127.0.0.1" in running.log())
        connection.send(b"st: x\r\n\r\n")
        response = connection.response()
        assert (response.status, response.backend, response.closes) == (200, "a", True)


@pytest.mark.parametrize("keepalive", [None, "60s"], ids=["other_sockets", "same_sockets"])
def test_every_connection_is_served_after_a_change_of_protocol(weir, origins, keepalive):
    socket = {"tcp_keepalive": keepalive} if keepalive else {}
    config = config_of(pool_of(origins("a")), listener={"socket": socket})
    running = weir(config)
    assert get(running.port).status == 200
    for protocol in ("tcp", "http", "tcp"):
        running.reload({**config, "listeners": [{**config["listeners"][0], "protocol": protocol}]})
        for _ in range(20):
            assert get(running.port).status == 200


@pytest.mark.parametrize("reuse_port", [True, False], ids=["a_socket_each", "one_socket"])
def test_new_connections_do_not_wait_while_name_and_options_change(weir, origins, reuse_port):
    config = config_of(pool_of(origins("a")), listener={"socket": {"reuse_port": reuse_port}})
    running = weir(config)
    stop, problems, slowest, asked = threading.Event(), [], [0.0], [0]

    def ask():
        while not stop.is_set():
            try:
                begin = time.monotonic()
                with running.connect() as connection:
                    slowest[0] = max(slowest[0], time.monotonic() - begin)
                    assert connection.request().status == 200
            except (AssertionError, OSError) as problem:
                problems.append(repr(problem))
            asked[0] += 1

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    lost_before = tcp_syns_sent_again()
    try:
        for change in range(1, 7):
            changed = {**config["listeners"][0], "name": f"web{change % 2}",
                       "socket": {"reuse_port": reuse_port, "backlog": 4000 + change, "tcp_keepalive": f"{change}s"}}
            so_far = asked[0]
            running.reload({**config, "listeners": [changed]})
            eventually(lambda: asked[0] > so_far + 20)
    finally:
        stop.set()
        for thread in asking:
            thread.join()
    assert problems == []
    # A SYN that is lost comes again after a second.
    assert slowest[0] < 0.9 or tcp_syns_sent_again() == lost_before


def tcp_syns_sent_again():
    """How often this machine has sent a SYN once more."""
    names, values = [line.split() for line in pathlib.Path("/proc/net/netstat").read_text().splitlines()
                     if line.startswith("TcpExt:")]
    return int(values[names.index("TCPSynRetrans")])


def test_a_refused_reload_turns_no_client_away(weir, origins):
    config = config_of(pool_of(origins("a")))
    running = weir(config)
    stop, problems = threading.Event(), []

    def ask():
        while not stop.is_set():
            try:
                assert get(running.port).status == 200
            except (AssertionError, OSError) as problem:
                problems.append(repr(problem))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for thread in asking:
        thread.start()
    try:
        for change in range(25):
            listener = config["listeners"][0]
            changed = {**listener, "name": "renamed", "socket": {"backlog": 100 + change}}
            # Nobody has this address.
            bad = {**listener, "name": "bad", "address": "192.0.2.77:8080"}
            running.reload_text(json.dumps({**running.config, "listeners": [changed, bad]}))
    finally:
        stop.set()
        for thread in asking:
            thread.join()
    assert problems == []
    assert "choose an address of this machine" in running.log()


def test_a_listener_that_cannot_be_opened_keeps_everything_as_it_was(weir, origins):
    import socket

    kept = free_port()
    config = config_of(pool_of(origins("a")))
    running = weir(with_listeners(config, kept))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        before = running.metric("weir_config_reloads_total", result="failure")
        running.write_config(with_listeners(config, kept, port))
        import signal

        running.process.send_signal(signal.SIGHUP)
        eventually(lambda: running.metric("weir_config_reloads_total", result="failure") > before)
    assert get(kept).status == 200
    assert str(port) in running.log()


@pytest.mark.parametrize("workers", [1, 3])
def test_many_reloads_leave_no_files_open(weir, origins, workers):
    config = config_of(pool_of(origins("a")), workers=workers)
    running = weir(config)
    assert get(running.port).status == 200
    running.reload(config)
    before = running.open_files()
    for _ in range(10):
        running.reload(with_listeners(config, running.port, free_port()))
        running.reload(config)
    eventually(lambda: running.open_files() <= before + 3, what=f"{before} files before")
