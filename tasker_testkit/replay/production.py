"""A task that a running Tasker has done, as values, and as a history's data with the profile ``recorded``.

Nothing here is made up: what a source doesn't show is empty, and a sentence among the history's warnings says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tasker_testkit.engine.history import FORMAT, VERSION, seconds, written

_PROFILE: Final = "recorded"
"""The profile of a history that nobody simulated."""


Timed = tuple[datetime, Mapping[str, Any]]
"""Something as a history has it, with its instant."""


@dataclass(frozen=True, slots=True)
class RecordedAttempt:
    """One attempt: its stored result, None if that isn't known, and its instants as far as they are known.

    ``checkpoints``: what it yielded.
    """

    stored: Mapping[str, Any] | None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    enqueued_at: datetime | None = None
    checkpoints: tuple[Timed, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedMove:
    """A change of state that is known."""

    at: datetime
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One step that was created, with what is known of it; ``type`` and ``parents`` are empty if they aren't.

    ``parent_count``: how many parents it has, whether or not it's known which.
    """

    name: str
    state: str
    max_attempts: int
    attempts: tuple[RecordedAttempt, ...]
    moves: tuple[RecordedMove, ...] = ()
    type: str = ""
    parents: tuple[str, ...] = ()
    parent_count: int = 0


@dataclass(frozen=True, slots=True)
class RecordedTask:
    """A task that isn't running any more. ``template``: namespace, name, version.

    ``actions`` (an operator's) and ``dead_letters`` are as a history has them; ``gaps`` are
    sentences on what its source doesn't show.
    """

    uuid: str
    template: Mapping[str, str]
    input: Mapping[str, Any]
    created_at: datetime
    state: str
    execution_status: str
    steps: tuple[RecordedStep, ...]
    moves: tuple[RecordedMove, ...] = ()
    actions: tuple[Timed, ...] = ()
    dead_letters: tuple[Timed, ...] = ()
    gaps: tuple[str, ...] = ()


def history_data(task: RecordedTask) -> dict[str, Any]:
    """The task as a history's data; its instants are seconds after its creation. Secrets are still in it."""
    start = task.created_at
    return {
        "format": FORMAT,
        "version": VERSION,
        "profile": _PROFILE,
        "seed": 0,
        "start": written(start),
        "template": dict(task.template),
        "input": task.input,
        "faults": [],
        "task": {
            "state": task.state,
            "execution_status": task.execution_status,
            "transitions": [_move(move, start) for move in task.moves],
            "stuck": None,
        },
        "steps": [_step(step, start) for step in task.steps],
        "actions": _timed(task.actions, start),
        "effects": [],
        "events": [],
        "warnings": [{"at": 0.0, "text": gap} for gap in (*task.gaps, *_gaps(task))],
        "dead_letters": _timed(task.dead_letters, start),
    }


def _gaps(task: RecordedTask) -> Iterator[str]:
    """What isn't known of its steps, a sentence each."""
    if untyped := [step.name for step in task.steps if not step.type]:
        yield f"types of steps aren't known, the template has them (import --template FILE): {', '.join(untyped)}"
    for step in task.steps:
        if step.parent_count != len(step.parents):
            number = f"{step.parent_count} parent{'s' * (step.parent_count != 1)}"
            yield f"step {step.name}: it has {number}, and it isn't known which"
        lost = [str(at) for at, attempt in enumerate(step.attempts, 1) if attempt.stored is None]
        if lost:
            yield f"step {step.name}: no result is known of attempt {', '.join(lost)}"
        unseen = [str(at) for at, attempt in enumerate(step.attempts, 1) if attempt.started_at is None]
        if unseen:
            yield f"step {step.name}: it isn't known when attempt {', '.join(unseen)} began"


def _timed(entries: tuple[Timed, ...], start: datetime) -> list[dict[str, Any]]:
    return [{"at": _after(at, start), **entry} for at, entry in entries]


def _step(step: RecordedStep, start: datetime) -> dict[str, Any]:
    return {
        "name": step.name,
        "type": step.type,
        "state": step.state,
        "parents": list(step.parents),
        "max_attempts": step.max_attempts,
        "transitions": [_move(move, start) for move in step.moves],
        "attempts": [_attempt(number, attempt, start) for number, attempt in enumerate(step.attempts, 1)],
    }


def _move(move: RecordedMove, start: datetime) -> dict[str, Any]:
    return {"at": _after(move.at, start), "from": move.before, "to": move.after}


def _attempt(number: int, attempt: RecordedAttempt, start: datetime) -> dict[str, Any]:
    data: dict[str, Any] = {
        "number": number,
        "enqueued_at": _after(attempt.enqueued_at, start),
        "started_at": _after(attempt.started_at, start),
        "ended_at": _after(attempt.ended_at, start),
        "faults": [],
        "stored": None if attempt.stored is None else dict(attempt.stored),
    }
    return {**data, "checkpoints": _timed(attempt.checkpoints, start)} if attempt.checkpoints else data


def _after(at: datetime | None, start: datetime) -> float | None:
    return None if at is None else seconds((at - start) // timedelta(microseconds=1))
