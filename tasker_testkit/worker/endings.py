"""From what a handler did to how its attempt ends: rows 7 to 11, and Tasker's own labels for failures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from tasker_testkit.model.outcome import Checkpoint, Ending, Outcome, Silence, failure, success
from tasker_testkit.model.profile import Profile
from tasker_testkit.worker.sdk import load
from tasker_testkit.worker.wire import NotJson, check_metadata, crossing, known_only

CONTRACT_ERROR: Final = "contract_error"
_CHECKPOINT_REFUSED: Final = (
    "Checkpoint yield failed: Database error: error returned from database: unsupported Unicode escape sequence"
)


def returned(value: Any, profile: Profile, *, handler: str | None = None, took_us: int = 0) -> Ending:
    """The ending of an attempt whose handler returned ``value`` after ``took_us`` microseconds of virtual time.

    ``handler`` is its name, for messages.
    """
    if not isinstance(value, load().StepHandlerResult):
        return _not_a_result(value, profile, handler, took_us)
    metadata = value.metadata
    if metadata and metadata.get("checkpoint_yield") is True:
        return _yielded(value.result or {}, profile, took_us)
    if value.is_success and not metadata:
        return _plain_success(value.result or {}, profile, took_us)
    return _sent(_as_outcome(value, took_us), profile)


def raised(error: BaseException, profile: Profile, *, took_us: int = 0) -> Ending:
    """The ending of an attempt whose class handler raised ``error`` (row 7)."""
    kind = type(error).__name__
    if not profile.classifies_raised:
        return _sent(failure(_message(error), kind, retryable=True, took_us=took_us), profile)
    metadata = getattr(error, "metadata", None)
    return _sent(
        failure(
            _message(error),
            _text(getattr(error, "error_type", None)) or kind,
            retryable=_is_retryable(error),
            error_code=_text(getattr(error, "error_code", None)),
            metadata=metadata if isinstance(metadata, Mapping) else {},
            retry_after=_seconds(getattr(error, "retry_after", None)),
            took_us=took_us,
        ),
        profile,
    )


def not_found(callable_name: str, *, took_us: int = 0) -> Outcome:
    """No handler for the callable: permanent, in both profiles."""
    return failure(f"Handler not found: {callable_name}", "handler_not_found", retryable=False, took_us=took_us)


def _plain_success(result: Any, profile: Profile, took_us: int) -> Ending:
    """The way of most results, shortened: nothing but a result to copy."""
    try:
        copy, nul = crossing(result, "result") if result else ({}, None)
    except NotJson:
        nul = "result"
    return success(copy, took_us=took_us) if nul is None else _sent(success(result, took_us=took_us), profile)


def _as_outcome(value: Any, took_us: int) -> Outcome:
    """A StepHandlerResult as it is, before the wire."""
    if value.is_success:
        return Outcome(True, value.result or {}, metadata=value.metadata, took_us=took_us)
    return failure(
        _text(value.error_message) or "",
        _text(value.error_type) or "",
        retryable=value.retryable,
        error_code=_text(value.error_code),
        metadata=value.metadata,
        took_us=took_us,
    )


def _sent(outcome: Outcome, profile: Profile) -> Ending:
    """The outcome as it arrives at the orchestrator."""
    if _is_plain_failure(outcome):
        return outcome
    try:
        return _arrived(outcome, profile)
    except NotJson as error:
        return _refused(error, outcome, profile)


def _is_plain_failure(outcome: Outcome) -> bool:
    """Most failures: two ordinary texts and nothing that any profile changes."""
    if outcome.success or outcome.metadata or outcome.error_code or outcome.retry_after is not None:
        return False
    text = f"{outcome.message}{outcome.error_type}"
    return outcome.result is None and text.isascii() and "\0" not in text


def _arrived(outcome: Outcome, profile: Profile) -> Ending:
    result, place = crossing(outcome.result, "result")
    metadata = outcome.metadata
    if metadata:
        metadata, in_metadata = _metadata(metadata, outcome, profile)
        place = place or in_metadata
    code = outcome.error_code or (_text(metadata.get("error_code")) if profile.keeps_metadata else None)
    arrived = Outcome(
        outcome.success,
        result,
        outcome.message,
        outcome.error_type,
        code if profile.keeps_error_code else None,
        outcome.retryable,
        metadata,
        outcome.took_us,
        outcome.status,
        _wish(outcome) if profile.honours_retry_after and not outcome.success else None,
        outcome.worker_made,
        outcome.by_hand,
    )
    if not outcome.success:
        place = place or crossing([outcome.message, outcome.error_type], "error")[1]
    if place is None:
        return arrived
    if profile.contract_errors:
        raise NotJson(place, "text with a NUL character, which Tasker's database can't hold", "")
    return Silence("unstorable", outcome.took_us, arrived)


def _metadata(metadata: Mapping[str, Any], outcome: Outcome, profile: Profile) -> tuple[dict[str, Any], str | None]:
    copy, place = crossing(dict(metadata), "metadata")
    if not outcome.success:
        copy.pop("retryable", None)  # the failure's own flag wins
    check_metadata(copy)
    if profile.keeps_metadata:
        return copy, place
    kept = known_only(copy)
    return kept, crossing(kept, "metadata")[1] if place else None


def _refused(error: NotJson, outcome: Outcome, profile: Profile) -> Outcome:
    """Row 11: what can't cross."""
    if profile.contract_errors:
        return _broken_contract(
            f"{error}. A result crosses to Tasker as JSON: return dicts, lists, texts, numbers, booleans and None.",
            outcome.took_us,
        )
    return failure(
        f"FFI serialization failed: {error.wire}"[:500],
        "FFI_SERIALIZATION_ERROR",
        retryable=False,
        status="error",
        result={},
        took_us=outcome.took_us,
        metadata={
            "worker_id": "python-worker",
            "custom": {"ffi_serialization_error": error.wire[:500], "original_success": str(outcome.success)},
        },
    )


def _broken_contract(message: str, took_us: int) -> Outcome:
    return failure(message, CONTRACT_ERROR, retryable=False, took_us=took_us)


def _not_a_result(value: Any, profile: Profile, handler: str | None, took_us: int) -> Ending:
    """Row 10."""
    if not profile.contract_errors:
        return Silence("no_completion", took_us)
    what = "None" if value is None else f"a {type(value).__name__}"
    hint = "self.success({...})" if not isinstance(value, dict) else "self.success(...) with that dict"
    who = f"The handler {handler!r}" if handler else "The handler"
    return _broken_contract(
        f"{who} returned {what}, not a StepHandlerResult. Return {hint}, or self.failure(...) if it failed.", took_us
    )


def _yielded(progress: Mapping[str, Any], profile: Profile, took_us: int) -> Ending:
    """A checkpoint instead of an outcome; one that the database refuses fails the attempt."""
    try:
        (cursor, items, results), place = crossing(
            [progress.get("cursor"), progress.get("items_processed", 0), progress.get("accumulated_results")],
            "checkpoint",
        )
    except NotJson as error:
        if profile.contract_errors:
            return _broken_contract(f"{error}. A checkpoint crosses to Tasker as JSON.", took_us)
        return Silence("no_completion", took_us)
    if place:
        return failure(
            _CHECKPOINT_REFUSED,
            "checkpoint_error",
            retryable=True,
            status="failed",
            result={},
            metadata={"error_type": "checkpoint_error"},
            worker_made=True,
            took_us=took_us,
        )
    if cursor is None and profile.contract_errors:
        return _broken_contract(
            "The handler yielded a checkpoint without a cursor, so that the next piece would begin at the start again. "
            "Yield where to go on: checkpoint_yield(cursor=..., ...).",
            took_us,
        )
    return Checkpoint(cursor, items, results, took_us)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"{type(error).__name__}, whose text can't be made: {broken!r}"


def _is_retryable(error: BaseException) -> bool:
    if isinstance(error, (load().PermanentError, load().RetryableError)):
        return isinstance(error, load().RetryableError)
    own = getattr(error, "retryable", True)
    return own if isinstance(own, bool) else True


def _wish(outcome: Outcome) -> float | None:
    """The delay that a server asked for (row 2), in seconds."""
    wishes = (outcome.retry_after, *(outcome.metadata.get(key) for key in ("retry_after", "retry_after_seconds")))
    return next((wish for wish in map(_seconds, wishes) if wish is not None), None)


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if is_number else None


def _text(value: Any) -> str | None:
    if isinstance(value, Enum):
        value = value.value
    return str(value) if isinstance(value, str) else None
