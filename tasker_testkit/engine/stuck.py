"""Why a task that hasn't ended will never move again, in words."""

from __future__ import annotations

from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.model.states import STEP_SATISFIED, TASK_TERMINAL

_ENDED = TASK_TERMINAL | {"blocked_by_failures"}


def why_stuck(ledger: Ledger) -> str | None:
    """One line for each step that keeps the task from its end, or None if the task has ended."""
    if ledger.task_state in _ENDED:
        return None
    return f"The task stays {ledger.task_state}: nothing can happen any more.\n" + (_reasons(ledger) or "  no step")


def why_over(ledger: Ledger) -> str:
    """The same for a task that has ended too: its end, and each step that isn't complete."""
    ended = f"The task ended {ledger.task_state}.\n{_reasons(ledger)}".rstrip()
    return why_stuck(ledger) or ended


def _reasons(ledger: Ledger) -> str:
    return "\n".join(f"  {step.name}: {_reason(step)}" for step in ledger.steps if step.state not in STEP_SATISFIED)


def _reason(step: StepRow) -> str:
    if step.state == "error" and step.result is not None:
        made = f"error after attempt {step.attempts} of {step.max_attempts}"
        return made if step.result.success else f"{made}, {step.result.error_type}: {step.result.message}"
    if step.state == "cancelled":
        return "cancelled"
    if step.state == "in_progress":
        called = bool(step.log) and step.log[-1].started_at is not None
        return "in_progress, " + ("its result never arrives" if called else "claimed by a worker that never runs it")
    if step.state == "enqueued_for_orchestration":
        return "enqueued_for_orchestration, its result could not be stored (row 11)"
    if step.unmet:
        missing = [parent.name for parent in step.parents if parent.state not in STEP_SATISFIED]
        return f"{step.state}, waits for {', '.join(missing)}"
    if not step.eligible:
        return f"{step.state}, not eligible for attempt {(step.attempts or 0) + 1} of {step.max_attempts}"
    return f"{step.state}, nothing looks at it any more"
