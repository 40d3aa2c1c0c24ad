"""How a dispatch of a handler ends, as a value, and the result as Tasker would store it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from tasker_testkit.model.durations import as_timedelta

Status = Literal["completed", "retryable_error", "permanent_error", "error", "failed"]

METADATA_DEFAULTS: Final[Mapping[str, Any]] = {
    "execution_time_ms": 0,
    "handler_version": None,
    "retryable": False,
    "completed_at": None,
    "worker_id": None,
    "worker_hostname": None,
    "started_at": None,
    "custom": {},
    "error_code": None,
    "error_type": None,
    "context": {},
}
"""The eleven metadata keys that Tasker knows; every stored result has all of them."""

_NO_ORCHESTRATION: Final[Mapping[str, Any]] = {
    "headers": {},
    "error_context": None,
    "backoff_hint": None,
    "custom": {},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt came to, as it crossed from the worker to the orchestrator.

    ``took_us`` is virtual time in microseconds (``took`` the same as a timedelta); ``metadata`` holds only what the
    profile lets through (row 9); ``retry_after`` is a server-requested delay in seconds (row 2); ``worker_made`` marks
    a failure that the worker made by itself (row 1), ``by_hand`` an operator's result; ``step_uuid`` and ``ended_at``
    are known once the attempt has ended.
    ``checkpoint`` is what a handler called on its own yielded (in a run that is no outcome, but a ``Checkpoint``).
    """

    success: bool
    result: Any = None
    message: str | None = None
    error_type: str | None = None
    error_code: str | None = None
    retryable: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    took_us: int = 0
    status: Status = "completed"
    retry_after: float | None = None
    worker_made: bool = False
    by_hand: bool = False
    step_uuid: str | None = None
    ended_at: datetime | None = None
    checkpoint: Mapping[str, Any] | None = None

    @property
    def took(self) -> timedelta:
        """Virtual time the attempt took."""
        return as_timedelta(self.took_us)

    @property
    def stored(self) -> dict[str, Any]:
        """The result as Tasker would store it: what a descendant unwraps and an import reads."""
        ended = self.ended_at.isoformat().replace("+00:00", "Z") if self.ended_at else None
        return self.stored_as(self.step_uuid, ended)

    def stored_as(self, step_uuid: str | None, completed_at: str | None) -> dict[str, Any]:
        """The same for a step and an instant (ISO text) that the outcome doesn't know yet."""
        return {
            "step_uuid": step_uuid,
            "success": self.success,
            "result": self.result,
            "status": self.status,
            "error": None if self.success else self._error(),
            "metadata": self._stored_metadata(completed_at),
            "orchestration_metadata": dict(_NO_ORCHESTRATION) if self.worker_made or self.by_hand else None,
        }

    def _error(self) -> dict[str, Any]:
        return {
            "message": self.message,
            "error_type": self.error_type,
            "backtrace": None,
            "retryable": self.retryable,
        }

    def _stored_metadata(self, completed_at: str | None) -> dict[str, Any]:
        metadata = {**METADATA_DEFAULTS, "custom": {}, "context": {}, "completed_at": completed_at, **self.metadata}
        if not self.success:
            metadata["retryable"] = self.retryable
        if self.error_code is not None:
            metadata["error_code"] = self.error_code
        return metadata


class _Draft:
    """An Outcome in the making, like another one: its fields are set the plain way, which is several times faster."""

    __slots__ = Outcome.__slots__

    def __init__(self, like: Outcome) -> None:
        self.success = like.success
        self.result = like.result
        self.message = like.message
        self.error_type = like.error_type
        self.error_code = like.error_code
        self.retryable = like.retryable
        self.metadata = like.metadata
        self.took_us = like.took_us
        self.status = like.status
        self.retry_after = like.retry_after
        self.worker_made = like.worker_made
        self.by_hand = like.by_hand
        self.step_uuid = like.step_uuid
        self.ended_at = like.ended_at
        self.checkpoint = like.checkpoint

    def done(self, fields: Mapping[str, Any]) -> Outcome:
        """The Outcome, with these fields too; from now on nothing of it changes."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.__class__ = Outcome  # type: ignore[assignment]  # the same slots
        return self  # type: ignore[return-value]


_SUCCESS: Final = Outcome(True)
_FAILURE: Final = Outcome(False)


def success(result: Mapping[str, Any] | None = None, **fields: Any) -> Outcome:
    """A successful outcome with that result (None is stored as ``{}``)."""
    draft = _Draft(_SUCCESS)
    draft.result = {} if result is None else result
    draft.metadata = {}
    return draft.done(fields)


def failure(message: str, error_type: str, *, retryable: bool, **fields: Any) -> Outcome:
    """A failed outcome; its status follows from ``retryable``. An empty message or type is stored as Tasker does."""
    draft = _Draft(_FAILURE)
    draft.message = message or "Unknown error"
    draft.error_type = error_type or "unknown"
    draft.retryable = retryable
    draft.status = "retryable_error" if retryable else "permanent_error"
    draft.metadata = {}
    return draft.done(fields)


def stamped(outcome: Outcome, step_uuid: str, ended_at: datetime) -> Outcome:
    """The same outcome as it is stored: with the step's identifier and the instant of its end."""
    draft = _Draft(outcome)
    draft.step_uuid, draft.ended_at = step_uuid, ended_at
    return draft.done({})


def delayed(ending: Ending, by: int) -> Ending:
    """The same ending, ``by`` microseconds later."""
    return replace(ending, took_us=ending.took_us + by)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Not an ending of the attempt: the handler yielded, its progress is kept and the step is dispatched again."""

    cursor: Any
    items_processed: int = 0
    accumulated_results: Any = None
    took_us: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """A dispatch from which no result arrives, and why.

    ``no_completion``: the worker got something that isn't a result (row 10); ``unstorable``: the database refuses the
    result (row 11); ``died``: the whole worker is gone (row 21); ``thread_died``: the worker's thread is gone (row 21);
    ``hangs``: the handler never returns; ``lost``: the result got lost, the worker lives.
    """

    why: Literal["no_completion", "unstorable", "died", "thread_died", "hangs", "lost"]
    took_us: int = 0
    outcome: Outcome | None = None


Ending = Outcome | Checkpoint | Silence


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt, in a stub: ``stubs={"process_payment": [Failure("busy"), {"payment_id": "p"}]}``.

    ``retryable`` defaults to True as in ``StepHandlerResult.failure``; ``retry_after`` is in seconds.
    """

    message: str = "stubbed failure"
    error_type: str = "handler_error"
    error_code: str | None = None
    retryable: bool = True
    retry_after: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def outcome(self) -> Outcome:
        """The outcome of an attempt that fails like this."""
        return failure(
            self.message,
            self.error_type,
            retryable=self.retryable,
            error_code=self.error_code,
            metadata=dict(self.metadata),
            retry_after=self.retry_after,
        )
