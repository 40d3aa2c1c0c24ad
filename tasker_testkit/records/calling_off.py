"""A recorded task that an operator cancelled: when he did, and what was running then, as a scenario says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tasker_testkit.errors import HistoryError, listed
from tasker_testkit.model.durations import SECOND, exactly

_Move = tuple[float, str, str]
"""When a step entered a state: seconds, its name, the state."""
_ON_AND_ON: Final = SECOND
"""How much longer than it was known to run a cut-off attempt takes, in microseconds: it has no end."""


def was_called_off(data: Mapping[str, Any]) -> bool:
    """Was the task cancelled, at a known instant, and is that all an operator did? ``data`` is a history's."""
    return data["task"]["state"] == "cancelled" and [action["do"] for action in data["actions"]] == ["cancel"]


def cut_off(data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Step to the attempt that was running when the task was cancelled; empty for other tasks."""
    if not was_called_off(data):
        return {}
    lasts = {step["name"]: step["attempts"][-1] for step in data["steps"] if _is_cut_off(step)}
    return {name: attempt for name, attempt in lasts.items() if attempt["stored"] is None}


def _is_cut_off(step: Mapping[str, Any]) -> bool:
    return step["state"] == "cancelled" and bool(step["attempts"])


def calling_off(data: Mapping[str, Any]) -> dict[str, Any]:
    """``actions`` and ``durations`` of the scenario; empty for a task that wasn't cancelled.

    The cancel comes as long after the last change of a step before it as it did. Raises HistoryError for one that met
    a task on its way from one attempt to the next: in a scenario that takes no time.
    """
    if not was_called_off(data):
        return {}
    at = data["actions"][0]["at"]
    running = cut_off(data)
    _check_moment({name: state for _, name, state in sorted(_before(data["steps"], at))}, running)
    durations = {name: _long_enough(attempt, at) for name, attempt in running.items()}
    return {
        "actions": [_cancel(at, sorted(_before(data["steps"], at)))],
        **({"durations": durations} if durations else {}),
    }


def _check_moment(states: Mapping[str, str], running: Mapping[str, Any]) -> None:
    """Refuse states of steps in which nothing but Tasker itself was being waited for."""
    between = [f"step {name}: {state}" for name, state in states.items() if state.startswith("enqueued")]
    if between or not (running or "error" in states.values()):
        found = between or [f"step {name}: {state}" for name, state in states.items()]
        raise HistoryError(
            f"The task was cancelled while it waited for Tasker or a worker:\n{listed(found)}\n"
            "A scenario, in which that takes no time, has no such moment. Import it with --history alone."
        )


def _before(steps: Sequence[Mapping[str, Any]], at: float) -> Iterator[_Move]:
    for step in steps:
        for move in step["transitions"]:
            if move["at"] <= at and move["to"] != "cancelled":
                yield move["at"], step["name"], move["to"]


def _cancel(at: float, moves: Sequence[_Move]) -> dict[str, Any]:
    since, *last = moves[-1]
    nth = sum(last == move for _, *move in moves)
    when = {"step": last[0], "state": last[1], **({"nth": nth} if nth > 1 else {})}
    return {"do": "cancel", "when": when, "delay": _duration(at - since)}


def _long_enough(attempt: Mapping[str, Any], at: float) -> Any:
    took = _duration(at - (attempt["started_at"] or 0.0), more=_ON_AND_ON)
    return took if attempt["number"] == 1 else [*["0s"] * (attempt["number"] - 1), took]


def _duration(seconds: float, *, more: int = 0) -> str:
    return exactly(round(seconds * SECOND) + more)
