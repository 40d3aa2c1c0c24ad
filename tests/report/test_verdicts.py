"""Verdicts as text: what fits the page, what is safe to print, and the sentence at the end."""

from __future__ import annotations

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tasker_testkit.model.verdicts import AttemptVerdict, Verdicts
from tasker_testkit.report.cells import ASCII, UNICODE, cells, joined
from tasker_testkit.report.rich_comparison import print_comparison
from tasker_testkit.report.verdicts import closing, verdicts_layout

TEXTS = st.text(max_size=90)
ATTEMPTS = st.builds(
    AttemptVerdict,
    step=TEXTS,
    attempt=st.integers(1, 120),
    verdict=st.sampled_from(("same", "differs", "now fails", "now passes", "unclear", "not run")),
    place=TEXTS,
    expected=TEXTS,
    actual=TEXTS,
    further=st.lists(TEXTS, max_size=8).map(tuple),
    why=TEXTS,
    unsteady=st.lists(TEXTS, max_size=8).map(tuple),
)
FOUND = st.builds(
    Verdicts,
    template=st.fixed_dictionaries({"namespace": TEXTS, "name": TEXTS, "version": TEXTS}),
    profile=TEXTS,
    start=TEXTS,
    attempts=st.lists(ATTEMPTS, max_size=6).map(tuple),
    never_ran=st.lists(TEXTS, max_size=3).map(tuple),
    notes=st.lists(TEXTS, max_size=3).map(tuple),
)


def verdicts(*kinds):
    """Verdicts of these kinds, each of a step of its own."""
    attempts = tuple(AttemptVerdict(f"s{number}", 1, kind) for number, kind in enumerate(kinds, 1))
    return Verdicts({"namespace": "n", "name": "t", "version": "1"}, "documented", "now", attempts, (), ())


@given(FOUND, st.integers(0, 140), st.booleans())
def test_every_line_fits_and_is_harmless(found, width, unicode):
    """Whatever a handler says: no line is wider than the page, holds a control character, or needs more than ASCII."""
    parts = verdicts_layout(found, width=width, signs=UNICODE if unicode else ASCII)
    for line in (joined(line) for part in parts for line in part):
        assert cells(line) <= max(width, 60)
        assert line.isprintable()
        assert unicode or line.isascii()


@given(FOUND)
def test_every_attempt_has_its_line(found):
    """With its verdict, in order."""
    lines = [joined(line) for part in verdicts_layout(found, width=120, signs=UNICODE) for line in part]
    told = [line for line in lines if any(f"{sign} {one.verdict}" in line for one in found.attempts for sign in "✓✗?○")]
    assert len(told) >= len(found.attempts)


def test_the_sentence_at_the_end():
    """It answers the question, and names the steps."""
    assert closing(verdicts("same")) == "The attempt came to the same as then."
    assert closing(verdicts("same", "not run", "same")) == "All 2 attempts came to the same as then."
    assert closing(verdicts("not run")) == "Nothing could be compared, so nothing is known about today's handlers."
    assert closing(verdicts("differs", "same", "unclear", "now fails", "differs", "now passes")) == (
        "Of 6 attempts, 1 came to the same as then; now fails: s4; now passes: s6; differs: s1, s5; unclear: s3."
    )
    assert closing(verdicts(*["differs"] * 7)) == (
        "Of 7 attempts, 0 came to the same as then; differs: s1, s2, s3, s4, s5 and 2 more."
    )


def test_on_a_terminal_it_has_the_same_lines():
    """In colour, with nothing else changed."""

    class Check(Verdicts):
        def layout(self, *, width, signs):
            return verdicts_layout(self, width=width, signs=signs)

    found = verdicts("same", "differs")
    out = StringIO()
    print_comparison(Check(**vars(found)), Console(file=out, width=80, force_terminal=True, color_system=None))
    plain = "\n\n".join("\n".join(map(joined, part)) for part in verdicts_layout(found, width=80, signs=UNICODE))
    assert [line.rstrip() for line in out.getvalue().rstrip().splitlines()] == plain.splitlines()
