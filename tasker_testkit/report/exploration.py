"""What an exploration saw, as text for people: the extent of it, how its plans ended, and what was found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tasker_testkit.model.extent import Extent, Overview, Row
from tasker_testkit.report.cells import ASCII, UNICODE, Signs, abbreviated, cells, clean

NARROWEST: Final = 60
"""An exploration is never drawn for fewer cells than this."""
_GAP: Final = "  "
_SHORTEST: Final = 12
"""A step's name isn't cut to fewer cells than this."""


def exploration(
    told: Overview, found: Sequence[str], others: Sequence[str] = (), *, width: int = 100, unicode: bool = True
) -> str:
    """The exploration as text, its own lines at most ``width`` cells wide.

    ``found`` are the reports of failures, ``others`` a line for each further one.
    """
    signs, width = UNICODE if unicode else ASCII, max(width, NARROWEST)
    head, table = _head(told, len(found) + len(others), signs), _table(told.rows, width, signs)
    parts = (head, table, _levels(told.coverage), _notes(told.notes, width))
    texts = ["\n".join(clean(line, signs) for line in part) for part in parts]
    return "\n\n".join(text for text in (*texts, *_found(found, others, signs)) if text)


def _head(told: Overview, failures: int, signs: Signs) -> Iterator[str]:
    yield told.title["workflow"]
    yield signs.dot.join((told.title["profile"], told.title["seed"], _depth(told.coverage.depth)))
    ran = told.coverage.seen
    plans = f"{ran:,} plan{'s' if ran != 1 else ''}"
    share = "" if told.coverage.exhaustive else signs.dot + "not all there are"
    if failures:
        yield f"{signs.bad} {plans}{signs.dot}{failures} failure{'s' if failures > 1 else ''}{share}"
    elif not ran:
        yield f"{signs.bad} {plans}{signs.dot}nothing was run, so nothing is known"
    else:
        yield f"{signs.good} {plans}{signs.dot}everything held{share}"


def _depth(depth: int) -> str:
    return f"up to {depth} fault{'s' if depth != 1 else ''} a plan"


def _table(rows: Sequence[Row], width: int, signs: Signs) -> Iterator[str]:
    """How many plans strike each step, how their tasks ended, and in how many of them something didn't hold."""
    states = list(dict.fromkeys(state for row in rows for state in row.ended))
    head = ["step hit", "plans", *states, "failing"]
    body = [
        [row.step, *(str(number or "") for number in (row.plans, *(row.ended.get(s, 0) for s in states), row.failing))]
        for row in rows
    ]
    lines = [[clean(cell, signs) for cell in line] for line in (head, *body)]
    first, *widths = [max(cells(line[column]) for line in lines) for column in range(len(head))]
    first = min(first, max(_SHORTEST, width - sum(widths) - len(_GAP) * len(widths)))
    for step, *numbers in lines if rows else ():
        columns = (number.rjust(width) for number, width in zip(numbers, widths, strict=True))
        name = abbreviated(step, first, signs)
        yield _GAP.join((name + " " * (first - cells(name)), *columns)).rstrip()


def _levels(extent: Extent) -> Iterator[str]:
    return (str(level) for level in extent.levels if level.faults)


def _notes(notes: Iterable[str], width: int) -> Iterator[str]:
    for note in notes:
        yield from textwrap.wrap(f"note: {note}", width, subsequent_indent="      ")


def _found(found: Sequence[str], others: Sequence[str], signs: Signs) -> Iterator[str]:
    total = len(found) + len(others)
    for number, text in enumerate(found, 1):
        lines = [clean(line, signs) if signs.ascii_only else line for line in text.splitlines()]
        yield "\n".join([f"{signs.rule * 2} failure {number} of {total} {signs.rule * 2}", *lines])
    if others:
        head = f"{signs.rule * 2} {len(others)} more {signs.rule * 2}"
        yield "\n".join([head, *(clean(line, signs) for line in others)])
