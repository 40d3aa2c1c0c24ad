"""What is worth telling about a run, in the order in which it happened; how it looks is decided elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tasker_testkit.engine.history import AttemptHistory, History, StepHistory
from tasker_testkit.model.durations import SECOND, spoken
from tasker_testkit.model.graph import order
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.requests import UNANSWERED
from tasker_testkit.model.states import STEP_SATISFIED, STEP_TERMINAL
from tasker_testkit.report.cells import Mark, Signs, clean


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt, a note between attempts, or a step that never ran (``at`` None then; else microseconds of the run).

    ``text`` says what happened, ``timing`` how long it queued and took, ``after`` what followed from it, a line each.
    """

    at: int | None
    step: str
    attempt: str
    mark: Mark
    text: str
    timing: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether this is a success of a first attempt to which nothing special happened."""
        return self.mark == "good" and self.attempt.startswith("1/") and not (self.faults or self.after)


def entries(history: History, signs: Signs) -> list[Entry]:
    """Attempts by the instant of their start, parents before children, and notes between; then steps that never ran."""
    rank = _ranks(history)
    told = [
        ((_began(attempt), _ATTEMPTS, rank[step.name], index), _attempt(step, index, signs))
        for step in history.steps
        for index, attempt in enumerate(step.attempts)
    ]
    told += [
        ((at, place, 0, 0), Entry(at, what, "", "note", clean(text, signs)))
        for at, place, what, text in _notes(history)
    ]
    states = {step.name: step.state for step in history.steps}
    never = [_never_ran(step, states, signs) for step in history.steps if not step.attempts]
    return [entry for _, entry in sorted(told, key=lambda one: one[0])] + never


_ACTIONS, _ATTEMPTS, _REMARKS = range(3)
"""What comes first at one instant: what an operator did, then what ran, then what was noticed about it."""


def _notes(history: History) -> Iterator[tuple[int, int, str, str]]:
    for action in history.actions:
        yield _at(action), _ACTIONS, "operator", _words(action, "do", "step", "reason")
    for warning in history.warnings:
        yield _at(warning), _REMARKS, "warning", _words(warning, "text")
    for letter in history.dead_letters:
        yield _at(letter), _REMARKS, "dead letter", _words(letter, "step", "reason")


def _at(record: Mapping[str, Any]) -> int:
    return round(float(record.get("at", 0)) * SECOND)


def _words(record: Mapping[str, Any], *keys: str) -> str:
    return " ".join(str(record[key]) for key in keys if record.get(key)) or "without details"


def _ranks(history: History) -> dict[str, int]:
    graph = {step.name: step.parents for step in history.steps}
    ordered = dict.fromkeys([*order(graph), *graph])
    return {name: rank for rank, name in enumerate(ordered)}


def _began(attempt: AttemptHistory) -> int:
    return next((at for at in (attempt.started_at, attempt.enqueued_at) if at is not None), 0)


def _attempt(step: StepHistory, index: int, signs: Signs) -> Entry:
    attempt = step.attempts[index]
    follower = step.attempts[index + 1] if index + 1 < len(step.attempts) else None
    after = [*_checkpoints(attempt), *_explained(attempt), *_consequence(step, attempt, follower, signs)]
    return Entry(
        at=_began(attempt),
        step=clean(step.name, signs),
        attempt=f"{attempt.number}/{step.max_attempts}",
        mark=mark(attempt),
        text=clean(_happened(attempt), signs),
        timing=tuple(_timing(attempt)),
        faults=tuple(clean(fault_label(fault), signs) for fault in attempt.faults),
        after=tuple(clean(line, signs) for line in after),
    )


def mark(attempt: AttemptHistory) -> Mark:
    """How an attempt ended: ``good``, ``bad``, or ``open`` if no result of it is known."""
    if attempt.outcome is None:
        return "open"
    return "good" if attempt.outcome.success else "bad"


def _happened(attempt: AttemptHistory) -> str:
    if attempt.outcome:
        return preview(attempt.outcome.result) if attempt.outcome.success else error(attempt.outcome)
    return "never started" if attempt.started_at is None else "no result"


def preview(result: Any) -> str:
    """A result as one line of JSON; what JSON lacks is shown as Python would."""
    try:
        return json.dumps(result, ensure_ascii=False, default=repr)
    except (TypeError, ValueError):
        return repr(result)


def error(outcome: Outcome) -> str:
    """A failure as ``error_type (error_code): message``, without what it lacks."""
    code = f" ({outcome.error_code})" if outcome.error_code else ""
    return f"{outcome.error_type or 'failure'}{code}: {outcome.message or 'no message'}"


def fault_label(fault: Mapping[str, Any]) -> str:
    """A fault in few words: its kind, and what its data says beside it (``fail``, ``delay 40s``, ``corrupt total``)."""
    kinds = [key for key in fault if key not in ("step", "attempt")]
    if not kinds:
        return "unknown"
    value = fault[kinds[0]]
    detail = value.get("path", "") if isinstance(value, Mapping) else value
    return f"{kinds[0]} {detail}" if _says_something(detail) else str(kinds[0])


def _says_something(detail: Any) -> bool:
    return isinstance(detail, (str, int, float)) and not isinstance(detail, bool) and detail != ""


def _timing(attempt: AttemptHistory) -> Iterator[str]:
    queued, took = _between(attempt.enqueued_at, attempt.started_at), _between(attempt.started_at, attempt.ended_at)
    if queued > 0:
        yield f"queued {spoken(queued)}"
    if took > 0:
        yield f"took {spoken(took)}"


def _between(first: int | None, last: int | None) -> int:
    return 0 if first is None or last is None else last - first


def _checkpoints(attempt: AttemptHistory) -> Iterator[str]:
    if attempt.checkpoints:
        at, record = attempt.checkpoints[-1]
        number = len(attempt.checkpoints)
        last = "" if number == 1 else ", the last"
        yield f"{counted(number, 'checkpoint')}{last} at {spoken(at)}: cursor {preview(record.get('cursor'))}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 step``, ``2 steps``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _explained(attempt: AttemptHistory) -> Iterator[str]:
    """The routes that there are, if nothing answered a request: without them nobody sees what was wrong with it."""
    if attempt.outcome is not None and attempt.outcome.error_type == UNANSWERED:
        yield from (attempt.outcome.message or "").splitlines()[1:-1]


def _consequence(
    step: StepHistory, attempt: AttemptHistory, follower: AttemptHistory | None, signs: Signs
) -> Iterator[str]:
    """What became of the step after this attempt, in Tasker's own words; nothing if a success completed it."""
    states = _states_after(step, attempt)
    path = "".join(f" {signs.arrow} {state}" for state in states or [step.state])
    if follower is not None and follower.started_at is not None:
        settled = path.removesuffix(f" {signs.arrow} enqueued") if {"error", *STEP_TERMINAL} & {*states} else ""
        if settled or mark(attempt) != "good":
            kind = f"{_kind(step, attempt, states)}{settled}".strip()
            yield ", ".join(filter(None, [kind, _again(attempt, follower, reset=bool(settled))]))
    elif follower is None and not (mark(attempt) == "good" and (states or [step.state]) == ["complete"]):
        yield f"{_kind(step, attempt, states or [step.state])}{path}".strip()


_RESULT_STORED: Final = frozenset({"enqueued_for_orchestration", "enqueued_as_error_for_orchestration"})


def _states_after(step: StepHistory, attempt: AttemptHistory) -> list[str]:
    """The states that the step entered between this attempt and the next one, or its end; an operator's among them.

    Empty if claims and attempts can't be matched: a dispatch came twice, or the history was made by hand.
    """
    claims = [place for place, one in enumerate(step.transitions) if one.after == "in_progress"]
    if len(claims) != len(step.attempts):
        return []
    number = next(place for place, one in enumerate(step.attempts) if one is attempt)
    following = step.transitions[claims[number] + 1 : (*claims, None)[number + 1]]
    return [one.after for one in following if one.after not in _RESULT_STORED]


def _kind(step: StepHistory, attempt: AttemptHistory, states: Sequence[str]) -> str:
    if attempt.outcome is None or attempt.outcome.success:
        return ""
    if not attempt.outcome.retryable:
        return "permanent"
    spent = states[:1] == ["error"] and attempt.number >= step.max_attempts
    return "retryable, no attempt left" if spent else "retryable"


def _again(attempt: AttemptHistory, follower: AttemptHistory, *, reset: bool) -> str:
    if attempt.ended_at is None:
        return f"dispatched again after {spoken(_between(attempt.started_at, follower.started_at))}"
    wait = _between(attempt.ended_at, follower.started_at)
    later = f"runs again {spoken(wait)} later" if reset else f"waits {spoken(wait)}"
    return later if wait > 0 else "runs again at once"


def _never_ran(step: StepHistory, states: Mapping[str, str], signs: Signs) -> Entry:
    missing = [name for name in dict.fromkeys(step.parents) if states.get(name) not in STEP_SATISFIED]
    waits = step.state == "pending" and ", ".join(f"{name} ({states.get(name, 'not created')})" for name in missing)
    why = f", waits for {waits}" if waits else ""
    return Entry(None, clean(step.name, signs), "", "none", clean(f"never ran: {step.state}{why}", signs))
