"""UDP backends, stopped after each test."""

import pytest
from datagrams import Echo

collect_ignore = ["conftest.py"]


@pytest.fixture
def echoes():
    """echoes("a", "b") starts an echo for each name."""
    started = []

    def start(*names, **settings):
        made = [Echo(name, **settings) for name in names]
        started.extend(made)
        return made

    yield start
    for echo in started:
        echo.stop()
