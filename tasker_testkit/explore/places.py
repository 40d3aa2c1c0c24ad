"""Where a fault can strike: the attempts that really happened in a run, with what decides which faults make sense."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.rows import Attempt, StepRow
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.http_faults import url_fits
from tasker_testkit.model.profile import Profile


class Requested(NamedTuple):
    """One request that happened; ``number`` counts (from 1) those of its attempt that fit the same fault."""

    method: str
    url: str
    number: int


Reads = Mapping[str, Collection[str]]
"""Which keys of a step's result (by the name of its template step) some descendant reads."""

_UNREAD: Final[Collection[str]] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """One attempt that happened.

    ``step``: its name; ``of``: the name of its template step (another one for a batch worker's instance);
    ``retries``: a retryable failure here leads to another attempt; ``timeout``: microseconds after which it is ended,
    None if nothing ends it; ``took``: microseconds that the handler took; ``yields``: it yielded a checkpoint;
    ``keys``: what descendants read of its successful result; ``called``: its handler was called, it was not only
    claimed; ``processes``: workers are processes that can be lost; ``requests``: what it asked of others over HTTP.
    """

    step: str
    of: str
    attempt: int
    retries: bool
    timeout: int | None
    took: int
    yields: bool
    keys: tuple[str, ...]
    called: bool
    processes: bool
    requests: tuple[Requested, ...] = ()


def places(engine: Engine, reads: Reads) -> tuple[Place, ...]:
    """The attempts of a run: those whose handler was called, in that order, then those that were only claimed."""
    attempts = {(call.step.index, call.attempt): (call.step, call.record) for call in engine.workforce.called}
    for step in engine.ledger.steps:
        for attempt in step.log:
            attempts.setdefault((step.index, attempt.number), (step, attempt))
    return tuple(_place(step, attempt, engine.profile, reads) for step, attempt in attempts.values())


def _place(step: StepRow, attempt: Attempt, profile: Profile, reads: Reads) -> Place:
    seconds = step.template.timeout_seconds if profile.honours_timeout else None
    started = attempt.started_at
    return Place(
        step=step.name,
        of=step.template.name,
        attempt=attempt.number,
        retries=attempt.number < step.max_attempts and (step.retryable or not profile.template_flag_decides),
        timeout=None if seconds is None else seconds * SECOND,
        took=0 if started is None or attempt.ended_at is None else attempt.ended_at - started,
        yields=bool(attempt.checkpoints),
        keys=_keys(step, attempt, reads),
        called=started is not None,
        processes=profile.eager_claims,
        requests=tuple(_requests(attempt)) if attempt.requests else (),
    )


def _requests(attempt: Attempt) -> Iterator[Requested]:
    asked = [(one.method, one.url) for one in attempt.requests]
    for index, (method, url) in enumerate(asked):
        alike = [same for by, same in asked[: index + 1] if by == method and url_fits(url, same)]
        yield Requested(method, url, len(alike))


def _keys(step: StepRow, attempt: Attempt, reads: Reads) -> tuple[str, ...]:
    """The keys that are read and hold something, in the result's order."""
    outcome, read = attempt.outcome, reads.get(step.template.name, _UNREAD)
    if outcome is None or not outcome.success or not read:
        return ()
    result: Any = outcome.result
    return tuple(key for key in result if key in read and result[key] is not None) if isinstance(result, dict) else ()
