"""Records that a running Tasker kept or answered: checked access, and the result of an attempt as it stores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tasker_testkit.engine.history_shapes import ERROR, STORED
from tasker_testkit.errors import HistoryError, TaskerTestkitError, listed
from tasker_testkit.model.durations import instant
from tasker_testkit.model.states import TASK_TERMINAL

_AT_REST: Final = (*sorted(TASK_TERMINAL), "blocked_by_failures")
_SAID: Final[Mapping[type, str]] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    dict: "a mapping",
    list: "a list",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One record: ``place`` is where errors say it is, ``advice`` the sentence that they end with."""

    place: str
    values: Mapping[str, Any]
    advice: str

    def get(self, key: str, kind: type) -> Any:
        """The value, which must be there and of that type. Raises HistoryError."""
        if key not in self.values:
            raise HistoryError(f"{self.place}: there is no {key!r}. {self.advice}")
        return expected(self.values[key], kind, f"{self.place}.{key}", self.advice)

    def maybe(self, key: str, kind: type) -> Any:
        """The value, None where it is null. Raises HistoryError."""
        return None if key in self.values and self.values[key] is None else self.get(key, kind)

    def when(self, key: str) -> datetime:
        """The instant in that text, in UTC; so is one without a zone. Raises HistoryError."""
        text = self.get(key, str)
        try:
            return instant(text)
        except TaskerTestkitError as error:
            raise HistoryError(f"{self.place}.{key}: {error}") from None

    def stored(self, key: str) -> Mapping[str, Any] | None:
        """The result that is stored there, None if there is none. Raises HistoryError."""
        return stored_result(self.values.get(key), f"{self.place}.{key}")


def expected(value: Any, kind: type, place: str, advice: str) -> Any:
    """The value, which must be of that type. Raises HistoryError, which ends with ``advice``."""
    if type(value) is not kind:
        raise HistoryError(f"{place}: must be {_SAID[kind]}, not {value!r:.60}. {advice}")
    return value


def stored_result(data: Any, place: str) -> Mapping[str, Any] | None:
    """A stored result with the keys that a history has; None if there is none. Raises HistoryError."""
    if not data:
        return None
    for key, kinds in STORED.items():
        if key not in expected(data, dict, place, "That is no result as Tasker 0.1.8 stores it."):
            raise HistoryError(f"{place}: there is no {key!r}; that is no result as Tasker 0.1.8 stores it.")
        if not isinstance(data[key], kinds):
            raise HistoryError(f"{place}.{key}: {data[key]!r:.60} isn't what Tasker 0.1.8 stores there.")
    error = data["error"]
    return {**{key: data[key] for key in STORED}, "error": None if error is None else _error(error, f"{place}.error")}


def _error(error: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    for key, kinds in ERROR.items():
        if not isinstance(error.get(key), kinds):
            raise HistoryError(f"{place}.{key}: {error.get(key)!r:.60} isn't what Tasker 0.1.8 stores there.")
    return {key: error.get(key) for key in (*ERROR, "backtrace")}


def ended(stored: Mapping[str, Any] | None) -> datetime | None:
    """When the worker says that the attempt with this result ended; None if it doesn't say."""
    text = stored["metadata"].get("completed_at") if stored else None
    try:
        return instant(text) if text else None
    except TaskerTestkitError:
        return None


def by_hand(stored: Mapping[str, Any]) -> bool:
    """Is it the result that an operator gave a step?"""
    custom = stored["metadata"].get("custom")
    return isinstance(custom, dict) and custom.get("manually_completed") is True


def check_at_rest(task: Record, uuid: str, state: str) -> None:
    """Raise HistoryError if the task is still running."""
    if state not in _AT_REST:
        raise HistoryError(
            f"{task.place}: task {uuid} is still running: its state is {state!r}. Only a task at rest can be "
            f"imported; the states of one:\n{listed(_AT_REST)}\nAsk Tasker again later."
        )
