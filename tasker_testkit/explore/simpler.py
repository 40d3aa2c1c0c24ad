"""Single simplifications of a fault plan. A plan is minimal if none of them still fails.

Each one makes a plan smaller in one place: a fault less, an earlier attempt, a weaker kind, a shorter delay, a setting
less. So simplifying always ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

from tasker_testkit.explore.http_kinds import weaker_requests
from tasker_testkit.model.fault_kinds import Fault, fault, fault_from_data

Plan = tuple[Fault, ...]
"""A plan while it is being explored and shrunk."""

WEAKEST_FIRST: Final = (
    "fail",
    "raise",
    "http",
    "outage",
    "delay",
    "duplicate",
    "lose_result",
    "crash",
    "hang",
    "corrupt",
)
"""Kinds by how much goes wrong: an ordinary failure, a request without its answer, a late result, a second delivery, a
lost result, a lost worker."""

_SUBSTITUTES: Final[Mapping[str, Any]] = {"fail": {}, "duplicate": True, "lose_result": True}
"""What a stronger kind is weakened to: the kinds that need no setting of their own, weakest first."""

_FIRST_ATTEMPTS: Final = (1, 2, 3)
"""What "every attempt" is narrowed to; an attempt that never comes just doesn't fail."""

_KEPT: Final = frozenset({"type"})
"""Settings that a fault can't be without."""

_ZEROS: Final[Mapping[type, Any]] = {bool: False, int: 0, float: 0.0, str: "", list: [], dict: {}}


def simpler(plan: Plan) -> Iterator[Plan]:
    """Every plan that is one simplification away, the largest steps first. None has a fault twice, some may be equal.

    In this order: a fault is left out; one kind is weakened to one that stands before it in ``WEAKEST_FIRST``
    (retryable ``fail``, ``duplicate`` or ``lose_result``; a crash to an earlier moment); a fault hits one attempt or
    earlier ones; one delay is half as long, or a microsecond shorter; one setting of ``fail`` or ``raise`` is left out;
    a corrupted value becomes null, the zero of its type, or loses an entry; a fault of requests hits one or earlier
    ones, strikes before the server acted, has less to say or lasts half as long.
    """
    for simplify in SIMPLIFIERS:
        yield from simplify(plan)


def without_one(plan: Plan) -> Iterator[Plan]:
    """The plans with a fault less; also with what was aimed at later attempts of its step, which it caused, sooner."""
    for index, dropped in enumerate(plan):
        rest = _without(plan, index)
        yield rest
        moved = tuple(_one_sooner(other, dropped) for other in rest)
        if moved != rest and _distinct(moved):
            yield moved


def _one_sooner(other: Fault, dropped: Fault) -> Fault:
    """The fault one attempt sooner, if it is aimed behind the dropped one of the same step."""
    if other.step != dropped.step or not other.attempts or not dropped.attempts:
        return other
    return replace(other, attempts=tuple(sorted({n - (n > dropped.attempts[0]) for n in other.attempts})))


def _weaker(one: Fault) -> Iterator[Fault]:
    strength = _strength(one.kind)
    for kind, setting in _SUBSTITUTES.items():
        if one.step and _strength(kind) < strength:
            yield fault(kind, one.step, one.attempts, setting)
    if one.kind == "crash" and one.when != "before":
        yield replace(one, when="before")


def _strength(kind: str) -> int:
    return WEAKEST_FIRST.index(kind) if kind in WEAKEST_FIRST else len(WEAKEST_FIRST)


def _earlier(one: Fault) -> Iterator[Fault]:
    if one.step:
        yield from (replace(one, attempts=numbers) for numbers in _earlier_attempts(one.attempts))


def _earlier_attempts(numbers: tuple[int, ...] | None) -> Iterator[tuple[int, ...]]:
    if numbers is None:
        yield from ((n,) for n in _FIRST_ATTEMPTS)
    elif len(numbers) == 1:
        yield from ((n,) for n in sorted({1, numbers[0] // 2, numbers[0] - 1} - {0, numbers[0]}))
    else:
        yield from ((n,) for n in numbers)
        yield from (_without(numbers, index) for index in range(len(numbers)) if len(numbers) > 2)


def _shorter(one: Fault) -> Iterator[Fault]:
    yield from (replace(one, by=by) for by in sorted({one.by // 2, one.by - 1}) if by > 0)


def _plainer(one: Fault) -> Iterator[Fault]:
    """Fewer settings: none at all, then one less each."""
    data = one.to_data()
    settings = data[one.kind]
    if one.kind not in ("fail", "raise") or one.raised.exception is not None:
        return
    spare = [name for name in settings if name not in _KEPT]
    for dropped in [spare, *([name] for name in spare)] if len(spare) > 1 else [spare] if spare else []:
        kept = {name: value for name, value in settings.items() if name not in dropped}
        yield fault_from_data({**data, one.kind: kept})


def _smaller_value(one: Fault) -> Iterator[Fault]:
    if one.kind == "corrupt":
        yield from (replace(one, value=value) for value in _smaller_json(one.value))


def _smaller_json(value: Any) -> Iterator[Any]:
    if value is None:
        return
    yield None
    if value and type(value) in _ZEROS:
        yield deepcopy(_ZEROS[type(value)])
    if isinstance(value, list) and len(value) > 1:
        yield from (_without(value, index) for index in range(len(value)))
    if isinstance(value, dict) and len(value) > 1:
        yield from ({name: kept for name, kept in value.items() if name != dropped} for dropped in value)


def _without(entries: Any, index: int) -> Any:
    return entries[:index] + entries[index + 1 :]


def _in_one_place(simplify: Callable[[Fault], Iterator[Fault]]) -> Callable[[Plan], Iterator[Plan]]:
    def in_one_place(plan: Plan) -> Iterator[Plan]:
        for index, one in enumerate(plan):
            for other in simplify(one):
                if other not in plan:
                    yield (*plan[:index], other, *plan[index + 1 :])

    return in_one_place


def _distinct(plan: Plan) -> bool:
    return all(one not in plan[:index] for index, one in enumerate(plan))


shorter: Final = _in_one_place(_shorter)
"""The plans in which one delay is half as long, or a microsecond shorter."""

SIMPLIFIERS: Final = (
    without_one,
    *map(_in_one_place, (_weaker, _earlier)),
    shorter,
    *map(_in_one_place, (_plainer, _smaller_value, weaker_requests)),
)
"""Each gives, for a plan, the plans that one kind of simplification leads to."""
