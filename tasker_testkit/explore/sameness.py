"""Whether two runs of one plan were the same, and where they first parted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from tasker_testkit.engine.calls import Call
from tasker_testkit.engine.engine import Engine
from tasker_testkit.model.outcome import Outcome


def first_difference(one: Engine, other: Engine) -> str | None:
    """Where the second run parts from the first, in words; None if they are the same in everything that is recorded."""
    if _record(one) == _record(other):
        return None
    pairs = zip_longest(one.workforce.called, other.workforce.called)
    found = (_parted(first, second) for first, second in pairs)
    return next((text for text in found if text), "their effects or events")


def _record(engine: Engine) -> tuple[Any, ...]:
    """All that a history is made of, as the engine has it."""
    ledger = engine.ledger
    attempts = [
        (row.name, attempt.number, attempt.claimed_at, attempt.started_at, attempt.outcome, attempt.checkpoints)
        for row in ledger.steps
        for attempt in row.log
    ]
    requests = [attempt.requests for row in ledger.steps for attempt in row.log if attempt.wire]
    return ledger.log, attempts, requests, ledger.effects, engine.publisher.events, ledger.warnings, ledger.dead_letters


def _parted(one: Call | None, other: Call | None) -> str | None:
    """In what two calls that should be the same differ."""
    if one is None or other is None:
        call = one or other
        return f"{_name(call)} happens in one of them only" if call else None
    if (one.name, one.attempt, one.piece) != (other.name, other.attempt, other.piece):
        return f"{_name(one)} comes where the other has {_name(other)}"
    if one.at != other.at:
        return f"{_name(one)} starts {one.at} us after the submission in one, {other.at} us in the other"
    differences = (*_requests(one, other), *_outcomes(one.record.outcome, other.record.outcome))
    return next((f"{_name(one)}: {text}" for text in differences), None)


def _requests(one: Call, other: Call) -> Iterator[str]:
    for number, (first, second) in enumerate(zip_longest(one.record.requests, other.record.requests), 1):
        if first is None or second is None:
            yield f"request {number} is made in one of them only"
        elif first != second:
            yield from _values(first.to_data(), second.to_data(), f"request {number}")


def _name(call: Call) -> str:
    return f"step {call.name!r}, attempt {call.attempt}"


def _outcomes(one: Outcome | None, other: Outcome | None) -> Iterator[str]:
    if one is None or other is None:
        if one is not other:
            yield "a result arrives in one of them only"
        return
    for name in ("success", "error_type", "message", "error_code", "retryable", "took_us"):
        if getattr(one, name) != getattr(other, name):
            yield f"{name} is {getattr(one, name)!r:.80} in one, {getattr(other, name)!r:.80} in the other"
    for name in ("result", "metadata"):
        yield from _values(getattr(one, name), getattr(other, name), name)


def _values(one: Any, other: Any, path: str) -> Iterator[str]:
    """The paths at which two JSON values differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        for key in one:
            yield from _values(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and one != other and _items(one) == _items(other):
        yield (
            f"{path} has the same items in another order, {one!r:.80} in one, {other!r:.80} in the other: the order "
            "of a set (of objects by their id()), of a folder, of threads?"
        )
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from _values(first, second, f"{path}.{index}")
    elif one != other:
        yield f"{path} is {one!r:.80} in one, {other!r:.80} in the other"


def _items(values: list[Any]) -> list[str]:
    return sorted(map(repr, values))
