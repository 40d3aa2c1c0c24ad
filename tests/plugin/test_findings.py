"""A failing test shows what its explorations found; under a token nothing else is explored."""

from __future__ import annotations

import re
import shlex
import sys

import pytest

EXPLORES = """\
    import pytest
    from tasker_testkit import explore, state_is

    @pytest.mark.tasker(template="orders.yaml", handlers="handlers")
    def test_order(tasker_simulation):
        exploration = explore(tasker_simulation, {"total": 5}, check=state_is("complete"), kinds="fail")
        print("plans", len(exploration.plans))
        assert not exploration.failures
"""
TOKEN = re.compile(r"^token +(A\S+)$", re.MULTILINE)


@pytest.fixture
def ran(suite):
    """The failing suite."""
    ran = suite(EXPLORES)
    ran.assert_outcomes(failed=1)
    return ran


def test_the_report_of_a_failure_is_shown(ran):
    """What doesn't hold, the plan in words, the timeline with the fault, token, commands and a test to paste."""
    ran.stdout.fnmatch_lines(
        [
            "*- Tasker failures -*",
            "✗ state_is('complete'): the task ends blocked_by_failures, not complete.*",
            "The smallest plan that does it (1 fault):",
            "  → validate: attempt 1 fails, for good: handler_error: injected fault",
            "shop/orders 1.0.0",
            "* validate  1/2  ✗  handler_error: injected fault  [[]fault: fail[]]",
            "token       A*",
            "in pytest   pytest test_orders.py::test_order --tasker-replay=A*",
            "in a shell  tasker-testkit replay A* orders.yaml --handlers handlers.py --input '{\"total\": 5}'",
            "kept in     .tasker/failures/orders-*.json",
            "As a test:",
            '        tasker_faults.fail("validate", retryable=False, attempt=1)',
        ],
        consecutive=False,
    )
    assert len(TOKEN.findall(ran.stdout.str())) == 2


def test_what_the_test_itself_printed_is_not_repeated(suite):
    """An assertion with the exploration's text as its message has shown the reports already."""
    ran = suite(EXPLORES.rstrip("\n") + ", str(exploration)\n")
    assert "Tasker failures" not in ran.stdout.str()
    assert len(TOKEN.findall(re.sub(r"^E +", "", ran.stdout.str(), flags=re.MULTILINE))) == 2


def test_the_latest_are_shown(suite):
    """Of many, the last three: what Hypothesis tried last is the simplest input that fails."""
    given = """\
    from hypothesis import given, settings, strategies as st
    from tasker_testkit import Simulation, explore

    ORDERS = Simulation("orders.yaml", handlers="handlers")

    def cheap_orders_complete(run):
        return run.state == "complete" or run.history.input["total"] < 7

    @settings(max_examples=10, database=None)
    @given(st.integers(0, 1000))
    def test_order(total):
        assert not explore(ORDERS, {"total": total}, check=cheap_orders_complete, kinds="fail").failures
    """
    ran = suite(given)
    ran.stdout.fnmatch_lines(["(* earlier failures left out)", "✗ cheap_orders_complete: doesn't hold of this run."])
    section = ran.stdout.str().partition("Tasker failures")[2]
    assert set(re.findall(r"tasker_run\((.*)\)", section)) == {'{"total": 7}'}


def test_a_passing_test_shows_nothing(suite):
    """Failures that a test expects are its own affair."""
    ran = suite(EXPLORES.replace("assert not", "assert"), "-rA")
    ran.assert_outcomes(passed=1)
    assert "token" not in ran.stdout.str()


def test_the_command_replays_that_plan_alone(suite, ran):
    """The exploration runs the token's plan and nothing else, and fails the same way."""
    token = TOKEN.findall(ran.stdout.str())[1]
    again = suite(EXPLORES, f"--tasker-replay={token}")
    again.assert_outcomes(failed=1)
    again.stdout.fnmatch_lines(["plans 1", "*'orders' ran 1 time as the token has it (fail at charge, attempt 1); *"])
    assert TOKEN.findall(again.stdout.str()) == [token]


def test_the_shell_replays_it_too(project, ran):
    """The command of the report, as it is, gives the same run."""
    (line, *_) = re.findall(r"^in a shell +(.+)$", ran.stdout.str(), re.MULTILINE)
    words = shlex.split(line)
    assert words[0] == "tasker-testkit"
    result = project.run(sys.executable, "-m", "tasker_testkit", *words[1:])
    assert result.ret == 0
    result.stdout.fnmatch_lines(["The same run as the token's, to the byte."])
