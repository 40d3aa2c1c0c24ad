"""Two histories aligned by step and attempt: everything in which they differ, in the order of the workflow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tasker_testkit.model.changes import MISSING, Path, changes, value_at
from tasker_testkit.model.divergence import Change
from tasker_testkit.replay.levels import EXACT, compared

_ORDER: Final = ("template", "profile", "seed", "start", "input", "faults", "order", "task", "steps", "actions")


def differences(
    one: Mapping[str, Any], other: Mapping[str, Any], *, level: str = EXACT, ignore: Sequence[str] = ()
) -> tuple[Change, ...]:
    """Everything in which two histories' data differ, compared like this. Raises HistoryError as ``compared`` does."""
    sides = compared(one, level=level, ignore=ignore), compared(other, level=level, ignore=ignore)
    places = sorted(changes(sides[0], sides[1], item_by_item=True), key=_rank)
    found = {_owner(place): [one for one in places if _owner(one) == _owner(place)] for place in places}
    return tuple(change for (owner, attempt), its in found.items() for change in _told(owner, attempt, its, sides))


def _rank(place: Path) -> int:
    return _ORDER.index(str(place[0])) if place[0] in _ORDER else len(_ORDER)


def _owner(place: Path) -> tuple[str, int | None]:
    if place[0] != "steps" or len(place) < 2:
        return str(place[0]), None
    of_attempt = len(place) > 3 and place[2] == "attempts" and isinstance(place[3], int)
    return str(place[1]), int(str(place[3])) + 1 if of_attempt else None


def _told(
    owner: str, attempt: int | None, places: Sequence[Path], sides: tuple[Mapping[str, Any], ...]
) -> Iterator[Change]:
    """A change a place; changes of state together are one."""
    moves = [place for place in places if "transitions" in place[1:3]]
    if moves:
        yield _moved(owner, moves[0][: moves[0].index("transitions") + 1], sides)
    for place in places:
        if place not in moves:
            start = (4 if attempt else 2) if place[0] == "steps" else 1
            what = ".".join(map(str, place[start:])).removeprefix("stored.") or "all of it"
            yield Change(owner, attempt, what, *(shown(value_at(side, place)) for side in sides))


def _moved(owner: str, place: Path, sides: tuple[Mapping[str, Any], ...]) -> Change:
    """The states if they differ, else the first instants that do."""
    found = [value_at(side, place) for side in sides]
    lists = [one if isinstance(one, list) else [] for one in found]
    states = [" → ".join(str(move.get("to")) for move in moves) or "none" for moves in lists]
    if states[0] != states[1]:
        return Change(owner, None, "states", *states)
    pair = next(pair for pair in zip(*lists, strict=True) if pair[0] != pair[1])
    return Change(owner, None, f"{pair[0].get('to')} at", *(f"{move.get('at')} s" for move in pair))


def shown(value: Any) -> str:
    """A value as JSON text; ``(nothing)`` for ``MISSING``."""
    return "(nothing)" if value is MISSING else json.dumps(value, ensure_ascii=False, sort_keys=True)
