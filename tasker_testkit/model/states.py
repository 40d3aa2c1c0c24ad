"""THE TABLES: every state of a step and of a task, every event, and where it leads.

The engine runs on these tables and on nothing else; the diagrams in the documents are drawn from them.
Source: the published state machines, checked against the running system (profile rows 5, 22, 23 say where the
profiles take different ways through the same tables).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

StepState = Literal[
    "pending",
    "enqueued",
    "in_progress",
    "enqueued_for_orchestration",
    "enqueued_as_error_for_orchestration",
    "waiting_for_retry",
    "complete",
    "error",
    "cancelled",
    "resolved_manually",
]
StepEvent = Literal[
    "enqueue",
    "start",
    "enqueue_for_orchestration",
    "enqueue_as_error_for_orchestration",
    "complete",
    "wait_for_retry",
    "fail",
    "retry",
    "reset_for_retry",
    "cancel",
    "complete_manually",
    "resolve_manually",
]
TaskState = Literal[
    "pending",
    "initializing",
    "enqueuing_steps",
    "steps_in_process",
    "evaluating_results",
    "waiting_for_dependencies",
    "waiting_for_retry",
    "blocked_by_failures",
    "complete",
    "error",
    "cancelled",
    "resolved_manually",
]
TaskEvent = Literal[
    "start",
    "ready_steps_found",
    "no_steps_found",
    "no_dependencies_ready",
    "steps_enqueued",
    "enqueue_failed",
    "step_completed",
    "all_steps_completed",
    "step_failed",
    "all_steps_successful",
    "permanent_failure",
    "dependencies_ready",
    "retry_ready",
    "give_up",
    "manual_resolution",
    "cancel",
    "reconsider",
    "go_stale",
]
ExecutionStatus = Literal[
    "blocked_by_failures", "has_ready_steps", "processing", "all_complete", "waiting_for_dependencies"
]

STEP_STATES: Final[tuple[StepState, ...]] = StepState.__args__  # type: ignore[attr-defined]
TASK_STATES: Final[tuple[TaskState, ...]] = TaskState.__args__  # type: ignore[attr-defined]

STEP_TERMINAL: Final[frozenset[StepState]] = frozenset({"complete", "cancelled", "resolved_manually"})
"""``error`` isn't terminal: an operator can reset it."""
STEP_SATISFIED: Final[frozenset[StepState]] = frozenset({"complete", "resolved_manually"})
"""The states of a parent that let its children start; no other state does."""
STEP_PROCESSING: Final[frozenset[StepState]] = frozenset(
    {"enqueued", "in_progress", "enqueued_for_orchestration", "enqueued_as_error_for_orchestration"}
)
STEP_WAITING: Final[frozenset[StepState]] = frozenset({"pending", "waiting_for_retry"})
"""The states from which a step may be enqueued."""
STEP_CLAIMABLE: Final[frozenset[StepState]] = frozenset({"pending", "enqueued"})
TASK_TERMINAL: Final[frozenset[TaskState]] = frozenset({"complete", "error", "cancelled", "resolved_manually"})

_BEFORE_RESULT: Final[tuple[StepState, ...]] = ("pending", "enqueued", "in_progress")
_ANY_STEP: Final = {state: state for state in STEP_STATES}

STEP_TABLE: Final[Mapping[StepEvent, Mapping[StepState, StepState]]] = {
    "enqueue": {"pending": "enqueued"},
    "start": {"enqueued": "in_progress", "pending": "in_progress"},
    "enqueue_for_orchestration": {"in_progress": "enqueued_for_orchestration"},
    "enqueue_as_error_for_orchestration": {"in_progress": "enqueued_as_error_for_orchestration"},
    "complete": {
        "enqueued_for_orchestration": "complete",
        "enqueued_as_error_for_orchestration": "complete",
        "in_progress": "complete",
    },
    "wait_for_retry": {
        "enqueued_as_error_for_orchestration": "waiting_for_retry",
        **dict.fromkeys(_BEFORE_RESULT, "waiting_for_retry"),
    },
    "fail": {
        "enqueued_as_error_for_orchestration": "error",
        "enqueued_for_orchestration": "error",
        **dict.fromkeys(_BEFORE_RESULT, "error"),
    },
    "retry": {"waiting_for_retry": "pending", "error": "pending"},
    "reset_for_retry": {"error": "pending"},
    "cancel": {state: "cancelled" for state in STEP_STATES if state not in STEP_TERMINAL},
    "complete_manually": dict.fromkeys(_ANY_STEP, "complete"),
    "resolve_manually": dict.fromkeys(_ANY_STEP, "resolved_manually"),
}
"""``STEP_TABLE[event][from]`` is the state after it; a pair that isn't there is illegal."""

TASK_TABLE: Final[Mapping[TaskEvent, Mapping[TaskState, TaskState]]] = {
    "start": {"pending": "initializing"},
    "ready_steps_found": {
        "initializing": "enqueuing_steps",
        "evaluating_results": "enqueuing_steps",
    },
    "no_steps_found": {"initializing": "complete"},
    "no_dependencies_ready": {
        "initializing": "waiting_for_dependencies",
        "evaluating_results": "waiting_for_dependencies",
    },
    "steps_enqueued": {"enqueuing_steps": "steps_in_process"},
    "enqueue_failed": {"enqueuing_steps": "error"},
    "step_completed": {"steps_in_process": "evaluating_results"},
    "all_steps_completed": {"steps_in_process": "evaluating_results"},
    "step_failed": {"steps_in_process": "waiting_for_retry"},
    "all_steps_successful": {"evaluating_results": "complete"},
    "permanent_failure": {"evaluating_results": "blocked_by_failures"},
    "dependencies_ready": {"waiting_for_dependencies": "evaluating_results"},
    "retry_ready": {"waiting_for_retry": "enqueuing_steps"},
    "give_up": {"blocked_by_failures": "error"},
    "manual_resolution": {"blocked_by_failures": "resolved_manually"},
    "cancel": {state: "cancelled" for state in TASK_STATES if state not in TASK_TERMINAL},
    "reconsider": {
        "blocked_by_failures": "evaluating_results",
        "waiting_for_retry": "evaluating_results",
    },
    "go_stale": {
        "steps_in_process": "error",
        "waiting_for_dependencies": "error",
        "waiting_for_retry": "error",
    },
}
"""``TASK_TABLE[event][from]``. Two events aren't in the published table: ``go_stale`` is the staleness detector's,
which writes past it; ``reconsider`` is the progress that the documents promise after an operator's act (22, 23)."""


def step_transitions() -> Iterator[tuple[StepState, StepEvent, StepState]]:
    """Every legal move of a step as (from, event, to)."""
    return ((before, event, after) for event, row in STEP_TABLE.items() for before, after in row.items())


def task_transitions() -> Iterator[tuple[TaskState, TaskEvent, TaskState]]:
    """Every legal move of a task as (from, event, to)."""
    return ((before, event, after) for event, row in TASK_TABLE.items() for before, after in row.items())
