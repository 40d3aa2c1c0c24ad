"""Where a run first parts from a recorded one: the earliest place in which the two histories differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final

from tasker_testkit.model.changes import MISSING, Path, changes, in_words, value_at
from tasker_testkit.model.durations import SECOND, spoken
from tasker_testkit.replay.levels import EXACT, compared

_BEFORE: Final = -inf
_HEAD: Final = ("format", "version", "profile", "seed", "start", "template", "input", "faults", "order")
_RECORDS: Final = ("effects", "events", "actions", "warnings", "dead_letters")
_SHOWN: Final = 200

_Key = tuple[float, float, float, int]
"""Instant, step, attempt and kind: what sorts places by when they came about."""


@dataclass(frozen=True)
class FirstDivergence:
    """Where two histories part.

    ``at``: seconds after the submission, None if they part before it (input, seed, ...). ``expected`` and ``actual``
    are what ``place`` holds, as JSON text. ``agreed``: the last attempt's end that is the same in both, in words.
    ``others``: what differs besides, a phrase a step.
    """

    at: float | None
    step: str | None
    attempt: int | None
    place: str
    expected: str
    actual: str
    agreed: str
    others: tuple[str, ...]

    def __str__(self) -> str:
        when = "before the submission" if self.at is None else f"{spoken(round(self.at * SECOND))} after the submission"
        where = [when]
        if self.step is not None:
            where.append(f"step {self.step!r}" + (f", attempt {self.attempt}" if self.attempt else ""))
        lines = [
            f"First divergence: {', '.join(where)}",
            f"  place     {self.place}",
            f"  expected  {self.expected}",
            f"  actual    {self.actual}",
            f"Until then the two agree; last: {self.agreed}.",
        ]
        if self.others:
            lines += ["What differs besides:", *(f"  {one}" for one in self.others)]
        return "\n".join(lines)


def first_divergence(
    one: Mapping[str, Any], other: Mapping[str, Any], *, level: str = EXACT, ignore: Sequence[str] = ()
) -> FirstDivergence | None:
    """Where the second history's data parts from the first one's; None if they are the same, compared like this.

    Raises HistoryError for an unknown level or pattern.
    """
    expected, actual = (compared(data, level=level, ignore=ignore) for data in (one, other))
    places = list(changes(expected, actual, item_by_item=True))
    if not places:
        return None
    clock = _Clock(compared(one), compared(other))
    first = min(places, key=clock.key)
    at, _, attempt, _ = clock.key(first)
    step = clock.step(first)
    return FirstDivergence(
        at=at if isfinite(at) else None,
        step=step,
        attempt=int(attempt) if step is not None and 0 < attempt < inf else None,
        place=in_words(first),
        expected=_shown(value_at(expected, first)),
        actual=_shown(value_at(actual, first)),
        agreed=clock.agreed(clock.key(first)),
        others=tuple(_besides([place for place in places if place != first])),
    )


class _Clock:
    """When the places of two histories came about."""

    def __init__(self, expected: Mapping[str, Any], actual: Mapping[str, Any]) -> None:
        self._sides = (expected, actual)
        names = dict.fromkeys((*expected.get("steps", {}), *actual.get("steps", {})))
        self._order = {name: index for index, name in enumerate(names)}

    def step(self, place: Path) -> str | None:
        """The step that the place is about."""
        if place[0] == "steps" and len(place) > 1:
            return str(place[1])
        record = self._record(place)
        return record.get("step") if record else None

    def key(self, place: Path) -> _Key:
        """What sorts the place among the others."""
        if place[0] in _HEAD:
            return (_BEFORE, _HEAD.index(str(place[0])), 0, 0)
        found = [instant for side in self._sides if (instant := _instant(side, place)) is not None]
        step = self._order.get(self.step(place) or "", len(self._order))
        attempt, kind = self._attempt(place)
        return (min(found, default=inf), step, attempt, kind)

    def _attempt(self, place: Path) -> tuple[float, int]:
        """The attempt, and whether the place is its beginning (0), an effect (1), its result (2) or a state (3)."""
        record = self._record(place)
        if record:
            return record.get("attempt") or 0, 1
        if place[0] == "steps" and len(place) > 3 and place[2] == "attempts" and isinstance(place[3], int):
            return place[3] + 1, 2 if len(place) > 4 and place[4] in ("stored", "ended_at") else 0
        return inf, 3

    def _record(self, place: Path) -> Mapping[str, Any] | None:
        if place[0] not in _RECORDS:
            return None
        found = (value_at(side, place[:2]) for side in self._sides)
        return next((one for one in found if isinstance(one, Mapping)), None)

    def agreed(self, key: _Key) -> str:
        """The last end of an attempt before that, in words."""
        ends = [end for end in _ends(self._sides[0], self._order) if end[0] < key]
        return max(ends)[1] if ends else "the submission"


def _ends(data: Mapping[str, Any], order: Mapping[str, int]) -> Iterator[tuple[_Key, str]]:
    for name, step in data.get("steps", {}).items():
        for index, attempt in enumerate(step.get("attempts", ())):
            at, stored = attempt.get("ended_at"), attempt.get("stored")
            if at is not None and stored:
                told = "success" if stored["success"] else str((stored["error"] or {}).get("error_type"))
                words = f"{spoken(round(at * SECOND))}, step {name!r}, attempt {index + 1}: {told}"
                yield (at, order[name], index + 1, 2), words


def _instant(data: Mapping[str, Any], place: Path) -> float | None:
    """When that came about on one side; None if that side doesn't have it."""
    section, *rest = place
    if section == "steps" and rest:
        return _of_step(value_at(data, place[:2]), rest[1:])
    if section == "task":
        return _of_step(data.get("task"), rest)
    record = value_at(data, place[:2])
    return _at(record) if isinstance(record, Mapping) else None


def _of_step(owner: Any, rest: Sequence[Any]) -> float | None:
    if not isinstance(owner, Mapping):
        return None
    moves = owner.get("transitions", ())
    if rest and rest[0] == "attempts" and len(rest) > 1:
        return _of_attempt(owner, rest[1], rest[2] if len(rest) > 2 else None)
    if rest and rest[0] == "transitions" and len(rest) > 1:
        return _at(moves[rest[1]]) if rest[1] < len(moves) else None
    return _at(moves[-1 if rest else 0]) if moves else None


def _at(record: Mapping[str, Any]) -> float | None:
    at: float | None = record.get("at")
    return at


def _of_attempt(step: Mapping[str, Any], index: int, what: Any) -> float | None:
    if index >= len(step["attempts"]):
        return None
    attempt = step["attempts"][index]
    keys = ("ended_at", "started_at", "enqueued_at")
    times = {key: attempt.get(key) for key in keys}
    wanted: tuple[str, ...] = keys if what in ("stored", "checkpoints", "ended_at") else tuple(reversed(keys))
    found: float | None = next((times[key] for key in wanted if times[key] is not None), None)
    return found


def _shown(value: Any) -> str:
    if value is MISSING:
        return "(nothing)"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _besides(places: Sequence[Path]) -> Iterator[str]:
    """The other places, a phrase for each step and each other part of the history."""
    grouped: dict[str, list[str]] = {}
    for place in places:
        of_step = place[0] == "steps" and len(place) > 1
        owner = f"step {place[1]!r}" if of_step else str(place[0])
        grouped.setdefault(owner, []).append(_part(place) if of_step else "")
    for owner, parts in grouped.items():
        number = len(parts)
        where = ", ".join(dict.fromkeys(filter(None, parts)))
        yield f"{owner}: {number} place{'s' if number > 1 else ''}{f' ({where})' if where else ''}"


def _part(place: Path) -> str:
    rest = place[2:]
    if len(rest) > 1 and rest[0] == "attempts" and isinstance(rest[1], int):
        return f"attempt {rest[1] + 1}"
    return str(rest[0]) if rest else ""
