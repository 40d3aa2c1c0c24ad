"""A run as the text of a file that can be kept: with its recipe and digest, and without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tasker_testkit.engine.history import History, sealed
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.replay.redaction import Redaction, redacted
from tasker_testkit.replay.tracebacks import portable

_redaction = Redaction()


@contextmanager
def redacted_by(redaction: Redaction) -> Iterator[None]:
    """Meanwhile this is what counts as secret in files."""
    global _redaction
    before, _redaction = _redaction, redaction
    try:
        yield
    finally:
        _redaction = before


def recording_of(history: History, recipe: Mapping[str, Any]) -> str:
    """The text of the file. Raises HistoryError for a redaction that makes no sense."""
    return pretty(sealed(without_secrets({**history.to_data(), "recipe": recipe})))


def without_secrets(data: Mapping[str, Any]) -> dict[str, Any]:
    """A history's data as a file may hold it."""
    return redacted(portable(data), _redaction)
