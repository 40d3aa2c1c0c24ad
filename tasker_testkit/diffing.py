"""Two runs side by side: ``run.diff(other)`` and ``tasker-testkit diff A B``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tasker_testkit.engine.history import History
from tasker_testkit.errors import HistoryError
from tasker_testkit.model.divergence import Change
from tasker_testkit.recording import without_secrets
from tasker_testkit.replay.alignment import differences
from tasker_testkit.replay.files import load_history
from tasker_testkit.report.cells import ASCII, UNICODE, Line, Signs, joined
from tasker_testkit.report.difference import difference_layout

_NARROWEST = 60


@dataclass(frozen=True)
class Diff:
    """In what two runs differ, by step and attempt; empty (and false) if they are the same.

    ``changes``: each has ``owner`` (a step, ``task``, ``effects``, ...), ``attempt``, ``what``, and both sides as text.
    ``names``: what the two sides are called.
    """

    names: tuple[str, str]
    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return self.text()

    def text(self, *, width: int = 100, unicode: bool = True) -> str:
        """A table for people, at most ``width`` columns wide (at least 60)."""
        parts = self.layout(width=width, signs=UNICODE if unicode else ASCII)
        return "\n\n".join("\n".join(map(joined, part)) for part in parts)

    def layout(self, *, width: int, signs: Signs) -> list[list[Line]]:
        """The lines of the table with their tones."""
        return difference_layout(self.names, self.changes, width=max(width, _NARROWEST), signs=signs)

    def to_data(self) -> dict[str, Any]:
        """The diff as plain JSON."""
        return {"names": list(self.names), "same": not self.changes, "changes": [asdict(one) for one in self.changes]}


def diff(
    one: Any, other: Any, *, level: str = "exact", ignore: Sequence[str] = (), names: tuple[str, str] | None = None
) -> Diff:
    """Compare two runs, histories or history files; ``level`` and ``ignore`` as in docs/recordings.md.

    Raises HistoryError for a file that is no history, and an unknown level or pattern.
    """
    sides = [_data(side) for side in (one, other)]
    named = names or (_name(one, "this run"), _name(other, "the other"))
    return Diff(named, differences(*sides, level=level, ignore=ignore))


def _name(side: Any, otherwise: str) -> str:
    return str(side) if isinstance(side, (str, Path)) else otherwise


def _data(side: Any) -> Mapping[str, Any]:
    """A history's data as a file may hold it, so that a run and a recording can be compared."""
    found = load_history(side) if isinstance(side, (str, Path)) else getattr(side, "history", side)
    if not isinstance(found, History):
        raise HistoryError(f"{side!r:.80} can't be compared: give a run, a History or the path of a history file.")
    data: Mapping[str, Any] = json.loads(json.dumps(without_secrets(found.to_data())))
    return data
