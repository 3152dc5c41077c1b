"""TCP backends of a test, stopped afterwards."""

import pytest


@pytest.fixture
def backends():
    """backends("a", "b", behave=...) starts a TCP backend for each name; they send everything back by default."""
    from tcp_backend import TcpBackend

    started = []

    def start(*names, **settings):
        made = [TcpBackend(name, **settings).start() for name in names]
        started.extend(made)
        return made

    yield start
    for backend in started:
        backend.break_all()
        backend.stop()


@pytest.fixture
def relay(weir, backends):
    """relay(behave) is the shortest way to one backend behind a TCP listener: it returns both."""
    from tcp_backend import echo, tcp_config, tcp_pool

    def start(behave=echo, *, pool=None, listener=None, **top):
        (backend,) = backends("one", behave=behave)
        return weir(tcp_config(tcp_pool(backend, **{"health_check": "off", **(pool or {})}), listener=listener, **top)), backend

    return start
