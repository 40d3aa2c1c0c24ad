"""What rows 7 to 12 and 16 did to a workflow: how handlers are called, what becomes of what they return or raise."""

from __future__ import annotations

from collections.abc import Iterator

from tasker_testkit.engine.history import AttemptHistory
from tasker_testkit.fidelity.evidence import Evidence, attempts
from tasker_testkit.fidelity.words import counted, named
from tasker_testkit.model.durations import spoken
from tasker_testkit.model.outcome import Outcome


def raised(case: Evidence, step: str) -> str | None:
    """Row 7: an exception whose class means nothing."""
    for one, other in case.pairs(step):
        before, after = one.outcome, other.outcome
        if before and after and not after.success and before != after:
            kind = f"`{step}` raises {after.error_type} from a class"
            made, promised = (attempts(seen.step(step)) for seen in (case.built, case.documented))
            if made != promised:
                return f"{kind}: retried as any exception, {counted(made, 'attempt')} instead of {promised}"
            lost = ", ".join(_lost(before, after))
            return f"{kind}: it {f'loses {lost}' if lost else 'arrives as retryable'}"
    return None


def _lost(before: Outcome, after: Outcome) -> Iterator[str]:
    for what in ("error_type", "error_code", "retry_after"):
        if getattr(before, what) != getattr(after, what):
            yield f"its {what} {getattr(before, what)}"
    gone = [key for key in before.metadata if key not in after.metadata]
    if gone:
        yield f"{named(gone)} of its metadata"


def error_code(case: Evidence, step: str) -> str | None:
    """Row 8: a code that doesn't arrive."""
    for one, other in case.pairs(step):
        if one.outcome and other.outcome and one.outcome.error_code and not other.outcome.error_code:
            return f"the error_code {one.outcome.error_code} of `{step}` is lost"
    return None


def metadata(case: Evidence, step: str) -> str | None:
    """Row 9: keys that don't arrive."""
    for one, other in case.pairs(step):
        if one.outcome and other.outcome:
            lost = [key for key in one.outcome.metadata if key not in other.outcome.metadata]
            if lost:
                return f"`{step}` loses {named(lost)} of its metadata"
    return None


def no_result(case: Evidence, step: str) -> str | None:
    """Row 10: nothing was returned that could be reported."""
    for one, other in case.pairs(step):
        if _breaks_contract(one) and not _is_not_json(other, case, step):
            ended, started = other.ended_at, other.started_at
            took = f"only after {spoken(ended - started)}" if ended is not None and started is not None else "never"
            return f"`{step}` returns what is no StepHandlerResult: it fails {took}, as a retryable ffi_timeout"
    return None


def not_json(case: Evidence, step: str) -> str | None:
    """Row 11: a result that can't cross, or can't be stored."""
    for one, other in case.pairs(step):
        if _breaks_contract(one) and _is_not_json(other, case, step):
            if other.outcome and not other.outcome.success:
                return f"the result of `{step}` isn't JSON: FFI_SERIALIZATION_ERROR, without the place"
            return f"the result of `{step}` holds a NUL character: it stays enqueued_for_orchestration for ever"
    return None


def _breaks_contract(attempt: AttemptHistory) -> bool:
    return attempt.outcome is not None and attempt.outcome.error_type == "contract_error"


def _is_not_json(attempt: AttemptHistory, case: Evidence, step: str) -> bool:
    found = case.after.step(step)
    stored = attempt.outcome is not None and attempt.outcome.error_type == "FFI_SERIALIZATION_ERROR"
    return stored or (found is not None and found.state == "enqueued_for_orchestration")


def timeout(case: Evidence, step: str) -> str | None:
    """Row 12: an attempt that takes longer than it may."""
    definition = case.definition(step)
    for one, other in case.pairs(step):
        if definition and one.outcome and one.outcome.error_type == "timeout" and one.outcome != other.outcome:
            ended, started = other.ended_at, other.started_at
            takes = f"takes {spoken(ended - started)}" if ended is not None and started is not None else "never ends"
            return f"`{step}` has timeout_seconds: {definition.timeout_seconds}, and its attempt {one.number} {takes}"
    return None


def method(case: Evidence, step: str) -> str | None:
    """Row 16: another method runs than the template says."""
    definition = case.definition(step)
    if definition is None or not (definition.handler.method or definition.handler.resolver):
        return None
    key = "method" if definition.handler.method else "resolver"
    return f"`{step}` has handler.{key}: {getattr(definition.handler, key)}, which is ignored: `call` runs"
