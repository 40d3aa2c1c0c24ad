"""Which steps can be run again, as values: a row for each step, a cell for each fault that hits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tasker_testkit.model.faults import Fault

Judgement = Literal["idempotent", "repeats", "loses", "repeats, loses", "no effects"]
Counts = Mapping[str, int]
"""How often each effect happened, by its name."""

FORMAT: Final = "tasker-testkit/idempotency"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Cell:
    """A step under one fault: its effects, and those of them that happened more often, or less, than without the fault.

    ``kind`` is the fault's in the explorer's words (``crash_after``), ``id`` its name in a test's id, ``token`` makes
    the run of a bad cell again. A step loses an effect if it completes without it; one that fails says so itself.
    """

    id: str
    kind: str
    fault: Fault
    effects: Counts
    repeated: Counts
    lost: Counts
    token: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is repeated, and nothing lost."""
        return not (self.repeated or self.lost)

    def to_data(self) -> dict[str, Any]:
        """The cell as plain JSON."""
        counts = {name: dict(getattr(self, name)) for name in ("effects", "repeated", "lost")}
        return {"id": self.id, "kind": self.kind, "fault": self.fault.to_data(), **counts, "token": self.token}


@dataclass(frozen=True, slots=True)
class Row:
    """One step: its effects in the run without faults, and a cell for each fault that hits it."""

    step: str
    effects: Counts
    cells: tuple[Cell, ...]

    @property
    def verdict(self) -> Judgement:
        """``repeats`` if a fault makes an effect happen again, ``loses`` if the step completes without one."""
        repeats, loses = any(cell.repeated for cell in self.cells), any(cell.lost for cell in self.cells)
        if repeats or loses:
            return "repeats, loses" if repeats and loses else "repeats" if repeats else "loses"
        return "idempotent" if self.effects or any(cell.effects for cell in self.cells) else "no effects"


@dataclass(frozen=True, slots=True)
class Table:
    """The verdict on every step of a workflow; ``rows`` are in the order of creation."""

    rows: tuple[Row, ...]

    @property
    def verdicts(self) -> Mapping[str, Judgement]:
        """``idempotent``, ``repeats``, ``loses``, both, or ``no effects``, by step."""
        return {row.step: row.verdict for row in self.rows}

    @property
    def bad(self) -> Sequence[Cell]:
        """The cells in which something is repeated or lost."""
        return tuple(cell for row in self.rows for cell in row.cells if not cell.good)

    def to_data(self) -> dict[str, Any]:
        """The table as plain JSON (``format: tasker-testkit/idempotency``)."""
        rows = [
            {
                "step": row.step,
                "verdict": row.verdict,
                "effects": dict(row.effects),
                "faults": [cell.to_data() for cell in row.cells],
            }
            for row in self.rows
        ]
        return {"format": FORMAT, "version": VERSION, "steps": rows}
