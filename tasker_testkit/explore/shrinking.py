"""From a plan that fails to a minimal one: no single simplification of it (``simpler.py``) fails any more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from tasker_testkit.errors import FaultError
from tasker_testkit.explore.simpler import SIMPLIFIERS, Plan, shorter
from tasker_testkit.model.durations import MINUTE, SECOND

Fails = Callable[[Plan], bool]
"""Whether a run with these faults fails. Must say the same of the same plan each time."""

_ROUND: Final = (60 * MINUTE, MINUTE, SECOND, 1_000, 1)
"""Delays are tried at whole hours first, then minutes, seconds, milliseconds, microseconds."""
_LIKELY: Final = (SECOND, 1_000)
"""Thresholds are mostly whole numbers of these: beside such a number the flip is looked for first."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """``plan``: the smallest plan found that fails; ``runs``: how many plans were tried for it.

    ``minimal``: whether every simplification of it was tried and didn't fail; False if ``most`` came before.
    """

    plan: Plan
    runs: int
    minimal: bool


def shrunk(plan: Plan, fails: Fails, *, most: int = 1_000) -> Shrunk:
    """A minimal plan that fails, beginning with ``plan``, of which that is known. The same one each time.

    Faults are left out by halves first; then each that is left becomes as weak, early, short and plain as it can be, a
    delay to the microsecond at which ``fails`` flips. No plan is tried twice, and no more than ``most`` are. A plan
    that ``fails`` refuses with a FaultError (it could never fire) counts as one that doesn't fail.
    """
    search = _Search(plan, fails, most)
    try:
        _halve(search)
        _settle(search)
    except _Spent:
        return Shrunk(search.best, search.runs, minimal=False)
    return Shrunk(search.best, search.runs, minimal=True)


class _Spent(Exception):
    """As many plans were tried as may be."""


class _Search:
    """The best plan so far, and what is known of the others."""

    def __init__(self, plan: Plan, fails: Fails, most: int) -> None:
        self.best = plan
        self.runs = 0
        self._fails = fails
        self._most = most
        self._known = {_key(plan): True}

    def take(self, plan: Plan) -> bool:
        """Whether this plan fails; it is the best one then."""
        key = _key(plan)
        if key not in self._known:
            self._known[key] = self._tried(plan)
        if self._known[key]:
            self.best = plan
        return self._known[key]

    def _tried(self, plan: Plan) -> bool:
        if self.runs == self._most:
            raise _Spent
        self.runs += 1
        try:
            return self._fails(plan)
        except FaultError:
            return False


def _key(plan: Plan) -> str:
    """What two plans have in common if they do the same. (As values, true and 1 are equal.)"""
    return json.dumps([fault.to_data() for fault in plan], sort_keys=True)


def _halve(search: _Search) -> None:
    """Delta debugging: is half of the faults enough, or all but a half? If not, the same with smaller pieces."""
    pieces = 2
    while len(search.best) > 1:
        if any(search.take(part) for part in _parts(search.best, pieces)):
            pieces = 2
        elif pieces == len(search.best):
            return
        else:
            pieces = min(2 * pieces, len(search.best))


def _parts(plan: Plan, pieces: int) -> Iterator[Plan]:
    """The pieces of a plan, then what is left without each of them."""
    cuts = [len(plan) * n // pieces for n in range(pieces + 1)]
    yield from (plan[begin:end] for begin, end in pairwise(cuts))
    if pieces > 2:
        yield from (plan[:begin] + plan[end:] for begin, end in pairwise(cuts))


def _settle(search: _Search) -> None:
    """Simplify until nothing simpler fails. The last round tries every simplification of the best plan."""
    before = None
    while search.best != before:
        before = search.best
        for simplify in SIMPLIFIERS:
            while any(search.take(plan) for plan in simplify(search.best)):
                if simplify is shorter:
                    _shorten(search)


def _shorten(search: _Search) -> None:
    """Every delay to where ``fails`` flips."""
    for index, fault in enumerate(search.best):
        if fault.by > 1:
            _find_threshold(search, index)


def _find_threshold(search: _Search, index: int) -> None:
    def fails(by: int) -> bool:
        plan = search.best
        return search.take((*plan[:index], replace(plan[index], by=by), *plan[index + 1 :]))

    low, high = 0, search.best[index].by
    for unit in _ROUND:
        while by := _halfway(low, high, unit):
            low, high = (low, by) if fails(by) else (by, high)
        for by in (high - 1, low + 1) if unit in _LIKELY else ():
            if low < by < high:
                low, high = (low, by) if fails(by) else (by, high)


def _halfway(low: int, high: int, unit: int) -> int:
    """The middle one of the multiples of ``unit`` between the two, 0 if there is none."""
    first, last = low // unit + 1, (high - 1) // unit
    return (first + last) // 2 * unit if first <= last else 0
