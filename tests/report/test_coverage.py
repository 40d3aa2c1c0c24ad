"""Failure-path coverage as text: at any width, in any alphabet, and its faults can be copied."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import FaultPlan
from tasker_testkit.model.coverage import NOTHING, PATHS, Cell, Coverage
from tasker_testkit.report.cells import cells
from tasker_testkit.report.coverage import NARROWEST, coverage, total


def cell(step, name, *, place=0, kind="path"):
    """A cell of the template ``shop/orders 1.0.0``."""
    return Cell("shop/orders 1.0.0", place, step, kind, name)


SMALL = Coverage(
    {
        cell("route", "first time"): "",
        cell("route", "exhausted"): 'tasker_faults.fail("route")',
        cell("route", "ship", kind="branch"): 'tasker_faults.corrupt("route", "outcome", {"steps": ["ship"]})',
        cell("route", "none", kind="branch"): 'tasker_faults.corrupt("route", "outcome", {})',
        cell("ship", "first time", place=1): "",
        cell("ship", "timed out", place=1): 'tasker_faults.hang("ship", attempt=1)',
        cell("work", "permanent", place=2): "",
    },
    frozenset({cell("route", "first time"), cell("route", "none", kind="branch"), cell("ship", "timed out", place=1)}),
)


def test_a_table_then_branches_then_what_is_missing():
    """A column for each path that is open to any step; nothing is drawn where a step can't come to."""
    assert coverage(SMALL, width=80).splitlines() == [
        "shop/orders 1.0.0 · 3 of 7",
        "",
        "       first                        timed",
        "       time   exhausted  permanent  out",
        "route  ✓      ✗",
        "ship   ✗                            ✓",
        "work                     ✗",
        "",
        "route →  ✗ ship  ✓ none",
        "",
        "Missing, and what gets there:",
        "route",
        '  exhausted       tasker_faults.fail("route")',
        '  → ship          tasker_faults.corrupt("route", "outcome", {"steps": ["ship"]})',
        "ship",
        "  first time      no fault, but a run that gets there",
        "work",
        "  permanent       first an input with something to do: no run had a batch",
    ]


def test_a_narrow_page_counts_instead():
    """Where the table doesn't fit, each step says how many of its paths were taken."""
    lines = coverage(SMALL, width=40).splitlines()
    assert lines[2:5] == ["route  1 of 2", "ship   1 of 2", "work   0 of 1"]


def test_several_templates_follow_one_another():
    """Each with its own table, by name."""
    other = Coverage({Cell("shop/mails 1.0.0", 0, "send", "path", "first time"): ""}, frozenset())
    heads = [line for line in coverage(SMALL | other).splitlines() if line.startswith("shop/")]
    assert heads == ["shop/mails 1.0.0 · 0 of 1", "shop/orders 1.0.0 · 3 of 7"]


def test_nothing_missing_is_not_mentioned():
    """All taken: the table, and no list."""
    assert "Missing" not in coverage(Coverage(SMALL.cells, frozenset(SMALL.cells)))


def test_no_workflow_is_said():
    """Nothing ran: one line in place of an empty page."""
    assert coverage(NOTHING) == "No workflow was run."
    assert total(NOTHING) == "0 of 0 failure paths and branches taken, 0.00 %"


def test_the_total_is_one_line():
    """All templates together, with two decimals."""
    assert total(SMALL) == "3 of 7 failure paths and branches taken, 42.86 %"


def test_without_unicode_all_is_ascii():
    """Signs, arrows, and names too."""
    text = coverage(SMALL | Coverage({cell("größe", "first time", place=3): ""}, frozenset()), unicode=False)
    assert text.isascii()
    assert r"gr\xf6\xdfe" in text


LIKELY = ["charge", "a", "send_the_confirmation_mail_to_the_customer", "支払い処理", "x y"]
NAMES = st.sampled_from(LIKELY) | st.text(max_size=50)


@given(
    st.dictionaries(
        st.builds(Cell, NAMES, st.integers(0, 5), NAMES, st.just("branch"), NAMES)
        | st.builds(Cell, NAMES, st.integers(0, 5), NAMES, st.just("path"), st.sampled_from(PATHS)),
        st.sampled_from(["", 'tasker_faults.fail("x", attempt=1)']),
    ),
    st.integers(0, 130),
    st.booleans(),
)
def test_any_coverage_fits_any_page(lines, width, unicode):
    """No line is wider than the page, whatever the names are; no line ends in spaces."""
    text = coverage(Coverage(lines, frozenset(list(lines)[::2])), width=width, unicode=unicode)
    assert all(cells(line) <= max(width, NARROWEST) for line in text.split("\n"))
    assert not any(line.endswith(" ") for line in text.split("\n"))
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_fault_can_be_copied(width):
    """Broken over lines it is still the call it was."""
    line = 'tasker_faults.corrupt("route", "decision_point_outcome", {"type": "create_steps", "step_names": ["ship"]})'
    text = coverage(Coverage({cell("route", "ship", kind="branch"): line}, frozenset()), width=width)
    copied = text[text.index("tasker_faults") :]
    assert ast.dump(ast.parse(copied)) == ast.dump(ast.parse(line))
    assert len(eval(copied, {"tasker_faults": FaultPlan()})) == 1
