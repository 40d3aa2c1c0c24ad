"""An exploration as text: its extent, the table of its plans, notes, and what was found."""

from __future__ import annotations

import pytest

from tasker_testkit.model.extent import Extent, Level, Overview, Row
from tasker_testkit.report.cells import cells
from tasker_testkit.report.exploration import exploration

TITLE = {"workflow": "shop/orders 1.0.0", "profile": "documented", "seed": "seed 0"}
WHOLE = Extent(1, (Level(0, 1, 1, 1), Level(1, 4, 4, 4)))
PART = Extent(2, (Level(0, 1, 1, 1), Level(1, 4, 4, 4), Level(2, 1_200, 300, 300)))


def overview(coverage=WHOLE, rows=(), notes=()):
    """An exploration without plans."""
    return Overview(TITLE, coverage, rows, notes)


def test_all_of_it():
    """Head, table, extent, notes and findings, each apart from the next."""
    rows = [
        Row("(none)", 1, {"complete": 1}, 0),
        Row("pay", 3, {"complete": 1, "blocked_by_failures": 2}, 2),
        Row("ship", 1, {"broke off": 1}, 1),
    ]
    assert exploration(overview(PART, rows, ["mind this."]), ["it broke\nhere"]) == (
        "shop/orders 1.0.0\n"
        "documented · seed 0 · up to 2 faults a plan\n"
        "✗ 305 plans · 1 failure · not all there are\n"
        "\n"
        "step hit  plans  complete  blocked_by_failures  broke off  failing\n"
        "(none)        1         1\n"
        "pay           3         1                    2                   2\n"
        "ship          1                                         1        1\n"
        "\n"
        "4 of 4 plans with 1 fault\n"
        "300 of 1,200 plans with 2 faults (25.0%)\n"
        "\n"
        "note: mind this.\n"
        "\n"
        "── failure 1 of 1 ──\n"
        "it broke\n"
        "here"
    )


def test_further_failures_are_a_line_each():
    """They count, and stand behind those that are reported in full."""
    text = exploration(overview(), ["one\ntwo"], ["paid: pay-1-hang", "paid: ship-1-hang"])
    assert text.splitlines()[2] == "✗ 5 plans · 3 failures"
    assert text.endswith("\n\n── failure 1 of 3 ──\none\ntwo\n\n── 2 more ──\npaid: pay-1-hang\npaid: ship-1-hang")


def test_nothing_found():
    """Without failures the head says that everything held; in ASCII too."""
    assert exploration(overview(), []).splitlines()[2] == "✓ 5 plans · everything held"
    assert exploration(overview(), [], unicode=False).splitlines()[2] == "+ 5 plans | everything held"
    assert exploration(overview(notes=["ä"]), ["ü"], unicode=False).isascii()


def test_nothing_run():
    """Interrupted before its first plan, an exploration doesn't say that anything held."""
    none = Extent(1, ())
    assert exploration(overview(none), []).splitlines()[2] == "✗ 0 plans · nothing was run, so nothing is known"


@pytest.mark.parametrize("width", [10, 60, 77, 100])
def test_its_own_lines_keep_to_the_width(width):
    """Notes are wrapped, long names of steps abbreviated, wide characters or not; never narrower than 60 cells."""
    rows = [Row("工作" * 30, 12, {"complete": 11, "error": 1}, 0)]
    text = exploration(overview(PART, rows, ["long " * 60]), [], width=width)
    assert max(map(cells, text.splitlines())) <= max(width, 60)


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (Level(1, 41, 41, 41), "41 of 41 plans with 1 fault"),
        (Level(2, 2_000, 100, 100), "100 of 2,000 plans with 2 faults (5.0%)"),
        (Level(2, 40, 10, 3, whole=False), "3 of at least 40 plans with 2 faults (7.5%)"),
        (Level(3, 0, 0, 0), "0 of 0 plans with 3 faults"),
        (Level(0, 1, 1, 1), "1 of 1 plans with no fault"),
    ],
)
def test_a_level_says_its_share(level, text):
    """How many of how many, and the share unless it is all."""
    assert str(level) == text


@pytest.mark.parametrize(
    ("levels", "exhaustive"),
    [
        ((Level(0, 1, 1, 1), Level(1, 4, 4, 4)), True),
        ((Level(0, 1, 1, 1),), False),
        ((Level(0, 1, 1, 1), Level(1, 4, 4, 3)), False),
        ((Level(0, 1, 1, 1), Level(1, 4, 3, 3)), False),
        ((Level(0, 1, 1, 1), Level(1, 0, 0, 0)), True),
        ((), False),
    ],
)
def test_an_extent_knows_when_it_is_all(levels, exhaustive):
    """Every level entered and every plan of it run, or no plan left to run."""
    assert Extent(1, levels).exhaustive is exhaustive
    assert Extent(1, ()).share == 0
