"""A run as the text of a file that can be kept: with its recipe and digest, and without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from tasker_testkit.engine.history import History, sealed
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.errors import HistoryError, TemplateError, listed, near
from tasker_testkit.model.loading import load_data
from tasker_testkit.replay.redaction import Redaction, redacted
from tasker_testkit.replay.tracebacks import portable

_redaction = Redaction()


@contextmanager
def redacted_by(redaction: Redaction) -> Iterator[None]:
    """Meanwhile this is what counts as secret in files, beside what always does: ``with redacted_by(Redaction(...)):``.

    It is that of the whole process, and holds where a run is saved or compared, not where it runs.
    """
    global _redaction
    before, _redaction = _redaction, redaction
    try:
        yield
    finally:
        _redaction = before


def load_redaction(path: Path) -> Redaction:
    """What a YAML or JSON file says is secret besides: ``keys``, ``paths``, ``patterns``, ``allowed``, ``salt``.

    Raises HistoryError for a file that says something else.
    """
    try:
        data = load_data(path)
    except TemplateError as error:
        raise HistoryError(f"--secrets: {error}") from None
    known = {field.name: field.default for field in fields(Redaction)}
    if not isinstance(data, dict):
        raise HistoryError(f"--secrets: {path} must be a mapping, not {data!r:.60}. Its keys:\n{listed(known)}")
    for key, value in data.items():
        if key not in known:
            raise HistoryError(f"--secrets: {path}: there is no key {key!r}.{near(key, known)} Keys:\n{listed(known)}")
        kind = str if isinstance(known[key], str) else list
        if not isinstance(value, kind) or not all(isinstance(one, str) for one in value):
            wanted = "a text" if kind is str else "a list of texts"
            raise HistoryError(f"--secrets: {path}: {key!r} must be {wanted}, not {value!r:.60}.")
    given: dict[str, Any] = {key: value if isinstance(value, str) else tuple(value) for key, value in data.items()}
    made = Redaction(**given)
    made.check()
    return made


def recording_of(history: History, recipe: Mapping[str, Any]) -> str:
    """The text of the file. Raises HistoryError for a redaction that makes no sense."""
    return pretty(sealed(without_secrets({**history.to_data(), "recipe": recipe})))


def without_secrets(data: Mapping[str, Any]) -> dict[str, Any]:
    """A history's data as a file may hold it."""
    return redacted(portable(data), _redaction)
