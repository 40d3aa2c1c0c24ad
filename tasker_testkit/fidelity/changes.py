"""In what two runs differ, path by path; and in which steps that began."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tasker_testkit.engine.history import AttemptHistory, StepHistory, moment
from tasker_testkit.fidelity.evidence import Seen
from tasker_testkit.model.changes import Path, changes, quiet

_TIMES: Final = ("completed_at", "started_at")
_RESULT: Final = ("stored", "result")
_DAY_AND_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d")


def changed(one: Seen, other: Seen, noise: Collection[Path] = ()) -> list[Path]:
    """Where two runs differ, but for the profile's name and what is ``noise``; the histories are taken whole."""
    return list(quiet(changes(_whole(one), _whole(other)), noise))


def _whole(seen: Seen) -> Any:
    if seen.history is None:
        return {"refused": [type(seen.refusal).__name__, str(seen.refusal)]}
    data = seen.history.to_data()
    del data["profile"]
    return {**data, "steps": {step["name"]: step for step in data["steps"]}, "answers": list(seen.answers)}


def concerned(one: Seen, other: Seen, noise: Collection[Path] = ()) -> tuple[str, ...]:
    """The steps in which the two runs differ by themselves, not only because a step before them does.

    Being earlier or later as a whole is no difference of a step, nor are instants in its results that moved with it.
    """
    found: dict[str, list[Path]] = {}
    for path in quiet(changes(_moved_to_zero(one), _moved_to_zero(other)), noise):
        found.setdefault(str(path[1]), []).append(path)
    names = [step.name for step in (*one.steps, *other.steps)]
    return tuple(name for name in dict.fromkeys(names) if name in found and not _follows(name, found, one, other))


def _follows(name: str, found: Mapping[str, list[Path]], one: Seen, other: Seen) -> bool:
    """Is it the result alone that changed, or did the step never run in one of the two, and changed one before it?"""
    sides = (one.step(name), other.step(name))
    ran = all(step is not None and step.attempts for step in sides)
    if ran and not all(path[2] == "attempts" and path[4:6] == _RESULT for path in found[name]):
        return False
    return any(parent in found for parent in _before(name, one, other))


def _before(name: str, one: Seen, other: Seen) -> set[str]:
    parents = {step.name: step.parents for seen in (one, other) for step in seen.steps}
    seen: set[str] = set()
    stack = list(parents.get(name, ()))
    while stack:
        parent = stack.pop()
        if parent not in seen and parent != name:
            seen.add(parent)
            stack.extend(parents.get(parent, ()))
    return seen


# -- a step without its place in time ------------------------------------------------------------------------------


def _moved_to_zero(seen: Seen) -> dict[str, Any]:
    return {"steps": {step.name: _own(step, seen) for step in seen.steps}}


def _own(step: StepHistory, seen: Seen) -> dict[str, Any]:
    attempts = step.attempts
    befores = (None, *attempts)
    return {
        "state": step.state,
        "states": [transition.after for transition in step.transitions],
        "parents": sorted(step.parents),
        "max_attempts": step.max_attempts,
        "attempts": [_attempt(one, before, seen) for before, one in zip(befores, attempts, strict=False)],
    }


def _attempt(attempt: AttemptHistory, before: AttemptHistory | None, seen: Seen) -> dict[str, Any]:
    stored = attempt.outcome.stored if attempt.outcome else None
    return {
        "number": attempt.number,
        "waited": _between(before.ended_at, attempt.enqueued_at) if before else None,
        "queued": _between(attempt.enqueued_at, attempt.started_at),
        "took": _between(attempt.started_at, attempt.ended_at),
        "faults": list(attempt.faults),
        "stored": stored and without_clock(stored, _instant(seen, attempt.started_at)),
        "checkpoints": [dict(record).get("cursor") for _, record in attempt.checkpoints],
    }


def _between(first: int | None, last: int | None) -> int | None:
    return None if first is None or last is None else last - first


def _instant(seen: Seen, at: int | None) -> datetime | None:
    return moment(seen.history.start, at) if seen.history else None


def without_clock(value: Any, start: datetime | None) -> Any:
    """A stored result with the instants in it as offsets from ``start``, and without those that the worker stamped."""
    if isinstance(value, Mapping):
        return {key: without_clock(item, start) for key, item in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [without_clock(item, start) for item in value]
    return _offset(value, start) if isinstance(value, str) and start and _DAY_AND_TIME.match(value) else value


def _offset(text: str, start: datetime) -> str:
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"start + {(named if named.tzinfo else named.replace(tzinfo=UTC)) - start}"
