"""How closely two histories are compared: to the byte, or in their shape; and what is left out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any, Final

from tasker_testkit.engine.history_digests import KEY
from tasker_testkit.errors import HistoryError, listed, near
from tasker_testkit.replay.patterns import Pattern, Place, fits, item_names, read_patterns

EXACT: Final = "exact"
SHAPE: Final = "shape"
_NOT_COMPARED: Final = ("recipe", KEY)


def compared(data: Mapping[str, Any], *, level: str = EXACT, ignore: Iterable[str] = ()) -> dict[str, Any]:
    """What of a history's data is compared, its steps by name. Raises HistoryError for an unknown level or pattern.

    ``exact``: everything. ``shape``: states, attempts, waits, names of effects and events; results by JSON type.
    """
    if level not in _LEVELS:
        raise HistoryError(f"There is no level {level!r}.{near(level, _LEVELS)} Levels:\n{listed(_LEVELS)}")
    patterns = read_patterns(ignore)
    kept = {key: value for key, value in data.items() if key not in _NOT_COMPARED}
    found = _without(kept, patterns, ()) if patterns else kept
    by_name = {**found, "steps": {step["name"]: step for step in found.get("steps", ())}}
    return _LEVELS[level](by_name)


def _without(value: Any, patterns: tuple[Pattern, ...], place: Place) -> Any:
    """The value without what is at a place that one of the patterns fits; an item of a list becomes null."""
    if isinstance(value, Mapping):
        inner = {key: (*place, (key,)) for key in value}
        return {key: _without(value[key], patterns, inner[key]) for key in value if not fits(inner[key], patterns)}
    if isinstance(value, (list, tuple)):
        places = [(*place, item_names(index, item)) for index, item in enumerate(value)]
        pairs = zip(value, places, strict=True)
        return [None if fits(inner, patterns) else _without(item, patterns, inner) for item, inner in pairs]
    return value


def _shape(data: Mapping[str, Any]) -> dict[str, Any]:
    task = data.get("task", {})
    return {
        "template": data.get("template"),
        "task": {"state": task.get("state"), "transitions": _states(task)},
        "steps": {name: _step(step) for name, step in data["steps"].items()},
        **{key: [_named(one) for one in data.get(key, ())] for key in ("effects", "events", "actions", "dead_letters")},
    }


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    attempts = [_attempt(one) for one in step.get("attempts", ())]
    for before, after in pairwise(range(len(attempts))):
        attempts[after]["waited"] = _between(step["attempts"][before], step["attempts"][after])
    same = {key: step[key] for key in ("type", "state", "parents", "max_attempts") if key in step}
    return {**same, "transitions": _states(step), "attempts": attempts}


def _states(owner: Mapping[str, Any]) -> list[Any]:
    return [{"to": transition.get("to")} for transition in owner.get("transitions", ())]


def _between(before: Mapping[str, Any], after: Mapping[str, Any]) -> float | None:
    """Seconds from one attempt's end to the start of the next."""
    ended, started = before.get("ended_at"), after.get("started_at")
    return None if ended is None or started is None else round(started - ended, 6)


def _attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    stored = attempt.get("stored")
    told = None
    if stored is not None:
        error = stored.get("error") or {}
        told = {key: stored.get(key) for key in ("success", "status")}
        told["result"] = _types(stored.get("result"))
        told["error"] = {key: error.get(key) for key in ("error_type", "retryable")}
    return {"number": attempt.get("number"), "faults": attempt.get("faults"), "stored": told}


def _named(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: record[key] for key in ("name", "do", "step", "attempt", "state") if key in record}


def _types(value: Any) -> Any:
    """A value with the names of JSON types in the place of its leaves; a list as the types that are in it."""
    if isinstance(value, Mapping):
        return {key: _types(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        found = [_types(item) for item in value]
        return [one for index, one in enumerate(found) if one not in found[:index]]
    return json_type(value)


def json_type(value: Any) -> str:
    """The name of a JSON value's type; that of what isn't there."""
    if isinstance(value, Mapping):
        return "object"
    return "array" if isinstance(value, (list, tuple)) else _TYPES.get(type(value), "nothing")


_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}
_LEVELS: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {EXACT: dict, SHAPE: _shape}
