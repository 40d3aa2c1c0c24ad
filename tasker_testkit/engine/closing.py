"""From the ledger's rows to the History value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.history import AttemptHistory, History, StepHistory, Transition, seconds
from tasker_testkit.engine.ledger import TASK, Ledger
from tasker_testkit.engine.rows import Attempt, StepRow
from tasker_testkit.engine.stuck import why_stuck
from tasker_testkit.model.effects import Effect
from tasker_testkit.model.faults import Fault


def history_of(engine: Engine, task_input: Mapping[str, Any], faults: Sequence[Fault]) -> History:
    """Everything that happened so far, as values that no longer change."""
    ledger, template = engine.ledger, engine.template
    transitions = _transitions(ledger)
    return History(
        profile=engine.profile.name,
        seed=ledger.seed,
        start=ledger.start,
        template={"namespace": template.namespace_name, "name": template.name, "version": template.version},
        input=task_input,
        faults=tuple(fault.to_data() for fault in faults),
        state=ledger.task_state,
        execution_status=ledger.status(),
        transitions=transitions[TASK],
        steps=tuple(_step(ledger, step, transitions[step.index]) for step in ledger.steps),
        actions=tuple(_timed(action) for action in engine.operator.done),
        effects=tuple(_effect(at, booked) for at, _, booked in ledger.booked()),
        events=tuple(_timed(event) for event in engine.publisher.events),
        warnings=tuple(_timed({"at": at, "text": text}) for at, text in ledger.warnings),
        dead_letters=tuple(_timed(letter) for letter in ledger.dead_letters),
        stuck=why_stuck(ledger),
        order=engine.order,
    )


def _timed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its instant in seconds, as the files have it."""
    return {**record, "at": seconds(record["at"])}


def _effect(at: int, booked: Effect) -> dict[str, Any]:
    said = {"name": booked.name, "key": booked.key, "data": dict(booked.data)}
    return {"at": seconds(at), "step": booked.step, "attempt": booked.attempt, **said}


_transition = partial(tuple.__new__, Transition)
"""A Transition of a tuple, made without a call of a Python function: histories have many."""


def _transitions(ledger: Ledger) -> list[tuple[Transition, ...]]:
    """By index; the task's are the last."""
    rows = len(ledger.steps) + 1
    instants: list[list[int]] = [[] for _ in range(rows)]
    states: list[list[str]] = [[] for _ in range(rows)]
    for at, index, state in ledger.log:
        instants[index].append(at)
        states[index].append(state)
    befores = ((None, *entered) for entered in states)
    columns = zip(instants, befores, states, strict=True)
    return [tuple(map(_transition, zip(*column, strict=False))) for column in columns]


def _step(ledger: Ledger, step: StepRow, transitions: tuple[Transition, ...]) -> StepHistory:
    return StepHistory(
        name=step.name,
        type=step.type,
        state=step.state,
        parents=tuple([parent.name for parent in step.parents]),
        max_attempts=step.max_attempts,
        transitions=transitions,
        attempts=tuple([_attempt(ledger, step, attempt) for attempt in step.log]),
    )


def _attempt(ledger: Ledger, step: StepRow, attempt: Attempt) -> AttemptHistory:
    ended, outcome = attempt.ended_at, attempt.outcome
    if outcome is not None and ended is not None:
        outcome = ledger.stamped(step, outcome, ended)
    return AttemptHistory(
        number=attempt.number,
        enqueued_at=attempt.enqueued_at,
        started_at=attempt.started_at,
        ended_at=ended,
        faults=tuple([fault.to_data() for fault in attempt.fired]),
        outcome=outcome,
        checkpoints=tuple(attempt.checkpoints),
        requests=attempt.requests,
    )
