"""Failure-path coverage as text for people: a table for each template, then what is missing and how to get there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from tasker_testkit.model.coverage import BATCHES, PATHS, Cell, Coverage
from tasker_testkit.report.cells import (
    ASCII,
    UNICODE,
    Line,
    Signs,
    Span,
    abbreviated,
    cells,
    clean,
    fitted,
    joined,
    padded,
)

NARROWEST: Final = 40
"""A coverage is never drawn for fewer cells than this."""
_GAP: Final = "  "
_SHORTEST_NAME: Final = 10
_LONGEST_PATH: Final = max(map(len, PATHS))
_WITHOUT_FAULT: Final[Mapping[str, str]] = {
    "first time": "no fault, but a run that gets there",
    BATCHES: "no fault, but an input with something to do",
}
_NO_INSTANCE: Final = "first an input with something to do: no run had a batch"


@dataclass(frozen=True, slots=True)
class _Page:
    """One template's cells, by rank, and what they are drawn on."""

    template: str
    cells: Sequence[Cell]
    found: Coverage
    width: int
    signs: Signs

    @property
    def steps(self) -> list[tuple[str, list[Cell]]]:
        """The cells of each step, in the template's order."""
        return [(name, list(group)) for (_, name), group in groupby(self.cells, lambda cell: (cell.place, cell.step))]

    def mark(self, cell: Cell) -> Span:
        """Whether the cell was reached."""
        return Span(self.signs.good, "good") if cell in self.found.covered else Span(self.signs.bad, "bad")


def coverage(found: Coverage, *, width: int = 100, unicode: bool = True) -> str:
    """The coverage as text, at most ``width`` cells a line (at least 40), without colours and a final newline.

    Only a part of a fault that is longer than the line by itself isn't cut, so that it can be copied.
    """
    return "\n".join(joined(line) for line in layout(found, width=width, signs=UNICODE if unicode else ASCII))


def layout(found: Coverage, *, width: int, signs: Signs) -> list[Line]:
    """The lines, the same for plain text and for a terminal; templates and their parts are set apart by empty ones."""
    lines: list[Line] = []
    for template, group in groupby(found.ordered, lambda cell: cell.template):
        page = _Page(template, list(group), found, max(width, NARROWEST), signs)
        for part in (_head(page), _table(page), _branches(page), _missing(page)):
            told = [_trimmed(line, page) for line in part]
            lines += [(), *told] if told else []
    return lines[1:] or [(Span("No workflow was run.", "bad"),)]


def _trimmed(line: Line, page: _Page) -> Line:
    """The line without spaces at its end; a fault may be longer than the page."""
    return fitted(line, max(page.width, cells(joined(line))), page.signs)


def total(found: Coverage) -> str:
    """The coverage in one line: ``23 of 37 failure paths and branches taken, 62.16 %``."""
    return f"{len(found.covered)} of {len(found.cells)} failure paths and branches taken, {found.percent:.2f} %"


def _head(page: _Page) -> Iterator[Line]:
    reached = sum(cell in page.found.covered for cell in page.cells)
    counts = Span(f"{page.signs.dot}{reached} of {len(page.cells)}", "quiet")
    room = page.width - cells(counts.text)
    yield (Span(abbreviated(clean(page.template, page.signs), room, page.signs), "title"), counts)


# -- the table ---------------------------------------------------------------------------------------------------------


def _table(page: _Page) -> Iterator[Line]:
    """A line a step, a column a path; where it doesn't fit, how many of its paths were taken."""
    paths = [path for path in PATHS if any(cell.name == path for cell in page.cells if cell.kind == "path")]
    heads = [("", *path.split())[-2:] for path in paths]
    widths = [max(map(len, head)) for head in heads]
    room = page.width - sum(len(_GAP) + width for width in widths)
    if room < _SHORTEST_NAME:
        yield from _counts(page)
        return
    names = min(room, max(cells(clean(name, page.signs)) for name, _ in page.steps))
    for line in zip(*heads, strict=True):
        yield _row(page, "", names, [Span(word, "quiet") for word in line], widths)
    for name, mine in page.steps:
        by_path = {cell.name: page.mark(cell) for cell in mine if cell.kind == "path"}
        yield _row(page, name, names, [by_path.get(path, Span("")) for path in paths], widths)


def _row(page: _Page, name: str, room: int, marks: Iterable[Span], widths: Iterable[int]) -> Line:
    first = padded(abbreviated(clean(name, page.signs), room, page.signs), room)
    others = (Span(_GAP + padded(mark.text, width), mark.tone) for mark, width in zip(marks, widths, strict=True))
    return (Span(first), *others)


def _counts(page: _Page) -> Iterator[Line]:
    names = max(cells(_named(page, name)) for name, _ in page.steps)
    for name, mine in page.steps:
        paths = [cell for cell in mine if cell.kind == "path"]
        reached = sum(cell in page.found.covered for cell in paths)
        yield (Span(padded(_named(page, name), names) + _GAP), Span(f"{reached} of {len(paths)}", "quiet"))


# -- branches and what is missing --------------------------------------------------------------------------------------


def _branches(page: _Page) -> Iterator[Line]:
    for name, mine in page.steps:
        words = [(page.mark(cell), Span(f" {_named(page, cell.name)}")) for cell in mine if cell.kind == "branch"]
        if words:
            yield from _flowing(page, f"{_named(page, name)} {page.signs.arrow}", words, gap=_GAP)


def _missing(page: _Page) -> Iterator[Line]:
    """Each cell that wasn't reached, below its step, with the fault that gets there."""
    left = [cell for cell in page.cells if cell not in page.found.covered]
    if not left:
        return
    yield (Span("Missing, and what gets there:", "title"),)
    for name, mine in page.steps:
        missing = [cell for cell in mine if cell in left]
        if missing:
            yield (Span(abbreviated(clean(name, page.signs), page.width, page.signs)),)
        for cell in missing:
            head = _GAP + padded(_label(page, cell), _LONGEST_PATH)
            yield from _flowing(page, head, [(word,) for word in _way(page, cell)], gap=" ")


def _label(page: _Page, cell: Cell) -> str:
    return cell.name if cell.kind == "path" else f"{page.signs.arrow} {_named(page, cell.name)}"


def _named(page: _Page, name: str) -> str:
    """A name that leaves room for others beside it."""
    return abbreviated(clean(name, page.signs), page.width // 3, page.signs)


def _way(page: _Page, cell: Cell) -> list[Span]:
    """What leads to the cell, in the parts in which it may be broken: a fault only behind its commas."""
    line = page.found.cells[cell]
    if not line:
        return [Span(word, "quiet") for word in _WITHOUT_FAULT.get(cell.name, _NO_INSTANCE).split()]
    *parts, end = clean(line, page.signs).split(", ")
    return [*(Span(f"{part},", "fault") for part in parts), Span(end, "fault")]


def _flowing(page: _Page, head: str, words: Sequence[Line], *, gap: str) -> Iterator[Line]:
    """A head and words behind it, as many in a line as fit; below the head if one of them is too long for that."""
    head += _GAP
    if max(cells(joined(word)) for word in words) > page.width - cells(head):
        yield (Span(head),)
        head = _GAP * 2
    indent = cells(head)
    for number, row in enumerate(_rows(words, page.width - indent, gap)):
        yield (Span(" " * indent if number else head), *row)


def _rows(words: Sequence[Line], room: int, gap: str) -> Iterator[Line]:
    """The words in rows of at most ``room`` cells; a longer word has a row of its own."""
    row: Line = ()
    for word in words:
        longer = (*row, Span(gap), *word) if row else word
        if row and cells(joined(longer)) > room:
            yield row
            longer = word
        row = longer
    yield row
