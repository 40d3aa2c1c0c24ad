"""What a history file must look like, piece by piece, and how what doesn't is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tasker_testkit.engine.history import Transition
from tasker_testkit.engine.history_digests import KEY
from tasker_testkit.errors import HistoryError, TaskerTestkitError, listed, near
from tasker_testkit.model.durations import SECOND, instant

AGAIN: Final = "Record it again (pytest --tasker-record=all)"
_WHOLE: Final = (int,)
_NUMBER: Final = (int, float)
_TIME: Final = (int, float, type(None))
TEXT: Final = (str,)
MAYBE_TEXT: Final = (str, type(None))
LIST: Final = (list,)
_MAPPING: Final = (dict,)
_SAID: Final[Mapping[tuple[type, ...], str]] = {
    _WHOLE: "a whole number",
    _NUMBER: "a number",
    _TIME: "a number or null",
    TEXT: "a text",
    MAYBE_TEXT: "a text or null",
    LIST: "a list",
    _MAPPING: "a mapping",
}

Shape = Mapping[str, tuple[type, ...]]
"""Keys, and the types of what they hold."""
_NOTHING: Final[Shape] = {}
HISTORY: Final[Shape] = {
    "format": TEXT,
    "version": _WHOLE,
    "profile": TEXT,
    "seed": _WHOLE,
    "start": TEXT,
    "template": _MAPPING,
    "input": (object,),
    "faults": LIST,
    "task": _MAPPING,
    "steps": LIST,
}
LISTS: Final = ("actions", "effects", "events", "warnings", "dead_letters")
HISTORY_ALSO: Final[Shape] = {**dict.fromkeys(LISTS, LIST), "order": LIST, "recipe": _MAPPING, KEY: _MAPPING}
TASK: Final[Shape] = {"state": TEXT, "execution_status": TEXT, "transitions": LIST}
STEP: Final[Shape] = {
    "name": TEXT,
    "type": TEXT,
    "state": TEXT,
    "parents": LIST,
    "max_attempts": _WHOLE,
    "transitions": LIST,
    "attempts": LIST,
}
_TRANSITION: Final[Shape] = {"at": _NUMBER, "from": MAYBE_TEXT, "to": TEXT}
ATTEMPT: Final[Shape] = {
    "number": _WHOLE,
    "enqueued_at": _TIME,
    "started_at": _TIME,
    "ended_at": _TIME,
    "faults": LIST,
    "stored": (dict, type(None)),
}
REQUEST: Final[Shape] = {
    "at": _NUMBER,
    "method": TEXT,
    "url": TEXT,
    "status": (int, type(None)),
    "error": MAYBE_TEXT,
    "took": _NUMBER,
    "headers": _MAPPING,
}
STORED: Final[Shape] = {
    "step_uuid": MAYBE_TEXT,
    "success": (bool,),
    "result": (object,),
    "status": TEXT,
    "error": (dict, type(None)),
    "metadata": _MAPPING,
    "orchestration_metadata": (dict, type(None)),
}
ERROR: Final[Shape] = {"message": MAYBE_TEXT, "error_type": MAYBE_TEXT, "retryable": (bool,)}


class Checker:
    """Checks the pieces of one file, and says which is wrong with what."""

    def __init__(self, name: str) -> None:
        self._name = name

    def record(self, value: Any, place: str, needed: Shape, also: Shape = _NOTHING) -> None:
        """Raise HistoryError unless the value is a mapping with these keys, all of ``needed`` among them."""
        self._kind(value, place, _MAPPING)
        for key in needed:
            if key not in value:
                raise self._error(place, f"there is no {key!r}.")
        for key, item in value.items():
            kinds = needed.get(key) or also.get(key)
            if kinds is None:
                known = (*needed, *also)
                raise self._error(place, f"no history has {key!r} there.{near(key, known)} Keys:\n{listed(known)}")
            if not isinstance(item, kinds) or (isinstance(item, bool) and kinds in (_WHOLE, _NUMBER, _TIME)):
                self._kind(item, f"{place}.{key}".lstrip("."), kinds)

    def _kind(self, value: Any, place: str, kinds: tuple[type, ...]) -> None:
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise self._error(place, f"must be {_SAID.get(kinds, 'true or false')}, not {value!r:.60}.")

    def all_of(self, values: Sequence[Any], place: str, kinds: tuple[type, ...]) -> None:
        """Raise HistoryError unless every item is of these types."""
        for index, value in enumerate(values):
            self._kind(value, f"{place}[{index}]", kinds)

    def mappings(self, values: Sequence[Any], place: str) -> Sequence[Any]:
        """The values, all of which must be mappings."""
        self.all_of(values, place, _MAPPING)
        return values

    def transitions(self, values: Sequence[Any], place: str) -> tuple[Transition, ...]:
        """Changes of state, of which there can be many."""
        try:
            if all(type(value) is dict and len(value) == len(_TRANSITION) for value in values):
                return tuple([Transition(round(t["at"] * SECOND), t["from"], t["to"]) for t in values])
        except (KeyError, TypeError):
            pass
        for index, value in enumerate(values):
            self.record(value, f"{place}[{index}]", _TRANSITION)
        raise AssertionError("one of them is wrong")

    def whole_numbers(self, values: Sequence[Any], place: str) -> tuple[int, ...]:
        """The values, all of which must be whole numbers."""
        self.all_of(values, place, _WHOLE)
        return tuple(values)

    def checkpoint(self, value: Any, place: str) -> tuple[int, Mapping[str, Any]]:
        """A stored checkpoint with its instant."""
        self._kind(value, place, _MAPPING)
        self._kind(value.get("at"), f"{place}.at", _NUMBER)
        return round(value["at"] * SECOND), {key: item for key, item in value.items() if key != "at"}

    def instant(self, text: str, place: str) -> datetime:
        """An instant in ISO text."""
        try:
            return instant(text)
        except TaskerTestkitError:
            raise self._error(place, f"must be an instant such as 2026-01-01T00:00:00Z, not {text!r:.60}.") from None

    def _error(self, place: str, text: str) -> HistoryError:
        return HistoryError(f"{self._name}: {place + ': ' if place else ''}{text}\n{AGAIN}.")
