"""The comparison of both profiles as text for people: a small table, then a sentence for each row that mattered."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from tasker_testkit.model.divergence import Findings, Side
from tasker_testkit.model.durations import microseconds, spoken
from tasker_testkit.report.cells import (
    ASCII,
    UNICODE,
    Line,
    Signs,
    Span,
    Tone,
    clean,
    fitted,
    joined,
)
from tasker_testkit.report.columns import Row, columns

NARROWEST: Final = 60
"""A comparison is never drawn for fewer cells than this."""
_MOST: Final = 20
_HEADING: Final = "Where Tasker 0.1.8 differs here (rows of docs/profiles.md):"
_NOTHING: Final = "Tasker 0.1.8 does here what its documents promise."


def comparison(found: Findings, *, width: int = 100, unicode: bool = True) -> str:
    """The comparison as text, at most ``width`` cells a line (at least 60), without colours and a final newline."""
    parts = layout(found, width=width, signs=UNICODE if unicode else ASCII)
    return "\n\n".join("\n".join(map(joined, part)) for part in parts)


def layout(found: Findings, *, width: int, signs: Signs) -> list[list[Line]]:
    """The lines in their parts, to be set apart by blank ones; the same for plain text and for a terminal."""
    width = max(width, NARROWEST)
    parts = (
        _head(found, signs),
        _table(found, width, signs),
        *(_refusal(side, width, signs) for side in (found.documented, found.as_built) if side.refused),
        _rows(found, width, signs),
        _left_out(found.unsteady, width, signs),
    )
    told = ([fitted(line, width, signs) for line in part] for part in parts)
    return [part for part in told if part]


def _head(found: Findings, signs: Signs) -> Iterator[Line]:
    template = found.template
    yield (Span(clean(f"{template['namespace']}/{template['name']} {template['version']}", signs), "title"),)
    yield (Span(f"seed {found.seed}{signs.dot}starts {found.start}", "quiet"),)


# -- the table -------------------------------------------------------------------------------------------------------


def _table(found: Findings, width: int, signs: Signs) -> Iterator[Line]:
    one, other = found.documented, found.as_built
    rows: list[Row] = [
        ("", "", (one.profile, "quiet"), (other.profile, "quiet")),
        ("task", "", _end(one, signs), _end(other, signs)),
        ("elapsed", "", (_elapsed(one), "plain"), (_elapsed(other), "plain")),
        *((d.step, d.what, (d.documented, "plain"), (d.as_built, "odd")) for d in found.differences[:_MOST]),
    ]
    yield from columns(rows, width, signs)
    if len(found.differences) > _MOST:
        yield (Span(f"{signs.ellipsis} and {len(found.differences) - _MOST} more steps that differ", "quiet"),)


def _end(side: Side, signs: Signs) -> tuple[str, Tone]:
    good = side.state == "complete"
    return f"{signs.good if good else signs.bad} {side.state or 'refused'}", "good" if good else "bad"


def _elapsed(side: Side) -> str:
    return "" if side.elapsed is None else spoken(microseconds(side.elapsed))


# -- sentences -------------------------------------------------------------------------------------------------------


def _refusal(side: Side, width: int, signs: Signs) -> Iterator[Line]:
    yield (Span(f"Refused under {side.profile}:", "bad"),)
    for text in (side.refused or "").splitlines():
        indent = "  " + " " * (len(text) - len(text.lstrip()))
        for line in textwrap.wrap(clean(text.strip(), signs), width - len(indent)):
            yield (Span(indent + line),)


def _rows(found: Findings, width: int, signs: Signs) -> Iterator[Line]:
    if found.divergences:
        yield (Span(_HEADING, "title"),)
    elif not found.documented.refused and not found.as_built.refused:
        yield (Span(_NOTHING, "good"),)
    for row in found.divergences:
        first, *others = textwrap.wrap(clean(row.sentence, signs), width - 4, break_on_hyphens=False)
        yield (Span(f"{row.row:>2}  ", "quiet"), Span(first))
        yield from ((Span("    " + line),) for line in others)


def _left_out(unsteady: Sequence[str], width: int, signs: Signs) -> Iterator[Line]:
    if unsteady:
        more = f" and {len(unsteady) - 3} more" if len(unsteady) > 3 else ""
        text = (
            f"Left out, since two runs of one profile differ there: {', '.join(unsteady[:3])}{more}. "
            "Give what handlers talk to a fresh start before each run (setup=)."
        )
        yield from ((Span(line, "quiet"),) for line in textwrap.wrap(clean(text, signs), width))
