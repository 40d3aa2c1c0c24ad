"""``@pytest.mark.tasker_explore``: a test for each plan, with a readable id."""

from __future__ import annotations

import pytest

MARKED = """\
import pytest

pytestmark = pytest.mark.tasker(template="orders.yaml", handlers="handlers")

@pytest.mark.tasker_explore({keywords})
def test_it(tasker_run, tasker_faults):
    run = tasker_run({{"total": 5}})
    assert [f.kind for f in tasker_faults] == [f for s in run.steps.values() for a in s.attempts for d in a.faults
                                              for f in d if f not in ("step", "attempt")]
    assert run.state == "complete"
"""


def ids(result: pytest.RunResult) -> dict[str, str]:
    """How each test ended, by its id."""
    words = (line.split() for line in result.outlines if "test_orders.py::" in line and line.startswith("test_orders"))
    return {word[0].partition("::")[2]: word[1] for word in words}


def test_each_plan_is_a_test_with_a_readable_id(suite):
    """Step, attempt and kind are the id; the plan is what tasker_faults holds, and what tasker_run runs with."""
    result = suite(MARKED.format(keywords='input={"total": 5}, kinds="fail,crash"'), "-v")
    assert ids(result) == {
        "test_it[no_fault]": "PASSED",
        "test_it[validate-1-fail_retryable]": "PASSED",
        "test_it[validate-1-fail_permanent]": "FAILED",
        "test_it[validate-1-crash_before]": "PASSED",
        "test_it[validate-1-crash_after]": "PASSED",
        "test_it[charge-1-fail_retryable]": "PASSED",
        "test_it[charge-1-fail_permanent]": "FAILED",
        "test_it[charge-1-crash_before]": "PASSED",
        "test_it[charge-1-crash_after]": "PASSED",
    }


def test_two_faults_have_both_in_the_id(suite):
    """With depth=2 a plan's id names both faults; the retry that one brings about is a place for the other."""
    result = suite(MARKED.format(keywords='input={"total": 5}, depth=2, kinds="fail_retryable"'), "-v")
    assert ids(result) == {
        "test_it[no_fault]": "PASSED",
        "test_it[validate-1-fail_retryable]": "PASSED",
        "test_it[charge-1-fail_retryable]": "PASSED",
        "test_it[validate-1-fail_retryable+validate-2-fail_retryable]": "FAILED",
        "test_it[validate-1-fail_retryable+charge-1-fail_retryable]": "PASSED",
        "test_it[charge-1-fail_retryable+charge-2-fail_retryable]": "FAILED",
    }


def test_a_failing_plan_can_be_run_alone(suite):
    """The id of the report's command runs that one plan, and the report shows its timeline."""
    source = MARKED.format(keywords='input={"total": 5}, kinds="fail"')
    result = suite(source)
    result.stdout.fnmatch_lines(
        ["*charge*[[]fault: fail[]]*", "pytest 'test_orders.py::test_it[[]charge-1-fail_permanent[]]'"]
    )
    alone = suite(source, "test_orders.py::test_it[charge-1-fail_permanent]")
    alone.assert_outcomes(failed=1)


def test_without_an_input_plans_come_from_the_template(suite):
    """Nobody knows what handlers do with an unknown input: each step's attempts are taken from the bare template."""
    result = suite(MARKED.format(keywords='kinds="crash_after"'), "-v")
    assert ids(result) == {
        "test_it[no_fault]": "PASSED",
        "test_it[validate-1-crash_after]": "PASSED",
        "test_it[charge-1-crash_after]": "PASSED",
    }


def test_a_plan_that_cant_strike_in_the_tests_run_is_skipped(suite):
    """A test that runs with another input than the plans were made for skips those that can't strike."""
    source = """\
import pytest

@pytest.mark.tasker(template="orders.yaml", stubs={"validate": ValueError("no")})
@pytest.mark.tasker_explore(kinds="crash_before")
def test_it(tasker_run):
    tasker_run({})
""".replace('stubs={"validate": ValueError("no")}', 'handlers="handlers", stubs={"validate": [ValueError("no")] * 2}')
    result = suite(source, "-v", "-rs")
    assert ids(result)["test_it[charge-1-crash_before]"] == "SKIPPED"
    result.stdout.fnmatch_lines(["*this plan can't strike here: These faults never fired*"])


def test_stubs_behind_a_planned_failure_may_stay_unused(suite):
    """A plan that keeps a step from running is no reason to complain about the step's stub."""
    source = """\
import pytest

@pytest.mark.tasker(template="orders.yaml", stubs={"validate": {}, "charge": {}})
@pytest.mark.tasker_explore(input={}, kinds="fail_permanent")
def test_it(tasker_run):
    tasker_run({})
"""
    suite(source).assert_outcomes(passed=3)


def test_both_profiles_double_every_plan(suite):
    """With profile="both" each plan runs under each profile."""
    source = MARKED.format(keywords='input={"total": 5}, kinds="fail_retryable"')
    result = suite(source, "-v", "--tasker-profile=both")
    assert ids(result) == {
        f"test_it[{plan}-{profile}]": "PASSED"
        for plan in ("no_fault", "validate-1-fail_retryable", "charge-1-fail_retryable")
        for profile in ("documented", "tasker-0.1.8")
    }


def test_workers_of_xdist_collect_the_same(suite):
    """The plans, and so the ids, are the same in every process; two crashes of one step leave it no attempt."""
    source = MARKED.format(keywords='input={"total": 5}, depth=2, kinds="crash"')
    suite(source, "-n", "2").assert_outcomes(passed=9, failed=8)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ("dept=1", "@pytest.mark.tasker_explore has no 'dept'. Did you mean 'depth'? It takes:"),
        ("depth=-1", "depth=-1: give a whole number from 0."),
        ("kinds='crahs'", "there is no kind 'crahs'. Did you mean 'crash'?"),
        ("{}", "@pytest.mark.tasker_explore takes keywords only, not {}"),
    ],
)
def test_a_wrong_marker_is_an_error_of_the_collection(suite, keywords, said):
    """One clear message that names the test, without a traceback of ours."""
    result = suite(MARKED.format(keywords=keywords))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"test_it: *{said.replace('[', '[[]')}*"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*planning.py*")


def test_a_test_that_runs_nothing_is_told_so(suite):
    """The marker without any of the fixtures would test the same thing many times over."""
    source = "import pytest\n\n@pytest.mark.tasker_explore(depth=1)\ndef test_it():\n    pass\n"
    result = suite(source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["test_it: marked tasker_explore, the test asks for none of our fixtures*"])
