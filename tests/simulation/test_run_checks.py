"""One run held to invariants, in an ordinary test: ``run.check(...)``."""

from __future__ import annotations

import pytest

from tasker_testkit import (
    Simulation,
    TaskerTestkitError,
    always,
    ends,
    eventually,
    no_effect_twice,
    sometimes,
    state_is,
)

TEMPLATE = {
    "name": "t",
    "namespace_name": "n",
    "version": "1.0.0",
    "steps": [{"name": "charge", "handler": {"callable": "charge"}}],
}


@pytest.fixture(scope="module")
def run():
    """A run that ends complete."""
    return Simulation(TEMPLATE, stubs={"charge": {"id": 1}}).run()


def test_what_holds_says_nothing(run):
    """Invariants of every kind, functions of the run, and no check at all."""
    run.check()
    run.check(
        ends,
        no_effect_twice,
        state_is("complete"),
        always(lambda task: True),
        eventually(lambda task: task.state == "complete"),
        sometimes(lambda task: task.state == "initializing"),
        lambda run: run.state == "complete",
    )


def never(task):
    """It doesn't hold."""
    return False


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (state_is("error"), r"state_is\('error'\): the task ends complete, not error"),
        (always(never), "never: doesn't hold at 0 s"),
        (eventually(never), "never: doesn't hold at the end of the run"),
        (sometimes(never), "never: holds at no moment of the run"),
        (never, r"never: doesn't hold of this run\."),
    ],
)
def test_what_does_not_hold_is_an_assertion(run, check, said):
    """The test fails with the name of the check and what it has against the run."""
    with pytest.raises(AssertionError, match=said):
        run.check(ends, check)


def test_everything_that_does_not_hold_is_said(run):
    """Not only the first."""
    with pytest.raises(AssertionError) as error:
        run.check(state_is("error"), never)
    assert str(error.value).startswith("state_is('error'): ")
    assert "\nnever: doesn't hold of this run." in str(error.value)


def test_what_is_no_check_is_refused(run):
    """The placeholder of a pasted test says what to put there."""
    with pytest.raises(TaskerTestkitError, match=r"check: Ellipsis can't be checked\. Give functions of a Run"):
        run.check(...)
