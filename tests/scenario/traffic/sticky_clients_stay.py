"""Clients stay with their backend: by a cookie that outlives restarts and serves several Weirs, by address, by header."""

import pytest
from client import get
from weir import config_of, pool_of


@pytest.fixture
def three(origins):
    return origins("a", "b", "c")


def cookie_of(response):
    return response.get("set-cookie").split(";")[0]


def stays(port, cookie, backend):
    return all(get(port, headers=[("Cookie", cookie)]).backend == backend for _ in range(6))


def test_a_cookie_outlives_a_restart_with_a_store(weir, three, tmp_path):
    store = {"type": "sqlite", "path": str(tmp_path / "weir.db")}
    config = config_of(pool_of(three, sticky={"type": "cookie", "name": "KEEP", "ttl": "10m"}), store=store)
    first = weir(config)
    given = get(first.port)
    cookie = cookie_of(given)
    assert cookie.startswith("KEEP=") and "Max-Age=600" in given.get("set-cookie")
    first.stop()
    second = weir(config)
    assert stays(second.port, cookie, given.backend)


def test_weirs_with_the_same_secret_take_each_others_cookies(weir, three, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef\n")
    pool = pool_of(three, sticky="cookie")
    by_file = weir(config_of(pool, sticky_secret={"file": str(secret)}))
    by_value = weir(config_of(pool, sticky_secret="0123456789abcdef"))
    given = get(by_file.port)
    assert stays(by_value.port, cookie_of(given), given.backend)
    other = weir(config_of(pool, sticky_secret="another secret of enough bytes"))
    assert get(other.port, headers=[("Cookie", cookie_of(given))]).get("set-cookie") is not None
    assert "0123456789abcdef" not in by_value.admin("GET", "/config").text


def test_a_secret_changes_with_a_reload(weir, three):
    pool = pool_of(three, sticky="cookie")
    running = weir(config_of(pool, sticky_secret="0123456789abcdef"))
    cookie = cookie_of(get(running.port))
    assert get(running.port, headers=[("Cookie", cookie)]).get("set-cookie") is None
    running.reload({**running.config, "sticky_secret": "fedcba9876543210"})
    assert get(running.port, headers=[("Cookie", cookie)]).get("set-cookie") is not None


def test_a_secret_that_cannot_be_read_keeps_the_old_configuration(weir, three, tmp_path):
    import yaml

    running = weir(config_of(pool_of(three)))
    config = {**yaml.safe_load(running.config_path.read_text()), "sticky_secret": {"file": str(tmp_path / "none")}}
    running.reload_text(yaml.safe_dump(config))
    assert "sticky_secret.file: cannot read" in running.log()
    assert get(running.port).status == 200


@pytest.mark.multiworker
def test_by_address_a_client_always_has_the_same_backend(weir, three):
    running = weir(config_of(pool_of(three, sticky="source_ip"), workers=2))
    assert len({get(running.port).backend for _ in range(12)}) == 1


def test_by_header_each_value_has_its_backend(weir, three):
    running = weir(config_of(pool_of(three, sticky={"type": "header", "name": "X-Session"})))
    chosen = {}
    for session in [f"s{i}" for i in range(20)] * 3:
        backend = get(running.port, headers=[("x-session", session)]).backend
        assert chosen.setdefault(session, backend) == backend
    assert set(chosen.values()) == {"a", "b", "c"}


def test_a_cookie_is_renewed_by_use(weir, three):
    pool = {"type": "cookie", "ttl": "10m", "domain": "a.example", "same_site": "strict"}
    running = weir(config_of(pool_of(three, sticky=pool)))
    first = get(running.port)
    assert first.get("set-cookie").endswith("; Path=/; Domain=a.example; Max-Age=600; HttpOnly; SameSite=Strict")
    # With a longer lifetime the cookie is as one of that lifetime of which most is over.
    for absolute, renewed in ((True, False), (False, True)):
        pool = {"type": "cookie", "ttl": "1h", "absolute": absolute}
        running.reload({**running.config, "pools": [pool_of(three, sticky=pool)]})
        again = get(running.port, headers=[("Cookie", cookie_of(first))])
        assert again.backend == first.backend
        assert (again.get("set-cookie") is not None) == renewed
    assert stays(running.port, cookie_of(again), first.backend)
    assert get(running.port, headers=[("Cookie", cookie_of(again))]).get("set-cookie") is None
