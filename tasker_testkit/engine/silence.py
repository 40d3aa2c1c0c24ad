"""When no result comes: what a dispatch leaves behind, and what is made of it later (rows 10, 11 and 21)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tasker_testkit.engine.calls import Call, Overdue
from tasker_testkit.engine.clock import RESULT, first_tick
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.outcome import Silence, failure

if TYPE_CHECKING:
    from tasker_testkit.engine.workforce import Workforce


def fall_silent(workforce: Workforce, call: Call, silence: Silence) -> None:
    """The call ends without a result, or not at all."""
    if silence.why == "hangs":
        return
    if silence.why == "died" and call.worker is not None:
        call.worker.alive = False
    elif silence.why == "thread_died" and call.worker is not None:
        call.worker.thread_alive = False
    else:
        workforce.release(call)
    if call.step.log[-1] is call.record and call.step.state == "in_progress":
        _leave_behind(workforce, call, silence)


def _leave_behind(workforce: Workforce, call: Call, silence: Silence) -> None:
    """What the missing result means for the step."""
    record, profile, agenda = call.record, workforce.profile, workforce.agenda
    if silence.why == "unstorable":
        record.ended_at = agenda.now
        workforce.ledger.move_step(call.step, "enqueue_for_orchestration")
    elif silence.why == "no_completion":
        due = first_tick(call.at + profile.completion_limit, profile.cleanup_phase, profile.cleanup_interval)
        agenda.put(max(due, agenda.now), RESULT, (call, Overdue("completion")))
    elif profile.redelivery is not None:
        record.ended_at = agenda.now
        at = max(record.claimed_at + profile.redelivery, agenda.now)
        agenda.put(at, RESULT, (call, Overdue("redelivery")))


def _clean_up(workforce: Workforce, call: Call) -> StepRow | None:
    """The worker gives up waiting for a completion (row 10)."""
    limit_ms = workforce.profile.completion_limit * 1_000 // SECOND
    started = workforce.ledger.written(call.at)
    metadata = {"error_type": "ffi_timeout", "execution_time_ms": limit_ms, "started_at": started}
    timeout = failure(
        f"FFI handler timed out after {limit_ms}ms",
        "ffi_timeout",
        retryable=True,
        result={},
        status="failed",
        metadata=metadata,
        worker_made=True,
    )
    return workforce.settle(call, timeout)


def _deliver_again(workforce: Workforce, call: Call) -> StepRow | None:
    """The message of a worker that died comes back: the step runs again, or has no attempt left (row 21)."""
    step = call.step
    if step.state != "in_progress" or step.log[-1] is not call.record or call.record.outcome is not None:
        return None
    if not step.eligible:
        crashed = failure("The worker died and no attempt is left", "worker_crashed", retryable=False)
        return workforce.settle(call, crashed)
    again = workforce.attempt(step, None)
    again.record.enqueued_at = None
    workforce.dispatch(again)
    return None


OVERDUE: Final[Mapping[str, Callable[[Workforce, Call], StepRow | None]]] = {
    "completion": _clean_up,
    "redelivery": _deliver_again,
}
"""What becomes of a dispatch that is overdue; the step, if that brings its result."""
