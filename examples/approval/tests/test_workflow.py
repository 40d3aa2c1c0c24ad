"""The whole workflow: which branches come into being, and what waits for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from functional import route_approval
from office import office

from tasker_testkit import RunError

BEFORE = ["check_expense", "route_approval"]
BEHIND = ["book_decision", "tell_employee"]


@pytest.fixture(params=[["handlers"], ["handlers", {"route_approval": route_approval}]], ids=["class", "function"])
def approve(request, tasker_run, expense):
    """Run an expense of this amount, with either form of the decision: ``approve(640)``."""
    return lambda amount: tasker_run({**expense, "amount": amount}, handlers=request.param)


def test_a_small_expense_is_approved_by_rule(approve):
    """Nobody is asked, and the steps that would ask don't exist: they are neither waiting nor skipped."""
    run = approve(40)
    assert run.state == "complete"
    assert list(run.steps) == [*BEFORE, "approve_by_rule", *BEHIND]
    assert (office.manager.asked, office.finance.asked) == (0, 0)


def test_the_manager_decides_alone(approve):
    """The convergence waits for the one branch there is, not for the three that it names."""
    run = approve(640)
    assert list(run.steps) == [*BEFORE, "ask_manager", *BEHIND]
    assert run["book_decision"].parents == ("ask_manager",)
    assert run["book_decision"].result == {"approved": True, "by": ["grace"]}
    assert office.mails == ["ada: Flight to the conference approved by grace"]


def test_manager_and_finance_both_have_to_say_yes(approve):
    """Both branches run, and one no is a no."""
    office.finance.says_yes = False
    run = approve(4000)
    assert list(run.steps) == [*BEFORE, "ask_manager", "ask_finance", *BEHIND]
    assert run["book_decision"].parents == ("ask_manager", "ask_finance")
    assert run["book_decision"].result == {"approved": False, "by": ["grace", "finance"]}
    assert list(office.ledger.values()) == [False]


def test_an_expense_of_nothing_ends_at_the_decision(approve):
    """No branch, no convergence: the task is complete, and asking for a missing step says why it is missing."""
    run = approve(0)
    assert (run.state, list(run.steps)) == ("complete", BEFORE)
    assert (office.ledger, office.mails) == ({}, [])
    with pytest.raises(RunError, match="'route_approval' chose no branch"):
        run["book_decision"]


def test_the_booking_waits_for_the_slower_branch(approve):
    """The manager answers the third time, after 10 minutes and 20 more. Finance has answered long before."""
    office.manager.away = 2
    run = approve(4000)
    assert run["ask_manager"].waits == [timedelta(minutes=10), timedelta(minutes=20)]
    assert run["ask_finance"].waits == []
    assert run["book_decision"].attempts[0].started_at == run["ask_manager"].attempts[2].ended_at
    assert (run.state, run.elapsed) == ("complete", timedelta(minutes=30))


def test_a_manager_who_never_answers_blocks_the_task(approve):
    """Three questions, then the step is in error. Finance's yes doesn't help: nothing is booked."""
    office.manager.away = 3
    run = approve(4000)
    assert run.state == "blocked_by_failures"
    assert (run["ask_manager"].state, run["ask_finance"].state) == ("error", "complete")
    assert run["book_decision"].state == "pending"
    assert office.ledger == {}


def test_an_operator_answers_for_the_manager(tasker_simulation, expense):
    """A blocked task goes on once somebody completes the step by hand, with that result."""
    office.manager.away = 3
    with tasker_simulation.start(expense) as task:
        task.run_until(step="ask_manager", state="error")
        task["ask_manager"].complete_manually({"approved": True, "by": "head of department"})
        run = task.finish()
    assert run.state == "complete"
    assert run["book_decision"].result == {"approved": True, "by": ["head of department"]}


def test_a_lost_decision_is_made_again(tasker_run, tasker_faults, expense):
    """The worker dies before the decision is stored: it is made a second time, and the branch exists once."""
    tasker_faults.crash("route_approval", when="after", attempt=1)
    run = tasker_run(expense)
    assert (run.state, len(run["route_approval"].attempts)) == ("complete", 2)
    assert list(run.steps).count("ask_manager") == 1
    assert office.manager.asked == 1


@pytest.mark.parametrize("purpose", ["", "  "])
def test_an_expense_needs_a_purpose(tasker_run, expense, purpose):
    """It is refused before anybody is asked."""
    run = tasker_run({**expense, "purpose": purpose})
    assert run.state == "blocked_by_failures"
    assert run["check_expense"].attempts[0].outcome.error_code == "NO_PURPOSE"
    assert office.manager.asked == 0


MISSPELT = {"decision_point_outcome": {"type": "create_steps", "step_names": ["ask_managr"]}}


@pytest.mark.tasker(stubs={"route_approval": MISSPELT})
def test_a_misspelt_branch_is_an_error(tasker_run, expense):
    """As documented a decision for a step that doesn't exist fails, and the task is blocked."""
    run = tasker_run(expense)
    assert run.state == "blocked_by_failures"
    assert run["route_approval"].state == "error"


@pytest.mark.tasker(stubs={"route_approval": MISSPELT}, profile="tasker-0.1.8")
def test_tasker_0_1_8_completes_without_asking_anybody(tasker_run, expense):
    """Tasker 0.1.8 writes a line to its log and completes the task: nobody was asked, and nothing is booked."""
    run = tasker_run(expense)
    assert (run.state, list(run.steps)) == ("complete", BEFORE)
    assert office.ledger == {}
