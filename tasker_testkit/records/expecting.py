"""What a scenario expects of its run, held against the run: THE TABLE of expectations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from tasker_testkit.model.durations import as_timedelta, microseconds, spoken
from tasker_testkit.run import Run, Step

Unmet = tuple[str, str]
"""The place of an expectation, and what was found instead."""


def unmet(expect: Mapping[str, Any], run: Run) -> list[Unmet]:
    """The expectations that the run doesn't meet, in the order of the file."""
    return [one for key, value in expect.items() for one in _OF_RUN[key](f"expect.{key}", value, run)]


def _same(read: Callable[[Any], Any]) -> Callable[[str, Any, Any], Iterator[Unmet]]:
    """The check of a value that must be equal."""

    def check(place: str, expected: Any, found: Any) -> Iterator[Unmet]:
        actual = read(found)
        if actual != expected:
            yield place, _instead(expected, actual)

    return check


def _elapsed(place: str, expected: Any, run: Run) -> Iterator[Unmet]:
    took = run.elapsed
    bounds = expected if isinstance(expected, Mapping) else {"": expected}
    for kind, bound in bounds.items():
        limit = as_timedelta(microseconds(bound))
        if not _BOUNDS[kind](took, limit):
            told = f"{kind.replace('_', ' ')} {_span(limit)}".strip()
            yield (f"{place}.{kind}" if kind else place), f"expected {told}, it was {_span(took)}."


_BOUNDS: Final[Mapping[str, Callable[[timedelta, timedelta], bool]]] = {
    "": lambda took, limit: took == limit,
    "at_least": lambda took, limit: took >= limit,
    "at_most": lambda took, limit: took <= limit,
}


def _steps(place: str, expected: Mapping[str, Any], run: Run) -> Iterator[Unmet]:
    for name, wanted in expected.items():
        here, created = f"{place}.{name}", name in run.steps
        if wanted.get("created", True) is not created:
            yield here, f"the step was {'' if created else 'never '}created."
        elif created:
            for key, value in wanted.items():
                yield from _OF_STEP[key](f"{here}.{key}", value, run[name])


def _waits(place: str, expected: Sequence[Any], step: Step) -> Iterator[Unmet]:
    limits = [as_timedelta(microseconds(wait)) for wait in expected]
    if limits != step.waits:
        told = [", ".join(map(_span, waits)) or "none" for waits in (limits, step.waits)]
        yield place, f"expected {told[0]}, it was {told[1]}."


def _result(place: str, expected: Any, step: Step) -> Iterator[Unmet]:
    return _within(place, expected, step.result)


def _error(place: str, expected: str, step: Step) -> Iterator[Unmet]:
    if expected not in (step.error or ""):
        yield place, f"expected an error with {expected!r}, it was {step.error or 'none'}."


def _effects(place: str, expected: Mapping[str, Any], run: Run) -> Iterator[Unmet]:
    for name, wanted in expected.items():
        found = [{"key": effect.key, **effect.data} for effect in run.effects if effect.name == name]
        number = wanted if isinstance(wanted, int) else len(wanted)
        if len(found) != number:
            yield f"{place}.{name}", f"expected {number} time{'' if number == 1 else 's'}, it was {len(found)}."
        elif not isinstance(wanted, int):
            yield from _within(f"{place}.{name}", wanted, found)


def _events(place: str, expected: Mapping[str, int], run: Run) -> Iterator[Unmet]:
    for name, number in expected.items():
        found = len(run.published(name))
        if found != number:
            yield f"{place}.{name}", f"expected {number} time{'' if number == 1 else 's'}, it was {found}."


def _within(place: str, expected: Any, actual: Any) -> Iterator[Unmet]:
    """Mappings may have more than is expected, lists and values not."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            if key in actual:
                yield from _within(f"{place}.{key}", value, actual[key])
            else:
                yield f"{place}.{key}", f"there is no such key; it has {', '.join(map(repr, actual)) or 'none'}."
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, pair in enumerate(zip(expected, actual, strict=True)):
            yield from _within(f"{place}[{index}]", *pair)
    elif expected != actual or isinstance(expected, bool) != isinstance(actual, bool):
        yield place, _instead(expected, actual)


def _instead(expected: Any, actual: Any) -> str:
    told = [json.dumps(value, ensure_ascii=False, sort_keys=True, default=str) for value in (expected, actual)]
    return f"expected {told[0]:.200}, it was {told[1]:.200}."


def _span(duration: timedelta) -> str:
    return spoken(microseconds(duration))


_Check = Callable[[str, Any, Any], Iterator[Unmet]]
_OF_RUN: Final[Mapping[str, _Check]] = {
    "state": _same(lambda run: run.state),
    "execution_status": _same(lambda run: run.execution_status),
    "elapsed": _elapsed,
    "steps": _steps,
    "effects": _effects,
    "events": _events,
}
_OF_STEP: Final[Mapping[str, _Check]] = {
    "created": lambda place, expected, step: iter(()),
    "state": _same(lambda step: step.state),
    "attempts": _same(lambda step: len(step.attempts)),
    "waits": _waits,
    "result": _result,
    "error": _error,
}
