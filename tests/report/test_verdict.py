"""Why a task ended, in one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import Simulation
from tasker_testkit.model.outcome import Failure
from tasker_testkit.report.verdict import why_ended

CHOICE = {
    "name": "t",
    "namespace_name": "n",
    "version": "1",
    "steps": [
        {"name": "start", "handler": {"callable": "x"}},
        {"name": "choose", "type": "decision", "dependencies": ["start"], "handler": {"callable": "x"}},
        {"name": "ship", "dependencies": ["choose"], "handler": {"callable": "x"}},
    ],
}
PAIR = {
    "name": "t",
    "namespace_name": "n",
    "version": "1",
    "steps": [
        {"name": "left", "handler": {"callable": "x"}, "retry": {"max_attempts": 1}},
        {"name": "right", "handler": {"callable": "x"}, "retry": {"max_attempts": 1}},
    ],
}


def why(template, stubs, **options):
    """The verdict on a run."""
    return why_ended(Simulation(template, stubs=stubs, **options).run().history)


def test_every_failed_step_is_named():
    """Steps that failed are named in order of creation, with type and text of their last failure."""
    busy = Failure("busy", "timeout")
    assert why(PAIR, {"left": busy, "right": busy}) == "step 'left': timeout: busy; step 'right': timeout: busy"


def test_failed_growth_is_a_failure():
    """A decision that failed by what it asked for says what that was."""
    outcome = {"decision_point_outcome": {"type": "create_steps", "step_names": ["shipp"]}}
    assert why(CHOICE, {"start": {}, "choose": outcome, "ship": {}}) == (
        "step 'choose': Step 'shipp' is not a valid descendant of decision point 'choose'. "
        "Did you mean 'ship'? Below it: ship"
    )


@pytest.mark.parametrize(("after", "said"), [("31m", "stale after 30 min in steps_in_process, "), ("1s", "")])
def test_what_never_ends(after, said):
    """What is under way when the detector ends a task is named; a task that it never finds says what it is stuck at."""
    faults = [{"step": "left", "hang": True}]
    durations = {"right": after}
    found = why(PAIR, {"left": {}, "right": {}}, profile="tasker-0.1.8", workers=2, faults=faults, durations=durations)
    stuck = (
        "The task stays evaluating_results: nothing can happen any more: left: in_progress, its result never arrives"
    )
    assert found == (f"{said}step 'left' still in_progress" if said else stuck)


def test_nothing_failed():
    """A cancelled task says that it was, and one that did well that nothing failed."""
    assert why(PAIR, {"left": {}, "right": {}}) == "nothing failed"
    cancelled = why(PAIR, {"left": {}, "right": {}}, actions=[{"do": "cancel", "at": "1s"}], durations={"left": "2s"})
    assert cancelled == "an operator cancelled it at 1 s"


@given(st.text(), st.text())
def test_a_verdict_is_one_line(message, error_type):
    """Whatever a failure says, the verdict has one line."""
    found = why(PAIR, {"left": Failure(message, error_type, retryable=False), "right": {}})
    assert len(found.splitlines()) == 1
