"""Two histories side by side as text for people: a line for each thing that differs, by step and attempt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tasker_testkit.model.divergence import Change
from tasker_testkit.report.cells import Line, Signs, Span, clean, fitted
from tasker_testkit.report.columns import Row, columns


def difference_layout(
    heads: tuple[str, str], changes: Sequence[Change], *, width: int, signs: Signs
) -> list[list[Line]]:
    """The lines in their parts; ``heads`` name the two sides."""
    if not changes:
        return [[(Span("The two runs are the same.", "good"),)]]
    lines = [fitted(line, width, signs) for line in columns(list(_rows(heads, changes)), width, signs)]
    number = f"{len(changes)} difference{'s' if len(changes) > 1 else ''}"
    return [lines, [(Span(clean(number, signs), "quiet"),)]]


def _rows(heads: tuple[str, str], changes: Sequence[Change]) -> Iterator[Row]:
    yield ("", "", (heads[0], "title"), (heads[1], "title"))
    before = ""
    for change in changes:
        owner = change.owner if change.attempt is None else f"{change.owner} #{change.attempt}"
        yield ("" if owner == before else owner, change.what, (change.one, "plain"), (change.other, "odd"))
        before = owner
