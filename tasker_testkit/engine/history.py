"""The complete record of a run, as values; and as JSON (``format: tasker-testkit/history``, version 1).

Instants are microseconds after the run's start inside, seconds exact to six decimals in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from tasker_testkit.engine.history_digests import KEY, digests
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.requests import HttpCall

FORMAT: Final = "tasker-testkit/history"
VERSION: Final = 1


class Transition(NamedTuple):
    """One change of state at ``at`` microseconds; ``before`` is None for the first state."""

    at: int
    before: str | None
    after: str


class AttemptHistory(NamedTuple):
    """One attempt. ``started_at`` is when its handler was called, ``ended_at`` when it ended; None if that never came.

    ``faults`` are the faults that fired in it, as data; ``checkpoints`` what it yielded, as (instant, stored record);
    ``requests`` are those that its handler made over HTTP, in the order in which they ended.
    """

    number: int
    enqueued_at: int | None
    started_at: int | None
    ended_at: int | None
    faults: tuple[Mapping[str, Any], ...]
    outcome: Outcome | None
    checkpoints: tuple[tuple[int, Mapping[str, Any]], ...] = ()
    requests: tuple[HttpCall, ...] = ()


@dataclass(frozen=True, slots=True)
class StepHistory:
    """One step that was created, with everything that happened to it."""

    name: str
    type: str
    state: str
    parents: tuple[str, ...]
    max_attempts: int
    transitions: tuple[Transition, ...]
    attempts: tuple[AttemptHistory, ...]


@dataclass(frozen=True, slots=True)
class History:
    """A whole run: steps in order of creation, every transition of task and steps with its instant.

    ``warnings`` are what the real system would only have written to its log; ``order`` is what was chosen to go first,
    question by question (``order=[...]`` chooses the same again), None for the order of creation. ``recipe`` is how the
    run can be made again (docs/recordings.md); only a saved history has one, and with it a digest in its file.
    """

    profile: str
    seed: int
    start: datetime
    template: Mapping[str, str]
    input: Mapping[str, Any]
    faults: tuple[Mapping[str, Any], ...]
    state: str
    execution_status: str
    transitions: tuple[Transition, ...]
    steps: tuple[StepHistory, ...]
    actions: tuple[Mapping[str, Any], ...] = ()
    effects: tuple[Mapping[str, Any], ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[Mapping[str, Any], ...] = ()
    dead_letters: tuple[Mapping[str, Any], ...] = ()
    stuck: str | None = None
    order: tuple[int, ...] | None = None
    recipe: Mapping[str, Any] | None = None

    @classmethod
    def from_json(cls, text: str) -> History:
        """The history of a file's text, of this or an older version; ``to_json`` gives the same text back.

        Raises HistoryError for what is no history, was cut off or edited, or is of a newer version.
        """
        from tasker_testkit.engine.history_reading import read_history

        return read_history(text)

    def to_data(self) -> dict[str, Any]:
        """The history as the JSON value of the file format."""
        data = {
            "format": FORMAT,
            "version": VERSION,
            "profile": self.profile,
            "seed": self.seed,
            "start": written(self.start),
            "template": dict(self.template),
            "input": self.input,
            "faults": list(self.faults),
            "task": {
                "state": self.state,
                "execution_status": self.execution_status,
                "transitions": [_transition(t) for t in self.transitions],
                "stuck": self.stuck,
            },
            "steps": [_step(step) for step in self.steps],
            "actions": list(self.actions),
            "effects": list(self.effects),
            "events": list(self.events),
            "warnings": list(self.warnings),
            "dead_letters": list(self.dead_letters),
            **({} if self.order is None else {"order": list(self.order)}),
        }
        return data if self.recipe is None else sealed({**data, "recipe": self.recipe})

    def to_json(self) -> str:
        """The history as text: keys sorted, two-space indent, a final newline. The same run gives the same bytes."""
        return pretty(self.to_data())

    def moments(self) -> Iterator[tuple[int, str, Transition]]:
        """Every transition as (instant, step name or ``task``, transition), ordered by instant."""
        everything = [(t.at, "task", t) for t in self.transitions]
        everything += [(t.at, step.name, t) for step in self.steps for t in step.transitions]
        return iter(sorted(everything, key=lambda entry: entry[0]))


def sealed(data: Mapping[str, Any]) -> dict[str, Any]:
    """A history's data with the digest of what it is now."""
    return {**data, KEY: digests(data)}


def written(moment: datetime) -> str:
    """An instant as the files have it: UTC with ``Z``, microseconds only if there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def seconds(at: int | None) -> float | None:
    """Microseconds as the files write them: seconds, exact to six decimals."""
    return None if at is None else at / SECOND


def moment(start: datetime, at: int | None) -> datetime | None:
    """``at`` microseconds after ``start``, or None."""
    return None if at is None else start + timedelta(microseconds=at)


def _transition(transition: Transition) -> dict[str, Any]:
    return {"at": seconds(transition.at), "from": transition.before, "to": transition.after}


def _step(step: StepHistory) -> dict[str, Any]:
    return {
        "name": step.name,
        "type": step.type,
        "state": step.state,
        "parents": list(step.parents),
        "max_attempts": step.max_attempts,
        "transitions": [_transition(t) for t in step.transitions],
        "attempts": [_attempt(attempt) for attempt in step.attempts],
    }


def _attempt(attempt: AttemptHistory) -> dict[str, Any]:
    data: dict[str, Any] = {
        "number": attempt.number,
        "enqueued_at": seconds(attempt.enqueued_at),
        "started_at": seconds(attempt.started_at),
        "ended_at": seconds(attempt.ended_at),
        "faults": list(attempt.faults),
        "stored": attempt.outcome.stored if attempt.outcome else None,
    }
    if attempt.checkpoints:
        data["checkpoints"] = [{"at": seconds(at), **record} for at, record in attempt.checkpoints]
    if attempt.requests:
        data["requests"] = [request.to_data() for request in attempt.requests]
    return data
