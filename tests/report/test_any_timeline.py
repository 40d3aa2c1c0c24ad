"""What holds for the timeline of any history, however odd its texts are."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tasker_testkit.engine.history import AttemptHistory, History, StepHistory, Transition
from tasker_testkit.model.outcome import failure, success
from tasker_testkit.model.states import STEP_STATES, TASK_STATES
from tasker_testkit.report.cells import ASCII, UNICODE, abbreviated, cells, clean, shortened
from tasker_testkit.report.rich_timeline import print_timeline
from tasker_testkit.report.timeline import timeline

UNTIMED = settings(deadline=None)
letters = st.characters(max_codepoint=0x2FF) | st.sampled_from("漢😀\u0301\u200b\u2028\u202e\ud800")
texts = st.text(letters, max_size=20) | st.sampled_from(["", "\x1b[31mred", "漢字" * 40, "x" * 300])
names = st.from_regex(r"[a-z_]{1,10}", fullmatch=True)
instants = st.integers(0, 7_300_000_000) | st.sampled_from([0, 1, 100_000, 1_000_000])
values = st.recursive(texts | st.integers() | st.none() | st.booleans(), lambda inner: st.lists(inner, max_size=3))
kinds = st.sampled_from(["fail", "raise", "delay", "hang", "crash", "corrupt", "http"])
faults = st.dictionaries(kinds, texts | st.just(True) | st.fixed_dictionaries({"path": texts}), min_size=1, max_size=1)
notes = st.fixed_dictionaries({"at": st.floats(0, 7300), "do": texts, "text": texts, "reason": texts})
outcomes = (
    st.none()
    | st.builds(success, st.dictionaries(texts, values, max_size=3))
    | st.builds(failure, texts, texts, retryable=st.booleans(), error_code=st.none() | texts)
)


@st.composite
def attempts(draw) -> list[AttemptHistory]:
    """Attempts of one step, one after the other in time; some never started, some never ended."""
    made = []
    for number in range(draw(st.integers(0, 3))):
        times = sorted(draw(st.tuples(instants, instants, instants)))
        enqueued, started, ended = (draw(st.just(at) | st.none()) for at in times)
        fired = tuple(draw(st.lists(faults, max_size=2)))
        marks = draw(st.lists(st.tuples(instants, st.fixed_dictionaries({"cursor": values})), max_size=2))
        made.append(AttemptHistory(number + 1, enqueued, started, ended, fired, draw(outcomes), tuple(marks)))
    return made


@st.composite
def histories(draw, named=names) -> History:
    """Any run: steps with any attempts in any state, parents at will, rings included."""
    known = draw(st.lists(named, max_size=4, unique=True))
    steps = tuple(
        StepHistory(
            name,
            "standard",
            draw(st.sampled_from(STEP_STATES)),
            tuple(draw(st.lists(st.sampled_from(known), max_size=2))),
            draw(st.integers(0, 20)),
            (Transition(draw(instants), None, "pending"),),
            tuple(draw(attempts())),
        )
        for name in known
    )
    state = draw(st.sampled_from(TASK_STATES))
    return History(
        profile="documented",
        seed=draw(st.integers()),
        start=datetime(2026, 1, 1, tzinfo=UTC),
        template={"namespace": draw(texts), "name": draw(texts), "version": draw(texts)},
        input={},
        faults=(),
        state=state,
        execution_status="processing",
        transitions=(Transition(draw(instants), None, state),),
        steps=steps,
        actions=tuple(draw(st.lists(notes, max_size=1))),
        warnings=tuple(draw(st.lists(notes, max_size=1))),
        dead_letters=tuple(draw(st.lists(notes, max_size=1))),
        stuck=draw(st.none() | texts),
    )


widths = st.integers(40, 130)


def log_of(text: str) -> str:
    """The part of a timeline below its last blank line."""
    return text.rsplit("\n\n", 1)[1]


@UNTIMED
@given(histories(named=names | texts.filter(bool)), widths, st.booleans(), st.booleans())
def test_every_line_is_clean_and_fits(history, width, unicode, everything):
    """No line is wider than the page, ends in a space or holds a character that could move a terminal's cursor."""
    for line in timeline(history, width=width, unicode=unicode, everything=everything).split("\n"):
        assert cell_len(line) <= width
        assert line == line.rstrip()
        assert line.isprintable()
        assert unicode or line.isascii()


@UNTIMED
@given(histories(), widths)
def test_every_step_and_attempt_is_told(history, width):
    """Each attempt of each step has its line with its number, a step that never ran has one without."""
    log = log_of(timeline(history, width=width))
    for step in history.steps:
        told = re.findall(rf"^ *(?:[\d.:]+(?: s)?)? *{step.name}  +(\d+/\d+)? +[✓✗?○]", log, re.MULTILINE)
        assert sorted(told) == sorted(f"{one.number}/{step.max_attempts}" for one in step.attempts) or told == [""]
        assert told


@UNTIMED
@given(histories(), widths)
def test_every_fault_that_fired_is_marked(history, width):
    """There are as many marks as faults fired, and the head counts them."""
    fired = sum(len(one.faults) for step in history.steps for one in step.attempts)
    text = timeline(history, width=width)
    assert all(line.endswith("]") for line in text.split("\n") if "[fault: " in line)
    assert len(re.findall(r"\[fault: (?:fail|raise|delay|hang|crash|corrupt|http)\b", log_of(text))) >= fired
    assert (f"{fired} fault" in text) == bool(fired)


@UNTIMED
@given(histories(), st.integers(44, 130), st.sampled_from([None, "truecolor"]))
def test_a_terminal_shows_the_same_content(history, width, colours):
    """Without its box and its colours, what rich prints is the plain timeline for the width inside the box."""
    console = Console(width=width, record=True, color_system=colours, file=_Nowhere(), force_terminal=True)
    print_timeline(history, console)
    printed = console.export_text().split("\n")[:-1]
    page = min(width, 120)
    boxed = page >= 60
    shown = [line[2:-2].rstrip() for line in printed[1:-1]] if boxed else [line.rstrip() for line in printed]
    assert shown == timeline(history, width=page - 4 if boxed else page).split("\n")


class _Nowhere:
    """A terminal of UTF-8 that nobody looks at."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Forget the text."""
        return len(text)

    def flush(self) -> None:
        """Nothing is kept."""


@UNTIMED
@given(texts, st.integers(1, 60), st.sampled_from([UNICODE, ASCII]))
def test_shortening_keeps_what_fits(text, room, signs):
    """A text that fits is kept as it is; another one keeps its beginning, or in a name its ends, and fits."""
    shown = clean(text, signs)
    for cut in (shortened(shown, room, signs), abbreviated(shown, room, signs)):
        assert cells(cut) <= room
        assert (cut == shown) == (cells(shown) <= room) or signs.ellipsis[:room] in cut
    assert shown.startswith(shortened(shown, room, signs).removesuffix(signs.ellipsis[:room]))


@pytest.mark.parametrize(("text", "shown"), [("a\tb", r"a\tb"), ("\x00", r"\x00"), ("é", "é"), ("\u202e", r"\u202e")])
def test_escapes(text, shown):
    """What isn't printable is shown as the escape Python would write; letters of any script stay."""
    assert clean(text, UNICODE) == shown
