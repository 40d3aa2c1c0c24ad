"""The verdict on every step as text: how often its effects happen under each fault, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tasker_testkit.model.idempotency import Cell, Counts, Row, Table
from tasker_testkit.report.cells import ASCII, UNICODE, Signs, cells, clean, padded

NARROWEST: Final = 60
"""The table is never drawn for fewer cells than this; of more columns than fit it has several parts."""
_GAP: Final = "  "
_LEGEND: Final = "How often a step's effects happen when the fault hits it;"

Column = list[str]
"""A column of the table: two lines of heading, then a text for each step."""


def idempotency(table: Table, *, width: int = 100, unicode: bool = True) -> str:
    """The table as text, without a final newline: a line for each step, then each bad cell with its token.

    At most ``width`` cells wide (at least 60), unless a step's name or a token is longer.
    """
    signs = UNICODE if unicode else ASCII
    parts = [f"{_LEGEND} {signs.bad}: not as often as without it.", *_tables(table, max(width, NARROWEST), signs)]
    bad = "\n".join(line for row in table.rows for cell in row.cells for line in _told(row, cell, signs))
    return "\n\n".join([*parts, bad] if bad else parts)


def _tables(table: Table, width: int, signs: Signs) -> Iterator[str]:
    kinds = dict.fromkeys(cell.kind for row in table.rows for cell in row.cells)
    first = ["", "step", *(clean(row.step, signs) for row in table.rows)]
    last = ["", "verdict", *(row.verdict for row in table.rows)]
    plain = ["no", "fault", *(_number(row.effects) for row in table.rows)]
    columns = [plain, *(_column(kind, table, signs) for kind in kinds)]
    for group in _groups(columns, width - _wide(first) - _wide(last) - 2 * len(_GAP)):
        yield "\n".join(_lines([first, *group, last]))


def _groups(columns: Sequence[Column], room: int) -> Iterator[list[Column]]:
    """As many columns at a time as there is room for, at least one."""
    group: list[Column] = []
    for column in columns:
        if group and sum(_wide(one) + len(_GAP) for one in [*group, column]) > room:
            yield group
            group = []
        group.append(column)
    yield group


def _wide(column: Column) -> int:
    return max(map(cells, column))


def _lines(columns: Sequence[Column]) -> Iterator[str]:
    first, *middle, last = columns
    for number in range(0 if any(column[0] for column in columns) else 1, len(first)):
        numbers = [column[number].rjust(_wide(column)) for column in middle]
        yield _GAP.join([padded(first[number], _wide(first)), *numbers, last[number]]).rstrip()


def _column(kind: str, table: Table, signs: Signs) -> Column:
    above, _, below = kind.partition("_")
    heading = [above, below.replace("_", " ")] if below else ["", above]
    return [*heading, *(_shown([cell for cell in row.cells if cell.kind == kind], signs) for row in table.rows)]


def _shown(found: Sequence[Cell], signs: Signs) -> str:
    """The worst of a step's cells of one kind; nothing if that kind of fault can't hit it."""
    if not found:
        return ""
    worst = max(found, key=lambda cell: (not cell.good, sum(cell.effects.values())))
    return _number(worst.effects) if worst.good else f"{_number(worst.effects)}{signs.bad}"


def _number(effects: Counts) -> str:
    return str(sum(effects.values()))


def _told(row: Row, cell: Cell, signs: Signs) -> Iterator[str]:
    """A bad cell in words, and its token below."""
    if cell.good:
        return
    for verb, names in (("repeats", cell.repeated), ("loses", cell.lost)):
        for name in names:
            times = f"{cell.effects.get(name, 0)} instead of {row.effects.get(name, 0)}"
            yield clean(f"{row.step} {verb} {name}: {times} with {cell.id}", signs)
    yield f"  {cell.token}"
