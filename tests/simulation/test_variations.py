"""The same simulation with another plan: what it shares, what it changes, and what it leaves alone."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from tasker_testkit import Failure, FaultError, FaultPlan, Simulation, TaskerTestkitError

REAL = (time.time, time.sleep)
FAILS = [{"step": "a", "attempt": 1, "fail": {"message": "busy"}}]


def test_a_plan_changes_the_copy_alone(workflow, handler, profile):
    """The plan fires in the other simulation; the first one runs as before."""
    plain = Simulation(workflow("a"), handlers={"a": handler(lambda context: {})}, profile=profile)
    other = plain.with_plan(FAILS)
    assert [len(simulation.run()["a"].attempts) for simulation in (other, plain, other)] == [2, 1, 2]


def test_a_plan_is_the_same_as_at_construction(workflow, profile):
    """with_plan(p) runs to the same bytes as a simulation made with faults=p, whatever the first one's plan was."""
    stubs = {"a": [Failure("first"), {"total": 7}], "b": {}}
    made = Simulation(workflow("a", "b"), stubs=stubs, profile=profile, faults=FAILS, seed=5)
    before = Simulation(workflow("a", "b"), stubs=stubs, profile=profile, faults=[{"step": "b", "delay": 9}])
    for plan in (FAILS, FaultPlan.from_data(FAILS)):
        assert before.with_plan(plan, seed=5).run().history.to_json() == made.run().history.to_json()
    assert not len(before.with_plan(None).faults)


def test_a_plan_is_checked_against_the_template(workflow):
    """A fault that could never fire, and an order that doesn't exist, are refused at once."""
    simulation = Simulation(workflow("a"), stubs={"a": {}})
    with pytest.raises(FaultError, match="The fault 'hang at b, every attempt' can never fire: template 'orders' has"):
        simulation.with_plan([{"step": "b", "hang": True}])
    with pytest.raises(TaskerTestkitError, match="order='sideways': give"):
        simulation.with_plan([], order="sideways")
    with pytest.raises(TaskerTestkitError, match="seed='7': give a whole number"):
        simulation.with_plan([], seed="7")


def test_strict_decides_about_what_never_happened(workflow):
    """An unused fault and an action that is refused fail a strict run, and only that."""
    late = [{"do": "cancel", "at": "5s"}]
    simulation = Simulation(workflow("a"), stubs={"a": {}}, actions=late)
    second = [{"step": "a", "attempt": 2, "hang": True}]
    with pytest.raises(FaultError, match="These faults never fired"):
        simulation.with_plan(second).run()
    assert simulation.with_plan(second, strict=False).run().state == "complete"


def test_one_frozen_clock_for_many_runs(workflow, handler):
    """Inside kept_frozen every run has the bytes that it has alone, and time is real again afterwards."""
    shown = handler(lambda context: {"now": datetime.now(UTC).isoformat(), "slept": time.sleep(2)})
    handlers = {"a": shown, "b": shown}
    simulation = Simulation(workflow("a", "b"), handlers=handlers, start="2030-01-01T00:00:00Z")
    plans = [None, FAILS, [{"step": "b", "attempt": 1, "delay": "9s"}]]
    others = [simulation.with_plan(plan, strict=False) for plan in plans] + [simulation.with_profile("tasker-0.1.8")]
    alone = [other.run().history.to_json() for other in others]
    with simulation.kept_frozen():
        assert [other.run().history.to_json() for other in others] == alone
        assert datetime.now(UTC).year == 2030
    with simulation.kept_frozen(), pytest.raises(FaultError):
        simulation.with_plan([{"step": "a", "attempt": 3, "hang": True}]).run()
    assert (time.time, time.sleep) == REAL


def test_variations_know_each_others_stubs(workflow):
    """A stub that any of them used counts as used."""
    simulation = Simulation(workflow("a"), stubs={"a": {}})
    simulation.with_plan([]).run()
    simulation.check_unused()
