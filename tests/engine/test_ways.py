"""Ways: several events as one move, the same as one event after the other."""

from __future__ import annotations

from functools import partial
from itertools import product

import pytest

from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.ways import ENQUEUE, SHARES, SUCCEED, VERDICTS, WAKE, step_way, task_way
from tasker_testkit.errors import IllegalTransition
from tasker_testkit.model.states import STEP_STATES, STEP_TABLE, TASK_STATES, TASK_TABLE
from tasker_testkit.model.template import Handler, StepTemplate, Template


def fresh():
    """A ledger with one step."""
    return Engine(Template("t", "n", "1", (StepTemplate("a", Handler("x")),))).ledger


def one_by_one(events, move, state_of):
    """The states that the events lead through one after the other, or None if one of them is refused."""
    states = []
    for event in events:
        try:
            move(event)
        except IllegalTransition:
            return None
        states.append(state_of())
    return tuple(states)


def test_a_way_of_a_step_is_its_events_in_turn():
    """From every state two events lead as one way where they lead one by one, and nowhere else; the shift agrees."""
    for events, before in product(product(STEP_TABLE, repeat=2), STEP_STATES):
        ledger = fresh()
        step = ledger.steps[0]
        step.state = before
        through = one_by_one(events, partial(ledger.move_step, step), partial(getattr, step, "state"))
        found, shift = step_way(*events).get(before, (None, None))
        assert found == through, (before, events)
        if through is not None:
            counted = (SHARES[before], SHARES[through[-1]])
            assert shift == (None if counted[0] == counted[1] else counted)


def test_a_way_of_a_task_is_its_events_in_turn():
    """The same for a task."""
    for events, before in product(product(TASK_TABLE, repeat=2), TASK_STATES):
        ledger = fresh()
        ledger.task_state = before
        through = one_by_one(events, ledger.move_task, partial(getattr, ledger, "task_state"))
        assert task_way(*events).get(before) == through, (before, events)


def test_a_look_at_the_steps_leads_where_their_status_says():
    """A task that waits for its steps begins to evaluate; one that evaluates goes on, or stays."""
    assert {status: (*way["steps_in_process"], *way["evaluating_results"]) for status, way in VERDICTS.items()} == {
        "blocked_by_failures": ("evaluating_results", "blocked_by_failures", "blocked_by_failures"),
        "has_ready_steps": ("evaluating_results", "enqueuing_steps", "enqueuing_steps"),
        "processing": ("evaluating_results",),
        "all_complete": ("evaluating_results", "complete", "complete"),
        "waiting_for_dependencies": ("evaluating_results", "waiting_for_dependencies", "waiting_for_dependencies"),
    }
    assert WAKE["waiting_for_retry"] == ("enqueuing_steps",)
    assert WAKE["waiting_for_dependencies"] == ("evaluating_results", "enqueuing_steps")


def test_only_what_waits_is_enqueued():
    """A step is enqueued from pending, and from waiting_for_retry over pending."""
    assert {state: through for state, (through, _) in ENQUEUE.items()} == {
        "pending": ("enqueued",),
        "waiting_for_retry": ("pending", "enqueued"),
    }


def test_a_way_that_cannot_be_gone_is_refused():
    """Nothing moves, and the error says where the step is."""
    ledger = fresh()
    log = list(ledger.log)
    with pytest.raises(IllegalTransition, match=r"^step 'a' is enqueued: there is no way on from there$"):
        ledger.lead_step(ledger.steps[0], SUCCEED)
    assert (ledger.steps[0].state, ledger.log) == ("enqueued", log)
