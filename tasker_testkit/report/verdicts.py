"""What today's handlers come to for a known run, as text for people: a line an attempt, and a closing sentence."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from tasker_testkit.model.verdicts import OTHER, AttemptVerdict, Verdict, Verdicts
from tasker_testkit.report.cells import Line, Mark, Signs, Span, Tone, abbreviated, cells, clean, fitted, padded

NARROWEST: Final = 60
"""The verdicts are never drawn for fewer cells than this."""
_MOST: Final = 5
_LOOKS: Final[dict[Verdict, tuple[Mark, Tone]]] = {
    "same": ("good", "good"),
    "differs": ("bad", "odd"),
    "now fails": ("bad", "bad"),
    "now passes": ("bad", "odd"),
    "unclear": ("open", "odd"),
    "not run": ("none", "quiet"),
}
_WIDEST_VERDICT: Final = max(map(len, _LOOKS)) + 2


def verdicts_layout(found: Verdicts, *, width: int, signs: Signs) -> list[list[Line]]:
    """The lines in their parts, to be set apart by blank ones; the same for plain text and for a terminal."""
    width = max(width, NARROWEST)
    parts = (
        _head(found, signs),
        _table(found, width, signs),
        _remarks(found, width, signs),
        [(Span(line, "good" if found.same else "bad"),) for line in _wrapped(closing(found), width, signs)],
    )
    told = ([fitted(line, width, signs) for line in part] for part in parts)
    return [part for part in told if part]


def closing(found: Verdicts) -> str:
    """The answer in a sentence."""
    run = [one for one in found.attempts if one.verdict != "not run"]
    if not run:
        return "Nothing could be compared, so nothing is known about today's handlers."
    number = f"{len(run)} attempt{'s' if len(run) > 1 else ''}"
    if found.same:
        return f"{f'All {number}' if len(run) > 1 else 'The attempt'} came to the same as then."
    others = [f"{kind}: {_several(found.of(kind))}" for kind in OTHER if found.of(kind)]
    return f"Of {number}, {len(found.of('same'))} came to the same as then; {'; '.join(others)}."


def _several(attempts: tuple[AttemptVerdict, ...]) -> str:
    names = list(dict.fromkeys(one.step for one in attempts))
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{', '.join(names[:_MOST])}{more}"


def _head(found: Verdicts, signs: Signs) -> Iterator[Line]:
    template = found.template
    yield (Span(clean(f"{template['namespace']}/{template['name']} {template['version']}", signs), "title"),)
    yield (Span(clean(f"{found.profile}{signs.dot}starts {found.start}", signs), "quiet"),)


# -- the table ---------------------------------------------------------------------------------------------------------


def _table(found: Verdicts, width: int, signs: Signs) -> Iterator[Line]:
    names = [clean(one.step, signs) for one in found.attempts]
    room = min(max(map(cells, names), default=0), width // 3)
    for name, one in zip(names, found.attempts, strict=True):
        mark, tone = _LOOKS[one.verdict]
        said = padded(f"{signs.of[mark]} {one.verdict}", _WIDEST_VERDICT)
        start = (Span(padded(abbreviated(name, room, signs), room)), Span(f"  #{one.attempt:<3}", "quiet"))
        beside = one.why if one.verdict == "not run" else one.place
        yield (*start, Span(said, tone), Span(f"  {clean(beside, signs)}", "quiet"))
        if one.verdict != "not run":
            yield from ((Span(f"    {line}", "quiet"),) for line in _wrapped(one.why, width - 4, signs))
        yield from _sides(one, width, signs)


def _sides(one: AttemptVerdict, width: int, signs: Signs) -> Iterator[Line]:
    """What was there and what is, and where else they part."""
    if one.expected == one.actual:
        return
    sides: tuple[tuple[str, str, Tone], ...] = (("then", one.expected, "plain"), ("now ", one.actual, "odd"))
    for title, text, tone in sides:
        first, *others = text.splitlines() or [""]
        yield (Span(f"    {title}  ", "quiet"), Span(clean(first, signs), tone))
        for other in others:
            yield from ((Span(f"          {line}", tone),) for line in _wrapped(other, width - 10, signs))
    if one.further:
        more = f" and {len(one.further) - _MOST} more" if len(one.further) > _MOST else ""
        for line in _wrapped(f"also  {', '.join(one.further[:_MOST])}{more}", width - 4, signs):
            yield (Span(f"    {line}", "quiet"),)


# -- remarks -----------------------------------------------------------------------------------------------------------


def _remarks(found: Verdicts, width: int, signs: Signs) -> Iterator[Line]:
    unsteady = [f"{one.step} {place}" for one in found.attempts for place in one.unsteady]
    told = list(found.notes)
    if unsteady:
        places = list(dict.fromkeys(unsteady))
        more = f" and {len(places) - _MOST} more" if len(places) > _MOST else ""
        told.append(
            "Only the type was compared of what hangs on the clock, on chance or on identifiers: "
            f"{', '.join(places[:_MOST])}{more}."
        )
    if found.never_ran:
        told.append(f"Never ran then: {', '.join(found.never_ran)}.")
    for text in told:
        yield from ((Span(line, "quiet"),) for line in _wrapped(text, width, signs))


def _wrapped(text: str, width: int, signs: Signs) -> list[str]:
    return textwrap.wrap(clean(text, signs), width, break_on_hyphens=False)
