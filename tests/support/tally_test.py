"""The last line of a test run counts every case of every kind once, and a program that died as a failure."""

import subprocess
import sys

import pytest
from tally import record, tally

GTEST = """<testsuites><testsuite name="S">
  <testcase name="A" status="run" result="completed" classname="S"/>
  <testcase name="B" status="run" classname="S">{failure}</testcase>
  <testcase name="DISABLED_C" status="notrun" classname="S"/>
</testsuite></testsuites>"""
CTEST = """<testsuite><testcase name="unit_net" status="{status}">{failure}</testcase></testsuite>"""
PYTEST = """<testsuites><testsuite><testcase classname="x" name="a"/><testcase classname="x" name="b">
  <skipped message="m"/></testcase><testcase classname="x" name="c"><error message="m"/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def units(tmp_path):
    def write(ctest_failed, cases):
        folder = tmp_path / "units-release"
        (folder / "cases").mkdir(parents=True)
        status = ("fail", "<failure/>") if ctest_failed else ("run", "")
        (folder / "ctest.xml").write_text(CTEST.format(status=status[0], failure=status[1]))
        if cases is not None:
            (folder / "cases" / "unit_net.xml").write_text(cases)
        return tally(tmp_path)

    return write


def counts(total):
    return total.passed, total.failed, total.skipped


def test_a_program_counts_as_its_cases(units):
    assert counts(units(False, GTEST.format(failure=""))) == (2, 0, 1)


def test_a_failed_case_is_counted_once(units):
    total = units(True, GTEST.format(failure="<failure/>"))
    assert counts(total) == (1, 1, 1)
    assert total.failures == ["unit_net: S B"]


def test_a_program_that_died_without_results_is_a_failure(units):
    assert counts(units(True, None)) == (0, 1, 0)


def test_a_program_that_failed_after_its_cases_is_a_failure(units):
    assert counts(units(True, GTEST.format(failure=""))) == (2, 1, 1)


def test_results_cut_short_are_a_failure(units):
    assert counts(units(False, "<testsuites><testsuite")) == (0, 1, 0)


def test_scenarios_and_single_checks_are_summed(tmp_path):
    (tmp_path / "scenario-release.xml").write_text(PYTEST)
    log = tmp_path / "log"
    log.write_bytes(b"bad \x00\x1b thing")
    record(tmp_path / "good.xml", "good", None)
    record(tmp_path / "bad.xml", "bad", log)
    assert counts(tally(tmp_path)) == (2, 2, 1)


def test_the_last_line_and_the_exit_code_tell(tmp_path):
    (tmp_path / "scenario-release.xml").write_text(PYTEST)
    run = subprocess.run([sys.executable, __file__.replace("_test", ""), tmp_path], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "1 passed, 1 failed, 1 skipped"
    assert run.returncode == 1


def test_a_run_without_any_test_is_no_success(tmp_path):
    run = subprocess.run([sys.executable, __file__.replace("_test", ""), tmp_path], capture_output=True, text=True)
    assert run.stdout == "0 passed, 0 failed\n"
    assert run.returncode == 1


@pytest.mark.parametrize("again, expected", [("", (2, 0, 0)), ("<failure/>", (1, 1, 0))])
def test_what_failed_once_and_passed_alone_counts_as_passed_and_is_told(tmp_path, again, expected):
    case = '<testsuite><testcase classname="x" name="b">{}</testcase></testsuite>'
    other = '<testcase classname="x" name="a"/></testsuite>'
    (tmp_path / "s.xml").write_text(case.format("<failure/>").replace("</testsuite>", other))
    (tmp_path / "s-again.xml").write_text(case.format(again))
    total = tally(tmp_path)
    assert counts(total) == expected
    assert (total.unstable, total.failures) == (([], ["s: x b"]) if again else (["s: x b"], []))
