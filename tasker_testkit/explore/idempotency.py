"""Which steps can be run again: how often each one's effects happen when something goes wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tasker_testkit.engine.engine import Engine
from tasker_testkit.explore.space import kind_of, label
from tasker_testkit.model.faults import Fault
from tasker_testkit.model.idempotency import Cell, Row

Hit = tuple[Fault, Engine, Callable[[], str]]
"""A fault, what a run with it alone ran on, and what makes the run's token."""


def rows(plain: Engine, hits: Iterable[Hit]) -> tuple[Row, ...]:
    """A row for each step, from the run without faults and the runs with one fault each.

    Effects are counted by name: one that comes with another key the second time has happened twice.
    """
    before = {row.name: _effects(plain, row.name) for row in plain.ledger.steps}
    cells: dict[str, list[Cell]] = {name: [] for name in before}
    for fault, engine, token in hits:
        expected = before.setdefault(fault.step, Counter())
        cells.setdefault(fault.step, []).append(_cell(fault, engine, expected, token))
    return tuple(Row(name, dict(before[name]), tuple(found)) for name, found in cells.items())


def _effects(engine: Engine, step: str) -> Counter[str]:
    return Counter(effect.name for _, _, effect in engine.ledger.booked() if effect.step == step)


def _cell(fault: Fault, engine: Engine, expected: Counter[str], token: Callable[[], str]) -> Cell:
    found, row = _effects(engine, fault.step), engine.ledger.by_name.get(fault.step)
    repeated = found - expected
    lost = expected - found if row is not None and row.state == "complete" else Counter[str]()
    said = token() if repeated or lost else ""
    return Cell(label(fault), kind_of(fault), fault, dict(found), dict(repeated), dict(lost), said)
