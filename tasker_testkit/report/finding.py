"""The report of one failure: what doesn't hold, the smallest plan in words, its run, and how to see it again."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasker_testkit.engine.history import History
from tasker_testkit.model.faults import Fault
from tasker_testkit.report.cells import ASCII, UNICODE, Signs, clean, wrapped
from tasker_testkit.report.layout import NARROWEST
from tasker_testkit.report.plans import in_words
from tasker_testkit.report.story import counted
from tasker_testkit.report.timeline import timeline


@dataclass(frozen=True, slots=True)
class Told:
    """What a report tells.

    ``plan``: the minimal one, ``found``: the one that was come upon; ``times``: in how many plans the same was seen;
    ``history``: of the plan's run, None if there is none; ``token``; ``commands``: what makes the run again, by where;
    ``order``: in which order parallel steps went, as a simulation takes it; ``test``: the source of a test that fails
    like this; ``kept``: where the failure is kept.
    """

    invariant: str
    message: str
    plan: Sequence[Fault]
    found: Sequence[Fault]
    times: int = 1
    order: str | Sequence[int] = "creation"
    history: History | None = None
    token: str | None = None
    commands: Mapping[str, str] | None = None
    test: str | None = None
    kept: str | None = None


def finding(told: Told, *, width: int = 100, unicode: bool = True) -> str:
    """The report as text, at most ``width`` columns wide (at least 40); token, commands and test are left whole."""
    signs, width = UNICODE if unicode else ASCII, max(width, NARROWEST)
    parts = [
        list(_head(told, width, signs)),
        list(_plan(told, width, signs)),
        [timeline(told.history, width=width, unicode=unicode)] if told.history is not None else [],
        list(_again(told)),
        ["As a test:", "", textwrap.indent(told.test.rstrip("\n"), "    ")] if told.test else [],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _head(told: Told, width: int, signs: Signs) -> Iterator[str]:
    first, *others = told.message.split("\n")
    yield from wrapped(clean(f"{signs.bad} {told.invariant}: {first}", signs), width)
    for line in others:
        yield from wrapped(clean(f"  {line}", signs), width)


def _plan(told: Told, width: int, signs: Signs) -> Iterator[str]:
    seen = f"; it was seen in {counted(told.times, 'plan')}" if told.times > 1 else ""
    smaller = f", found with {len(told.found)}" if len(told.found) > len(told.plan) else ""
    head = f"The smallest plan that does it ({counted(len(told.plan), 'fault')}{smaller}{seen}):"
    turns = list(_turns(told.order))
    if not told.plan:
        head = f"No fault is needed{seen}{', but an order:' if turns else '.'}"
    yield from wrapped(head, width)
    for line in (*map(in_words, told.plan), *turns):
        yield from wrapped(clean(f"  {signs.arrow} {line}", signs), width)


def _turns(order: str | Sequence[int]) -> Iterator[str]:
    """Where parallel steps didn't go in the order of their creation."""
    if order == "seeded":
        yield "of parallel steps, the seed says which goes first"
    elif not isinstance(order, str):
        turns = ((number, choice) for number, choice in enumerate(order, 1) if choice)
        yield from (f"of parallel steps, the {_nth(c + 1)} goes first at the {_nth(n)} choice" for n, c in turns)


def _nth(number: int) -> str:
    last = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"


def _again(told: Told) -> Iterator[str]:
    rows = [("token", told.token), *(told.commands or {}).items(), ("kept in", told.kept)]
    given = [(name, text) for name, text in rows if text]
    width = max((len(name) for name, _ in given), default=0)
    yield from (f"{name:<{width}}  {text}" for name, text in given)
