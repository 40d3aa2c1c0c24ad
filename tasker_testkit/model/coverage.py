"""What of a workflow's failure paths was exercised: cells that can be reached, and those that were. It merges.

Nothing here knows how a cell is reached or seen; ``explore/coverage`` asks a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from tasker_testkit.errors import TaskerTestkitError

FORMAT: Final = "tasker-testkit/coverage"
VERSION: Final = 1

PATHS: Final = (
    "first time",
    "after retry",
    "exhausted",
    "permanent",
    "timed out",
    "crashed before",
    "crashed after",
    "blocked",
)
"""How it can go with a step: success at once or later, no attempt left, failed for good, ended by its timeout, its
worker lost before or after the handler's effect, never run because another step failed."""

NONE: Final = "none"
"""The branch of a decision that asks for no step, or of an analyzer that finds nothing to do."""
BATCHES: Final = "batches"
"""The other branch of an analyzer."""
Kind = Literal["path", "branch"]
What = tuple[Kind, str]
"""A path of a step, or a branch that it chose, by name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that can happen to a step: a ``path`` (of PATHS) or a ``branch`` (a step's name, or ``none``).

    ``template`` is ``namespace/name version``, ``place`` the step's place in it, from 0.
    """

    template: str
    place: int
    step: str
    kind: Kind
    name: str

    @property
    def rank(self) -> tuple[Any, ...]:
        """Its place among all cells: by template and step, paths as in PATHS, then branches by name, ``none`` last."""
        name = PATHS.index(self.name) if self.kind == "path" else (self.name == NONE, self.name)
        return self.template, self.place, self.step, self.kind == "branch", name


@dataclass(frozen=True)
class Coverage:
    """Which cells can be reached, each with the line of a test that reaches it, and which were.

    The line is a call of a method of a fault plan, ``tasker_faults.fail("charge", attempt=1)``; it is empty where no
    fault is needed. Two coverages merge with ``|``, in any order.
    """

    cells: Mapping[Cell, str]
    covered: frozenset[Cell]

    def __or__(self, other: Coverage) -> Coverage:
        lines = {**self.cells}
        for cell, line in other.cells.items():
            lines[cell] = min(filter(None, (line, lines.get(cell))), default="")
        return Coverage(lines, self.covered | other.covered)

    @property
    def ordered(self) -> list[Cell]:
        """All cells that can be reached, by rank."""
        return sorted(self.cells, key=lambda cell: cell.rank)

    @property
    def percent(self) -> float:
        """How many of a hundred cells were reached; 0 if there are none."""
        return 100 * len(self.covered) / len(self.cells) if self.cells else 0.0

    def to_data(self) -> dict[str, Any]:
        """The coverage as plain JSON, ``percent`` with two decimals, ``cells`` in the templates' order."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "covered": len(self.covered),
            "reachable": len(self.cells),
            "percent": round(self.percent, 2),
            "cells": [
                {**asdict(cell), "covered": cell in self.covered, "fault": self.cells[cell]} for cell in self.ordered
            ],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Coverage:
        """The coverage that was written. Raises TaskerTestkitError for data of another format or version."""
        if (data.get("format"), data.get("version")) != (FORMAT, VERSION):
            raise TaskerTestkitError(
                f"This is no failure-path coverage: format {data.get('format')!r}, version {data.get('version')!r}; "
                f"{FORMAT!r}, version {VERSION} is read."
            )
        names = Cell.__slots__
        read = [(Cell(*(one[name] for name in names)), one) for one in data["cells"]]
        cells = {cell: one["fault"] for cell, one in read}
        return cls(cells, frozenset(cell for cell, one in read if one["covered"]))


NOTHING: Final = Coverage({}, frozenset())
