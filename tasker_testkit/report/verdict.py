"""Why a task ended as it did, in one line for a shell."""

from __future__ import annotations

from tasker_testkit.engine.history import History, StepHistory
from tasker_testkit.model.durations import spoken
from tasker_testkit.model.states import STEP_TERMINAL


def why_ended(history: History) -> str:
    """What failed, went stale, is stuck or was cancelled; of a task that did well, that nothing failed."""
    failed = [_failure(step, history) for step in history.steps if step.state == "error"]
    ended = _staleness(history) or _stuck(history) or _cancellation(history) or unheeded(history)
    reason = "; ".join(failed) or ended or "nothing failed"
    return " ".join(reason.split())


def unheeded(history: History) -> str:
    """Why a task is still blocked though an operator settled or reset all that failed (rows 22 and 23)."""
    if history.state != "blocked_by_failures" or any(step.state == "error" for step in history.steps):
        return ""
    return "no step is in error any more, but nothing looks at a blocked task again (rows 22, 23)"


def _failure(step: StepHistory, history: History) -> str:
    outcome = step.attempts[-1].outcome if step.attempts else None
    if outcome is not None and not outcome.success:
        return f"step {step.name!r}: {outcome.error_type}: {outcome.message}"
    prefix = f"step {step.name}: "  # of the warnings that are about this step
    warnings = [warning["text"] for warning in history.warnings if warning["text"].startswith(prefix)]
    return f"step {step.name!r}: {warnings[-1].removeprefix(prefix) if warnings else 'it is in error'}"


def _staleness(history: History) -> str:
    """What the staleness detector found (semantics: section 10), and what was under way then."""
    letter = next((one for one in history.dead_letters if one["reason"] == "staleness_timeout"), None)
    if letter is None:
        return ""
    before, last = history.transitions[-2:]
    open_steps = [step for step in history.steps if step.state not in STEP_TERMINAL]
    busy = [step for step in open_steps if step.state != "pending"] or open_steps
    steps = ", ".join(f"step {step.name!r} still {step.state}" for step in busy) or "no step open"
    return f"stale after {spoken(last.at - before.at)} in {letter['original_state']}, {steps}"


def _stuck(history: History) -> str:
    first, *steps = (history.stuck or "").splitlines() or [""]
    return f"{first.removesuffix('.')}: {'; '.join(map(str.strip, steps))}" if steps else first


def _cancellation(history: History) -> str:
    times = [action["at"] for action in history.actions if action["do"] == "cancel"]
    return f"an operator cancelled it at {times[0]:g} s" if times else ""
