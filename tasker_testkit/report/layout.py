"""The lines of a timeline, in toned pieces: the same ones for plain text and for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tasker_testkit.engine.history import History, StepHistory, written
from tasker_testkit.model.durations import MINUTE, SECOND, spoken
from tasker_testkit.report.cells import (
    Line,
    Signs,
    Span,
    Tone,
    abbreviated,
    cells,
    clean,
    fitted,
    padded,
    shortened,
)
from tasker_testkit.report.chart import chart, total
from tasker_testkit.report.story import Entry, counted, entries, error
from tasker_testkit.report.verdict import unheeded

NARROWEST: Final = 40
"""A timeline is never drawn for fewer cells than this."""
_STACKED_BELOW: Final = 72
_MOST_ENTRIES: Final = 200
_MOST_OF_A_NOTE: Final = 6
_TONES: Final[dict[str, Tone]] = {"good": "good", "bad": "bad", "open": "odd", "none": "quiet", "note": "odd"}


@dataclass(frozen=True, slots=True)
class Layout:
    """A timeline in its parts, each a tuple of lines; ``chart`` is empty if there is nothing to see in one."""

    head: tuple[Line, ...]
    chart: tuple[Line, ...]
    log: tuple[Line, ...]
    end: tuple[Line, ...]

    @property
    def parts(self) -> list[tuple[Line, ...]]:
        """The parts that have lines, to be set apart by blank ones; the end belongs to the log."""
        return [part for part in (self.head, self.chart, (*self.log, *self.end)) if part]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths in cells; ``clock`` writes an instant. A narrow page has what happened below the step, not beside it."""

    width: int
    at: int
    step: int
    attempt: int
    clock: Callable[[int], str]

    @property
    def stacked(self) -> bool:
        return self.width < _STACKED_BELOW

    @property
    def indent(self) -> int:
        return self.at + 4 if self.stacked else self.at + self.step + self.attempt + 9


def layout(history: History, *, width: int, signs: Signs, everything: bool = False) -> Layout:
    """The timeline for a page of ``width`` cells (at least ``NARROWEST``); long parts are cut unless ``everything``."""
    width = max(width, NARROWEST)
    told = entries(history, signs)
    columns = _columns(told, history, width)
    shown, left_out = (told, 0) if everything else _worth_showing(told)
    parts = (
        _head(history, told, width, signs),
        chart(history, names=columns.step, width=width, signs=signs, everything=everything),
        [*_log(shown, columns, signs), *_left_out(left_out, signs)],
        list(_end(history, columns, signs)),
    )
    return Layout(*(tuple(fitted(line, width, signs) for line in part) for part in parts))


def _columns(told: Sequence[Entry], history: History, width: int) -> _Columns:
    instants = [total(history)] + [entry.at for entry in told if entry.at is not None]
    clock = _clock(instants)
    names = max((cells(entry.step) for entry in told), default=0)
    return _Columns(
        width=width,
        at=max(len(clock(at)) for at in instants),
        step=min(names, max(12, width // 3)),
        attempt=max((len(entry.attempt) for entry in told), default=0),
        clock=clock,
    )


def _clock(instants: Sequence[int]) -> Callable[[int], str]:
    """How to write the instants so that all have the same form: seconds, or ``h:mm:ss`` for a run of minutes."""
    decimals = max(len(f"{at % SECOND:06d}".rstrip("0")) for at in instants)
    if max(instants) < 2 * MINUTE:
        return lambda at: f"{at / SECOND:.{decimals}f} s"
    return lambda at: f"{at // (60 * MINUTE)}:{at // MINUTE % 60:02d}:{_seconds(at % MINUTE, decimals)}"


def _seconds(at: int, decimals: int) -> str:
    fraction = f".{at % SECOND:06d}"[: decimals + 1] if decimals else ""
    return f"{at // SECOND:02d}{fraction}"


def _worth_showing(told: Sequence[Entry]) -> tuple[list[Entry], int]:
    """The entries without as many plain successes, from the last one on, as are too many; and how many those are."""
    plain = [index for index, entry in enumerate(told) if entry.plain]
    too_many = max(0, len(told) - _MOST_ENTRIES)
    dropped = set(plain[-too_many:]) if too_many else set()
    return [entry for index, entry in enumerate(told) if index not in dropped], len(dropped)


def _head(history: History, told: Sequence[Entry], width: int, signs: Signs) -> list[Line]:
    template = history.template
    named = [template.get("namespace"), template.get("name")]
    title = clean("/".join(filter(None, named)), signs) + f" {clean(template.get('version', ''), signs)}"
    origin = [clean(history.profile, signs), f"seed {history.seed}", f"starts {written(history.start)}"]
    good = history.state == "complete"
    stuck = "stuck in " if history.stuck else ""
    state = f"{signs.good if good else signs.bad} {stuck}{history.state} after {spoken(total(history))}"
    ran = [counted(len(history.steps), "step"), counted(sum(bool(entry.attempt) for entry in told), "attempt")]
    faults = sum(len(entry.faults) for entry in told)
    fired = [f"{counted(faults, 'fault')} fired"] if faults else []
    return [
        (Span(title, "title"),),
        *((Span(text, "quiet"),) for text in _packed(origin, width, signs)),
        *((Span(text, "good" if good else "bad"),) for text in _packed([state, *ran, *fired], width, signs)),
    ]


def _packed(parts: Sequence[str], width: int, signs: Signs) -> list[str]:
    """The parts with dots between them, on as few lines as they fit on."""
    lines: list[str] = []
    for part in parts:
        if lines and cells(lines[-1] + signs.dot + part) <= width:
            lines[-1] += signs.dot + part
        else:
            lines.append(part)
    return lines


def _log(shown: Sequence[Entry], columns: _Columns, signs: Signs) -> Iterator[Line]:
    before: int | None = None
    for entry in shown:
        at = "" if entry.at is None or entry.at == before else columns.clock(entry.at)
        before = entry.at
        first, *others = _body(entry, columns.width - columns.indent, signs)
        beside, below = ((), [first, *others]) if columns.stacked else ((Span("  "), *first), others)
        yield (*_start(at, entry, columns, signs), *beside)
        for line in below:
            yield (Span(" " * columns.indent), *line)


def _start(at: str, entry: Entry, columns: _Columns, signs: Signs) -> Line:
    name = padded(abbreviated(entry.step, columns.step, signs), columns.step)
    return (
        Span(f"{at:>{columns.at}}  ", "quiet"),
        Span(f"{name}  "),
        Span(f"{entry.attempt:>{columns.attempt}}  ", "quiet"),
        Span(signs.of[entry.mark], _TONES[entry.mark]),
    )


def _body(entry: Entry, room: int, signs: Signs) -> Iterator[Line]:
    """What happened, with its timing and faults behind it if there is room, else below it; then what followed."""
    if entry.mark == "note":
        yield from _note(entry, room, signs)
        return
    tail = list(_tail(entry, room, signs))
    behind = sum(cells(span.text) + 2 for span in tail)
    fits = behind <= room // 2 or cells(entry.text) + behind <= room
    text = Span(shortened(entry.text, room - behind if fits else room, signs), _text_tone(entry))
    yield (text, *(spaced for span in tail for spaced in (Span("  "), span))) if fits else (text,)
    yield from () if fits else ((span,) for span in tail)
    for line in entry.after:
        yield (Span(shortened(line, room, signs), "quiet"),)


def _note(entry: Entry, room: int, signs: Signs) -> Iterator[Line]:
    """What was noticed, in as many lines as it needs (at most ``_MOST_OF_A_NOTE``): what to do is often at its end."""
    indent = "  "
    lines = textwrap.wrap(
        entry.text, room, subsequent_indent=indent, max_lines=_MOST_OF_A_NOTE, placeholder=signs.ellipsis
    )
    for line in lines or [""]:
        yield (Span(shortened(line, room, signs), _text_tone(entry)),)


def _text_tone(entry: Entry) -> Tone:
    return "plain" if entry.mark == "good" else _TONES[entry.mark]


def _tail(entry: Entry, room: int, signs: Signs) -> Iterator[Span]:
    if entry.timing:
        yield Span(f"({', '.join(entry.timing)})", "quiet")
    for fault in entry.faults:
        yield Span(f"[fault: {shortened(fault, room - len('[fault: ]'), signs)}]", "fault")


def _left_out(number: int, signs: Signs) -> list[Line]:
    text = (
        f"{signs.ellipsis} {counted(number, 'uneventful attempt')} left out; timeline(everything=True) tells them all"
    )
    return [(Span(text, "quiet"),)] if number else []


def _end(history: History, columns: _Columns, signs: Signs) -> Iterator[Line]:
    """The task's last state, whose fault it is, and why nothing can happen any more."""
    at = max((t.at for t in history.transitions), default=0)
    tone: Tone = "good" if history.state == "complete" else "bad"
    yield (Span(f"{columns.clock(at):>{columns.at}}  ", "quiet"), Span("task "), Span(history.state, tone))
    indent = Span(" " * (columns.at + 2))
    for step in history.steps:
        if step.state == "error":
            yield (indent, Span(clean(_culprit(step), signs), "bad"))
    for text in (f"stuck: {history.stuck}" if history.stuck else unheeded(history)).split("\n"):
        for line in textwrap.wrap(clean(text, signs), columns.width - columns.at - 2, subsequent_indent="  "):
            yield (indent, Span(line, "odd"))


def _culprit(step: StepHistory) -> str:
    outcome = step.attempts[-1].outcome if step.attempts else None
    return f"by {step.name}" + (f": {error(outcome)}" if outcome and not outcome.success else "")
