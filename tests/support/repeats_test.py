"""Which failed scenario tests may be repeated (docs/decisions/0010)."""

import importlib.util
import pathlib
from types import SimpleNamespace

import pytest


@pytest.fixture
def scenarios():
    path = pathlib.Path(__file__).parents[1] / "scenario/conftest.py"
    spec = importlib.util.spec_from_file_location("scenario_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def failure(message, source="", when="call"):
    crash = SimpleNamespace(reprcrash=SimpleNamespace(message=message))
    return SimpleNamespace(failed=True, when=when, nodeid="one", longrepr=crash, longreprtext=f"{source}\nE  {message}")


@pytest.mark.parametrize(("report", "is_repeatable"), [
    (failure("AssertionError: not within 10 s"), True),
    (failure("assert 1 == 2", source="if PATIENCE == 1:  # a sanitizer keeps what is freed"), True),
    (failure("AssertionError: ended with -6:\n...\nlast words"), False),
    (failure("AssertionError: a sanitizer reported:\n..."), False),
    (failure("AssertionError: did not end on SIGTERM:\n..."), False),
    (failure("AssertionError: not within 10 s", when="teardown"), False),
])
def test_only_what_the_test_itself_raised_decides(scenarios, report, is_repeatable):
    scenarios.pytest_runtest_logreport(report)
    assert scenarios.failed == {"one": is_repeatable}


def test_what_was_not_raised_in_a_test_is_judged_by_its_text(scenarios):
    report = failure("")
    report.longrepr, report.longreprtext = "collection failed: ended with 1", "collection failed: ended with 1"
    scenarios.pytest_runtest_logreport(report)
    assert scenarios.failed == {"one": False}
