"""A small chart of a run: one lane for each step over the axis of virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from tasker_testkit.engine.history import AttemptHistory, History, StepHistory
from tasker_testkit.model.durations import spoken
from tasker_testkit.report.cells import Line, Signs, Span, Tone, abbreviated, clean, padded
from tasker_testkit.report.story import mark

MOST_LANES: Final = 20
_WIDEST: Final = 60
_NARROWEST: Final = 16

Place = Callable[[int], int]
"""From an instant in microseconds to its column."""


def total(history: History) -> int:
    """Virtual time from the start to the last thing that happened, in microseconds."""
    attempts = [attempt for step in history.steps for attempt in step.attempts]
    instants = [at for one in attempts for at in (one.enqueued_at, one.started_at, one.ended_at) if at is not None]
    return max([at for at, _, _ in history.moments()] + instants, default=0)


def chart(history: History, *, names: int, width: int, signs: Signs, everything: bool) -> list[Line]:
    """The lanes and the axis, ``names`` cells for the names; nothing if no time passed or it wouldn't be readable.

    More than ``MOST_LANES`` steps: those with failures, waits or durations only, unless ``everything`` is asked for.
    """
    last = total(history)
    room = width - names - 2
    columns = min(_WIDEST, room - max((len(step.attempts) for step in history.steps), default=0))
    if not last or columns < _NARROWEST:
        return []
    chosen = history.steps if everything else _chosen(history.steps)
    place = partial(_column, last, columns)
    lanes = [_row(step, _lane(step, place, last, signs), names, signs) for step in chosen]
    left_out = len(history.steps) - len(chosen)
    return lanes + [_axis(last, columns, names, signs)] + ([_left_out(left_out, signs)] if left_out else [])


def _column(last: int, columns: int, at: int) -> int:
    return at * (columns - 1) // last


def _chosen(steps: Sequence[StepHistory]) -> Sequence[StepHistory]:
    if len(steps) <= MOST_LANES:
        return steps
    return ([step for step in steps if not _uneventful(step)] or steps)[:MOST_LANES]


def _uneventful(step: StepHistory) -> bool:
    return all(mark(one) == "good" and one.started_at == one.ended_at for one in step.attempts)


def _row(step: StepHistory, lane: str, names: int, signs: Signs) -> Line:
    name = padded(abbreviated(clean(step.name, signs), names, signs), names)
    return (Span(name + "  "), *(Span("".join(run), tone) for tone, run in groupby(lane, _tone(signs))))


def _tone(signs: Signs) -> Callable[[str], Tone]:
    tones: dict[str, Tone] = {signs.good: "good", signs.bad: "bad", signs.open: "odd"}
    return lambda char: tones.get(char, "quiet")


def _lane(step: StepHistory, place: Place, last: int, signs: Signs) -> str:
    lane = ""
    for attempt in step.attempts:
        lane = _drawn(lane, attempt, place, last, signs)
    return lane.ljust(place(last), signs.wait) if step.state == "waiting_for_retry" else lane


def _drawn(lane: str, attempt: AttemptHistory, place: Place, last: int, signs: Signs) -> str:
    """The lane with one more attempt: the wait before it, its run, its mark. Marks that meet are put side by side."""
    begin = last if attempt.started_at is None else attempt.started_at
    queued = begin if attempt.enqueued_at is None else attempt.enqueued_at
    end = last if attempt.ended_at is None else attempt.ended_at
    lane = lane.ljust(place(queued), signs.wait if lane else " ")
    lane = lane.ljust(place(begin), signs.wait)
    return lane.ljust(place(end), signs.run) + signs.of[mark(attempt)]


def _axis(last: int, columns: int, names: int, signs: Signs) -> Line:
    end = spoken(last)
    rule = signs.rule * (columns - len("0 s") - len(end) - 2)
    return (Span(" " * (names + 2) + f"0 s {rule} {end}", "quiet"),)


def _left_out(number: int, signs: Signs) -> Line:
    return (Span(f"{signs.ellipsis} {number} more in the log; timeline(everything=True) draws them all", "quiet"),)
