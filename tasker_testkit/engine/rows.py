"""The rows of a ledger: a step, and an attempt of it. Their states are changed by the ledger alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_testkit.engine.growth import NewStep
from tasker_testkit.engine.readiness import next_retry_at, retry_eligible
from tasker_testkit.model.faults import Fault
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.requests import HttpCall
from tasker_testkit.model.states import STEP_WAITING, StepState


class Wire:
    """What went over an attempt's wire: its ``requests``, and the planned faults that ``struck`` them."""

    __slots__ = ("requests", "struck")

    def __init__(self) -> None:
        self.requests: tuple[HttpCall, ...] = ()
        self.struck: tuple[Fault, ...] = ()


class Attempt:
    """One attempt of a step, as it goes. Instants in microseconds, None = not yet; ``wire`` None = no requests."""

    __slots__ = (
        *("checkpoints", "claimed_at", "ended_at", "enqueued_at", "faults"),
        *("number", "outcome", "started_at", "wire"),
    )

    def __init__(self, number: int, enqueued_at: int | None, claimed_at: int, faults: tuple[Fault, ...]) -> None:
        self.number = number
        self.enqueued_at = enqueued_at
        self.claimed_at = claimed_at
        self.faults = faults
        self.started_at: int | None = None
        self.ended_at: int | None = None
        self.outcome: Outcome | None = None
        self.checkpoints: tuple[tuple[int, Mapping[str, Any]], ...] = ()
        self.wire: Wire | None = None

    @property
    def fired(self) -> tuple[Fault, ...]:
        """The planned faults that took effect: most need a handler to be called, a crash at a checkpoint needs one.

        Behind them those that struck its requests.
        """
        struck = self.wire.struck if self.wire else ()
        if not self.faults:
            return struck
        called = tuple(fault for fault in self.faults if self.started_at is not None or fault.kind == "duplicate")
        return (*(fault for fault in called if self.checkpoints or fault.when != "checkpoint"), *struck)

    @property
    def requests(self) -> tuple[HttpCall, ...]:
        """The requests that its handler made over HTTP, in the order in which they ended."""
        return self.wire.requests if self.wire else ()


class StepRow:
    """One step of the task. The columns are Tasker's; ``parents`` are rows, ``children`` indexes of rows.

    ``unmet`` counts the parents that aren't satisfied yet; ``ready_from`` is the instant from which on it may be
    enqueued as it stands, None = not before something changes.
    """

    __slots__ = (
        "attempts",
        "backoff_request",
        "checkpoint",
        "children",
        "due_at",
        "enqueued_at",
        "in_process",
        "index",
        "inputs",
        "last_attempted_at",
        "last_error_at",
        "log",
        "max_attempts",
        "name",
        "parents",
        "processed",
        "ready_from",
        "result",
        "result_at",
        "retryable",
        "state",
        "template",
        "type",
        "unmet",
    )

    def __init__(self, index: int, new: NewStep) -> None:
        self.index = index
        self.name = new.name
        self.type = new.type
        self.template = new.template
        self.inputs = new.inputs
        retry = new.template.retry
        self.max_attempts = retry.max_attempts
        self.retryable = retry.retryable
        self.state: StepState = "pending"
        self.in_process = self.processed = False
        self.unmet = self.result_at = 0
        self.parents: list[StepRow] = []
        self.children: list[int] = []
        self.log: list[Attempt] = []
        self.result: Outcome | None = None
        self.checkpoint: Mapping[str, Any] | None = None
        self.attempts: int | None = None
        self.enqueued_at: int | None = None
        self.last_attempted_at: int | None = None
        self.last_error_at: int | None = None
        self.backoff_request: int | None = None
        self.due_at: int | None = None
        self.ready_from: int | None = None

    @property
    def eligible(self) -> bool:
        """May it be attempted (again)?"""
        return retry_eligible(self.attempts, self.max_attempts, self.retryable)

    @property
    def next_retry(self) -> int | None:
        """The earliest instant of its next attempt, or None."""
        if self.due_at is not None:
            return self.due_at
        return next_retry_at(self.backoff_request, self.last_attempted_at, self.last_error_at, self.attempts)

    def is_ready(self, now: int) -> bool:
        """May it be enqueued now?"""
        return self.ready_at(now) == now

    def ready_at(self, now: int) -> int | None:
        """The instant, ``now`` or later, from which it may be enqueued as it stands; None = something must change.

        Tasker's own rule: it waits, nobody has it, every parent is satisfied, it may be attempted, and the instant of
        its next retry has come; at that very instant it may.
        """
        if self.unmet or self.in_process or self.processed or self.state not in STEP_WAITING:
            return None
        if self.attempts and not retry_eligible(self.attempts, self.max_attempts, self.retryable):
            return None
        due = self.due_at
        if due is None and (self.last_error_at is not None or self.backoff_request is not None):
            due = self.next_retry
        return now if due is None or due < now else due
