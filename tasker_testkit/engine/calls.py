"""A dispatch on its way: what a worker has claimed, and the worker processes themselves."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from tasker_testkit.engine.rows import Attempt, StepRow
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.faults import Fault
from tasker_testkit.model.outcome import Ending, Outcome, Silence, delayed, failure


class Call:
    """One handler about to be called: ``attempt`` (1-based) of ``step``, whose row is as it was before the claim.

    ``at`` is the instant of the call, ``faults`` are the attempt's planned ones; ``piece`` counts its dispatches after
    checkpoints, ``echo`` marks the second delivery of a duplicated dispatch.
    """

    __slots__ = (
        "_dependencies",
        "at",
        "attempts_before",
        "backoff_before",
        "checkpoint",
        "echo",
        "last_attempted_before",
        "piece",
        "record",
        "result_before",
        "step",
        "worker",
    )

    def __init__(self, step: StepRow, worker: Worker | None, record: Attempt) -> None:
        self.step = step
        self.worker = worker
        self.record = record
        self.attempts_before = step.attempts
        self.result_before = step.result
        self.checkpoint = step.checkpoint
        self.last_attempted_before = step.last_attempted_at
        self.backoff_before = step.backoff_request
        self.at = self.piece = 0
        self.echo = False
        self._dependencies: Mapping[StepRow, Outcome] | None = None

    @property
    def name(self) -> str:
        """The step's name."""
        return self.step.name

    @property
    def attempt(self) -> int:
        """The attempt's number, from 1."""
        return self.record.number

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The planned faults of this attempt."""
        return self.record.faults

    @property
    def dependency_results(self) -> Mapping[StepRow, Outcome]:
        """The results of all processed ancestors, by row."""
        if self._dependencies is None:
            self._dependencies = {row: row.result for row in ancestors(self.step) if row.processed and row.result}
        return self._dependencies

    def again(self, *, echo: bool = False) -> Call:
        """The same dispatch once more: the second delivery (``echo``), or the next piece after a checkpoint."""
        call = Call(self.step, self.worker, self.record)
        call.echo, call.piece = echo, self.piece + (not echo)
        call.attempts_before, call.result_before = self.attempts_before, self.result_before
        call.last_attempted_before, call.backoff_before = self.last_attempted_before, self.backoff_before
        call._dependencies = self._dependencies
        return call


def ancestors(step: StepRow) -> Iterable[StepRow]:
    """All direct and indirect parents of a step, each once, in order of creation."""
    seen: dict[int, StepRow] = {}
    stack = list(step.parents)
    while stack:
        row = stack.pop()
        if row.index not in seen:
            seen[row.index] = row
            stack.extend(row.parents)
    return [seen[index] for index in sorted(seen)]


class Worker:
    """One worker process that runs one handler at a time, in the order of its claims (row 26)."""

    __slots__ = ("alive", "busy", "queue", "thread_alive", "until")

    def __init__(self) -> None:
        self.queue: deque[Call] = deque()
        self.busy = False
        self.alive = True
        self.thread_alive = True
        self.until = 0

    @property
    def can_start(self) -> bool:
        """Is it free, and has it claimed anything?"""
        return bool(self.queue) and not self.busy and self.alive and self.thread_alive


@dataclass(frozen=True, slots=True)
class Overdue:
    """Nobody waits for the dispatch's result any longer: its message comes back, or the worker makes a failure."""

    why: Literal["redelivery", "completion"]


def within_timeout(call: Call, ending: Ending) -> Ending:
    """The ending, or the failure at the instant of ``timeout_seconds`` if the attempt takes longer (row 12)."""
    seconds = call.step.template.timeout_seconds
    started = call.at if call.record.started_at is None else call.record.started_at
    if seconds is None or (isinstance(ending, Silence) and ending.why != "hangs"):
        return ending
    left = started + seconds * SECOND - call.at
    if ending.took_us <= left and not isinstance(ending, Silence):
        return ending
    text = f"Step {call.name!r} took longer than its timeout of {seconds} s"
    return delayed(failure(text, "timeout", retryable=True), max(left, 0))
