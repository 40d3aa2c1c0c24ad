"""THE TABLES as a run looks them up: each event, and events that always come one behind the other, as one way.

A way says, for each state from which all its events are legal in turn, which states they lead through. A step's way
also says how its share in the task's execution status changes: what its state counts as before and after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from tasker_testkit.model.states import (
    STEP_PROCESSING,
    STEP_SATISFIED,
    STEP_STATES,
    STEP_TABLE,
    TASK_TABLE,
    ExecutionStatus,
    StepEvent,
    StepState,
    TaskEvent,
    TaskState,
)

State = TypeVar("State", bound=str)
Event = TypeVar("Event", bound=str)
Table = Mapping[Event, Mapping[State, State]]
Through = tuple[State, ...]
Shift = tuple[str, str] | None
"""What a step counts as (see ``SHARES``) before and after a way; None if that is the same."""

SETTLED: Final = "settled"
SHARES: Final[Mapping[StepState, str]] = {
    **dict.fromkeys(STEP_STATES, "open"),
    **dict.fromkeys(STEP_PROCESSING, "processing"),
    **dict.fromkeys(STEP_SATISFIED, SETTLED),
    "error": "error",
}
"""What a step in a state counts as for its task's execution status."""


StepWay = Mapping[StepState, tuple[Through[StepState], Shift]]
TaskWay = Mapping[TaskState, Through[TaskState]]


def _walked(table: Table[Event, State], events: tuple[Event, ...]) -> Iterator[tuple[State, Through[State]]]:
    for start in table[events[0]]:
        way = [start]
        for event in events:
            way += [table[event][way[-1]]] if way[-1] in table[event] else []
        if len(way) == len(events) + 1:
            yield start, tuple(way[1:])


def step_way(*events: StepEvent) -> StepWay:
    """The way of a step through several events."""
    return {start: (through, _shift(start, through[-1])) for start, through in _walked(STEP_TABLE, events)}


def _shift(before: StepState, after: StepState) -> Shift:
    return None if SHARES[before] == SHARES[after] else (SHARES[before], SHARES[after])


def task_way(*events: TaskEvent) -> TaskWay:
    """The way of a task through several events."""
    return dict(_walked(TASK_TABLE, events))


def _looked_at(*events: TaskEvent) -> TaskWay:
    """A look at the steps and what it leads to; it begins an evaluation, unless one is going on."""
    going_on = task_way(*events)["evaluating_results"] if events else ()
    return {**task_way("step_completed", *events), "evaluating_results": going_on}


STEP_WAYS: Final[Mapping[StepEvent, StepWay]] = {event: step_way(event) for event in STEP_TABLE}
"""Each event of a step alone."""
TASK_WAYS: Final[Mapping[TaskEvent, TaskWay]] = {event: task_way(event) for event in TASK_TABLE}
"""Each event of a task alone."""
VERDICTS: Final[Mapping[ExecutionStatus, TaskWay]] = {
    "blocked_by_failures": _looked_at("permanent_failure"),
    "has_ready_steps": _looked_at("ready_steps_found"),
    "processing": _looked_at(),
    "all_complete": _looked_at("all_steps_successful"),
    "waiting_for_dependencies": _looked_at("no_dependencies_ready"),
}
"""Where its steps, by their execution status, lead a task that looks at them."""
WAKE: Final[TaskWay] = {
    **VERDICTS["has_ready_steps"],
    "waiting_for_dependencies": task_way("dependencies_ready", "ready_steps_found")["waiting_for_dependencies"],
    "waiting_for_retry": TASK_WAYS["retry_ready"]["waiting_for_retry"],
}
"""A step is due, or the poll has found one: the task is about to enqueue it."""

ENQUEUE: Final[StepWay] = {
    **STEP_WAYS["enqueue"],
    "waiting_for_retry": step_way("retry", "enqueue")["waiting_for_retry"],
}
"""A ready step is enqueued; one that waited for its retry over ``pending``."""
SUCCEED: Final = step_way("enqueue_for_orchestration", "complete")
"""A success arrives, and nothing grows from it."""
RETRY: Final = step_way("enqueue_as_error_for_orchestration", "wait_for_retry")
FAIL: Final = step_way("enqueue_as_error_for_orchestration", "fail")
CONTINUE: Final = step_way("enqueue_as_error_for_orchestration", "complete")
"""What a failure that arrives leads to: another attempt, the end, or a batch that goes on without the step."""


def spoken(way: StepWay | TaskWay) -> str:
    """What a way is called in an error: its event, if it has but one."""
    return next((repr(event) for event, one in (*STEP_WAYS.items(), *TASK_WAYS.items()) if one is way), "way on")
