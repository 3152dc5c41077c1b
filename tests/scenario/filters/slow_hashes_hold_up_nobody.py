"""Passwords are hashed in a thread of their own: other requests go on, too many are 503, and who leaves is not waited for."""

import contextlib

import pytest
from client import get
from h2_raw import RawH2
from h2_raw import get as h2_get
from passwords import basic, hash_of, write_users
from waiting import eventually

pytestmark = pytest.mark.multiworker

SLOW = 12  # a quarter of a second or so
SLOWER = 14  # four times as long
MOST_WAITING = 128


def guarded(users, **options):
    return {"auth": {"users": {"file": str(users)}, **options}}


def private(users, **options):
    return [{"match": {"path_prefix": "/private"}, "pool": "site", "filters": guarded(users, **options)}]


@pytest.fixture
def users(tmp_path):
    return write_users(tmp_path / "users", f"slow:{hash_of('secret', cost=SLOW)}")


@pytest.fixture
def slower(tmp_path):
    return write_users(tmp_path / "users", f"slow:{hash_of('secret', cost=SLOWER)}")


def has_answer(connection):
    connection.socket.setblocking(False)
    try:
        return bool(connection.buffer) or connection.fill()
    except BlockingIOError:
        return False
    finally:
        connection.socket.settimeout(30)


def test_a_plain_route_answers_while_many_passwords_wait(proxy, users):
    running, origin = proxy(listener={"routes": private(users)}, workers=1)
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(running.connect()) for _ in range(24)]
        for number, connection in enumerate(waiting):
            connection.send_request(target="/private", headers=[basic("slow", f"wrong {number}")])
        for _ in range(10):
            assert get(running.port).status == 200
        answered = [connection for connection in waiting if has_answer(connection)]
        assert len(answered) < len(waiting), "the plain requests did not wait for them"
        for connection in waiting[:3]:
            assert connection.response().status == 401
    assert len(origin.requests) == 10


def from_client(number):
    return ("X-Forwarded-For", f"192.0.2.{number}")


def test_too_many_are_503(proxy, users):
    running, _ = proxy(listener={"routes": private(users), "trusted_proxies": ["127.0.0.0/8"]}, workers=1)
    with contextlib.ExitStack() as stack:
        waiting = [stack.enter_context(running.connect()) for _ in range(MOST_WAITING + 12)]
        for number, connection in enumerate(waiting):
            connection.send_request(target="/private",
                                    headers=[basic("nobody", f"wrong {number}"), from_client(number)])
        refused = eventually(lambda: [connection for connection in waiting if has_answer(connection)
                                      and connection.buffer.startswith(b"HTTP/1.1 503")])[0]
        answer = refused.response()
        assert (answer.status, answer.get("retry-after"), answer.get("www-authenticate")) == (503, "5", None)
        assert get(running.port).status == 200
        line = eventually(lambda: [line for line in running.access_log() if line["status"] == 503])[0]
        assert (line["termination"], line["detail"]) == ("exhausted", "too many passwords wait to be checked")


def test_one_client_leaves_room_for_others(proxy, users):
    """Whoever tries passwords is refused, and others log in."""
    running, _ = proxy(listener={"routes": private(users), "trusted_proxies": ["127.0.0.0/8"]}, workers=1)
    with contextlib.ExitStack() as stack:
        trying = [stack.enter_context(running.connect()) for _ in range(30)]
        for number, connection in enumerate(trying):
            connection.send_request(target="/private",
                                    headers=[basic("slow", f"wrong {number}"), from_client(1)])
        refused = eventually(lambda: [connection for connection in trying if has_answer(connection)
                                      and connection.buffer.startswith(b"HTTP/1.1 503")])
        assert refused
        with running.connect() as other:
            assert other.request(target="/private", headers=[basic("slow", "secret"), from_client(2)]).status == 200
        line = eventually(lambda: [line for line in running.access_log() if line["status"] == 503])[0]
        assert line["detail"] == "too many passwords of this client wait to be checked"


def test_requests_with_the_same_password_wait_for_one_check(proxy, slower):
    """A page with many parts: all of it is shown, however slow the first check is."""
    running, origin = proxy(listener={"routes": private(slower)}, workers=1)
    with contextlib.ExitStack() as stack:
        parts = [stack.enter_context(running.connect()) for _ in range(40)]
        for connection in parts:
            connection.send_request(target="/private", headers=[basic("slow", "secret")])
        assert [connection.response().status for connection in parts] == [200] * len(parts)


def test_a_header_that_backends_believe_is_taken_out_on_other_routes(proxy, users):
    running, origin = proxy(listener={"routes": private(users, user_header="X-User"), "pool": "site"}, workers=1)
    with running.connect() as client:
        assert client.request(target="/public", headers=[("X_User", "root"), ("X-User", "root")]).status == 200
    assert "root" not in str(origin.requests[-1].headers)


def test_timeouts_request_bounds_the_wait(proxy, slower):
    routes = [{**route, "timeouts": {"request": "300ms"}} for route in private(slower)]
    running, _ = proxy(listener={"routes": routes}, workers=1)
    with running.connect() as first, running.connect() as second:
        first.send_request(target="/private", headers=[basic("slow", "wrong")])
        second.send_request(target="/private", headers=[basic("slow", "secret")])
        assert second.response().status == 504
        assert first.response().status == 504


def test_what_is_remembered_waits_for_no_other(proxy, slower):
    running, _ = proxy(listener={"routes": private(slower)}, workers=1)
    right = [basic("slow", "secret")]
    with running.connect() as known, running.connect() as other:
        assert known.request(target="/private", headers=right).status == 200
        other.send_request(target="/private", headers=[basic("slow", "wrong")])
        assert known.request(target="/private", headers=right).status == 200
        assert not has_answer(other)
        assert other.response().status == 401


def test_a_reload_forgets_nothing(proxy, slower):
    """The outcome is that of name, password and hash, whatever else of the filter changes."""
    running, _ = proxy(listener={"routes": private(slower)}, workers=1)
    right = [basic("slow", "secret")]
    with running.connect() as known, running.connect() as other:
        assert known.request(target="/private", headers=right).status == 200
        for options in ({"realm": "changed"}, {"realm": "changed", "forward": True}):
            config = running.config
            config["listeners"][0]["routes"] = private(slower, **options)
            running.reload(config)
        slower.write_text(slower.read_text() + f"more:{hash_of('x')}\n")
        eventually(lambda: known.request(target="/private", headers=[basic("more", "x")]).status == 200, 15)
        other.send_request(target="/private", headers=[basic("slow", "wrong")])
        assert known.request(target="/private", headers=right).status == 200
        assert not has_answer(other)


def test_requests_that_wait_outlast_a_reload(proxy, slower):
    running, _ = proxy(listener={"routes": private(slower)}, workers=1)
    with running.connect() as connection:
        connection.send_request(target="/private", headers=[basic("slow", "secret")])
        config = running.config
        config["listeners"][0]["routes"] = private(slower, realm="changed")
        running.reload(config)
        config["listeners"][0]["routes"] = []
        running.reload(config)
        assert connection.response().status == 200


class TestLeaving:
    """A check under way holds the others up long enough for their clients to leave."""

    def left(self, running):
        return [line for line in running.access_log() if line["status"] == 499]

    def test_a_reset_stream(self, proxy, slower):
        running, origin = proxy(listener={"http2": True, "routes": private(slower)}, workers=1)
        with RawH2(running.port) as client:
            for stream, name in ((1, "slow"), (3, "gone")):
                client.headers(stream, h2_get("/private", ("authorization", basic(name, "secret")[1])))
            assert client.ping(), "both have been read"
            client.reset(3)
            line = eventually(lambda: self.left(running))[0]
            assert (line["termination"], line["path"]) == ("client_abort", "/private")
            assert client.status(1) == 200
        assert len(origin.requests) == 1

    def test_a_reset_connection(self, proxy, slower):
        running, origin = proxy(listener={"routes": private(slower)}, workers=1)
        with running.connect() as first:
            first.send_request(target="/private", headers=[basic("slow", "secret")])
            second = running.connect()
            second.send_request(target="/private", headers=[basic("gone", "secret")])
            # The one worker has read both when it has read what came after them.
            assert get(running.port).status == 200
            second.reset()
            assert eventually(lambda: self.left(running))[0]["termination"] == "client_abort"
            assert first.response().status == 200
        assert len(origin.requests) == 2

    def test_weir_itself(self, proxy, slower):
        running, _ = proxy(listener={"routes": private(slower)}, workers=1)
        with running.connect() as connection:
            connection.send_request(target="/private", headers=[basic("slow", "secret")])
            assert get(running.port).status == 200
            running.terminate()
            assert connection.response().status == 200, "what is in progress ends"
        assert running.wait() == 0
