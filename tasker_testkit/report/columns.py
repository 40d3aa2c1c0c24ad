"""Two things side by side: a name, what is told of it, and how it is in either, in columns that fit the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tasker_testkit.report.cells import Line, Signs, Span, Tone, abbreviated, cells, clean, padded, shortened

Row = tuple[str, str, tuple[str, Tone], tuple[str, Tone]]
"""A line of the table: whose it is, what differs, and both sides with their tones."""
_GAP: Final = "  "


def columns(rows: Sequence[Row], width: int, signs: Signs) -> Iterator[Line]:
    """The rows as lines of at most ``width`` cells."""
    widths = _widths([(name, what, left[0], right[0]) for name, what, left, right in rows], width)
    return (_line(row, widths, signs) for row in rows)


def _line(row: Row, widths: Sequence[int], signs: Signs) -> Line:
    name, what, (left, left_tone), (right, right_tone) = row
    return (
        Span(padded(abbreviated(clean(name, signs), widths[0], signs), widths[0]) + _GAP),
        Span(padded(shortened(clean(what, signs), widths[1], signs), widths[1]) + _GAP, "quiet"),
        Span(padded(shortened(clean(left, signs), widths[2], signs), widths[2]) + _GAP, left_tone),
        Span(shortened(clean(right, signs), widths[3], signs), right_tone),
    )


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """What each column needs, cut to fair parts of the page."""
    needed = [max(cells(row[column]) for row in rows) for column in range(4)]
    shares = (width // 3, width // 5)
    names, whats = (min(need, share) for need, share in zip(needed, shares, strict=False))
    room = (width - names - whats - 3 * len(_GAP)) // 2
    return [names, whats, min(needed[2], room), min(needed[3], room)]
