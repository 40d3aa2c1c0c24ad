"""What two results of one attempt have in common: the verdict on today's against the one of then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tasker_testkit.model.changes import MISSING, Path, changes, in_words, quiet, value_at
from tasker_testkit.model.placeholders import placeholders_in
from tasker_testkit.model.verdicts import AttemptVerdict, Verdict
from tasker_testkit.replay.alignment import shown
from tasker_testkit.replay.levels import json_type

_WORKERS_OWN: Final = ("completed_at", "started_at", "execution_time_ms", "worker_id", "worker_hostname")
"""What a worker writes into the metadata by itself."""
_COMPARED: Final = ("stored", "checkpoints")
_HIDDEN: Final = "a secret is there, and placeholders of secrets are compared"


def handlers_part(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What of a stored result is its handler's, what counts most first."""
    error = stored["error"]
    said = {key: error[key] for key in ("retryable", "error_type", "message")} if error else None
    metadata = {key: value for key, value in stored["metadata"].items() if key not in _WORKERS_OWN}
    return {
        "success": stored["success"],
        "result": stored["result"],
        "error": said,
        "metadata": metadata,
        "status": stored["status"],
    }


def ending_of(part: Mapping[str, Any]) -> str:
    """How the attempt ended, in words: ``success``, or the failure's type and message."""
    error = part["error"] or {}
    return "success" if part["success"] else f"{error.get('error_type')}: {error.get('message')}"


def verdict_on(
    step: str, attempt: int, sides: Sequence[Any], endings: tuple[str, str], read: Sequence[str]
) -> AttemptVerdict:
    """The verdict on an attempt of which a history's data, as it is compared, has these three ``sides``.

    The first is of then, the second of today, the third today's with another clock and other chance (or the second).
    ``endings``: the first two in words. ``read``: places of the placeholders that the handler read.
    """
    then, now, other = ({key: (one or {}).get(key) for key in _COMPARED} for one in sides)
    noise = [place for place in changes(now, other, item_by_item=True) if _may_vary(place, then, now)]
    found = list(quiet(changes(then, now, item_by_item=True), noise))
    unsteady = tuple(dict.fromkeys(map(_place, noise)))
    if not found:
        return AttemptVerdict(step, attempt, "same", unsteady=unsteady)
    kind = _kind(then, now)
    differs = kind == "differs"
    place = _place(found[0]) if differs else ""
    here = (shown(value_at(then, found[0])), shown(value_at(now, found[0]))) if differs else endings
    further = tuple(dict.fromkeys(map(_place, found[1:]))) if differs else ()
    if read:
        why = f"{kind}, but it has read what is only a placeholder here: {', '.join(read)}"
        return AttemptVerdict(step, attempt, "unclear", place, *here, further, why, unsteady)
    hidden = differs and any(placeholders_in(_plain(value_at(side, found[0]))) for side in (then, now))
    return AttemptVerdict(step, attempt, kind, place, *here, further, _HIDDEN if hidden else "", unsteady)


def _plain(value: Any) -> Any:
    return None if value is MISSING else value


def _may_vary(place: Path, then: Any, now: Any) -> bool:
    """Is it a text or a number of the handler's own, and of one type in both?"""
    kind = json_type(value_at(now, place))
    own = place[0] == "checkpoints" or place[1:2] in (("result",), ("metadata",)) or place[1:] == ("error", "message")
    return own and kind in ("string", "number") and kind == json_type(value_at(then, place))


def _kind(then: Mapping[str, Any], now: Mapping[str, Any]) -> Verdict:
    was, ended = (value_at(side, ("stored", "success")) for side in (then, now))
    if was is True and ended is False:
        return "now fails"
    return "now passes" if was is False and ended is True else "differs"


def _place(path: Path) -> str:
    return in_words(path).removeprefix("stored.")
