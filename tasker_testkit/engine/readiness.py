"""When a step may run and what a task's steps say about the task: Tasker's own rules as pure functions.

Checked case by case against recordings of the running system. Instants and durations are microseconds; None = absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from tasker_testkit.model.durations import MINUTE, SECOND
from tasker_testkit.model.states import ExecutionStatus, TaskState
from tasker_testkit.model.template import Lifecycle

_HOUR: Final = 60 * MINUTE

RECOMMENDED_ACTION: Final[Mapping[ExecutionStatus, str]] = {
    "blocked_by_failures": "handle_failures",
    "has_ready_steps": "execute_ready_steps",
    "processing": "wait_for_completion",
    "all_complete": "finalize_task",
    "waiting_for_dependencies": "wait_for_dependencies",
}


def retry_eligible(attempts: int | None, max_attempts: int | None, retryable: bool) -> bool:
    """May the step be attempted (again)? The first attempt always may, whatever the limit says."""
    return not attempts or (retryable and attempts < (3 if max_attempts is None else max_attempts))


def next_retry_at(
    backoff_request: int | None, last_attempted_at: int | None, last_error_at: int | None, attempts: int | None
) -> int | None:
    """The earliest instant of the next attempt: a requested delay after the last attempt, else 2^attempts s (60 s at
    the most) after the last entry into ``error``, else None. Profile ``tasker-0.1.8`` (row 22)."""
    if backoff_request is not None and last_attempted_at is not None:
        return last_attempted_at + backoff_request
    if last_error_at is None:
        return None
    return last_error_at + min(1 << min(1 if attempts is None else attempts, 6), 60) * SECOND


def health_status(shares: Mapping[str, int]) -> str:
    """``blocked`` with a step in ``error``, else ``healthy``."""
    return "blocked" if shares["error"] else "healthy"


def completion_percentage(shares: Mapping[str, int]) -> float:
    """Share of steps that are complete or resolved by hand, in percent with two decimals; 0 without steps."""
    total = sum(shares.values())
    return round(100 * shares["settled"] / total, 2) if total else 0.0


def picked_up(state: TaskState, status: ExecutionStatus, in_state: int, limits: Mapping[TaskState, int] | None) -> bool:
    """Does the poll for waiting tasks take this task, ``in_state`` microseconds in its state? (Row 4.)"""
    if state == "pending":
        return True
    limit = (limits or {}).get(state)
    return limit is not None and in_state <= limit and status == "has_ready_steps"


def computed_priority(priority: int, age: int) -> float:
    """How urgent the poll finds a task of that age: rising for an hour, fading for a day, then 0.1."""
    hours = age / _HOUR
    if hours < 1:
        return priority + 0.1 * hours
    return priority * math.exp(-hours / 12) if hours < 24 else 0.1


def stale_after(state: TaskState, lifecycle: Lifecycle | None, defaults: Mapping[TaskState, int]) -> int | None:
    """How long in ``state`` until a task is stale: the template's minutes, else the default; None = never."""
    override = getattr(lifecycle, f"max_{state}_minutes", None)
    if state not in defaults:
        return None
    return defaults[state] if override is None else override * MINUTE


def is_stale(threshold: int | None, in_state: int, age: int, stale_age: int) -> bool:
    """Does the staleness detector end this task? Both limits are inclusive; without a threshold it never does."""
    return threshold is not None and (in_state >= threshold or age >= stale_age)
