"""Each row in which the profiles part: in its workflow it matters, with the rows it entails and no other."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from small_workflows import EXAMPLES, ROOT, plan, simulation, step

from tasker_testkit.comparing import compare
from tasker_testkit.errors import SubmissionRefused
from tasker_testkit.fidelity.rows import ROWS
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8

PAGE = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_row_matters_where_it_changes_a_run(example):
    """Exactly these rows are named, in their order, and the row's sentence says what happened and what to do."""
    rows, built, given, sentence = EXAMPLES[example]
    found = {row.row: row for row in compare(built(), given).divergences}
    assert list(found) == rows
    assert found[int(example.split(",")[0])].sentence == sentence


@pytest.mark.parametrize(
    ("example", "steps"),
    [
        ("1", ("charge",)),
        ("5", ("charge",)),
        ("9", ("charge", "mail")),
        ("13", ()),
        ("17", ("a", "b")),
        ("20", ("merge",)),
        ("23", ("charge",)),
        ("24", ("charge",)),
        ("26", ("mail",)),
    ],
)
def test_a_row_names_the_steps_it_concerns(example, steps):
    """The steps that the row did something to; not those behind them, which are only later or never run."""
    _, built, given, _ = EXAMPLES[example]
    (row,) = [row for row in compare(built(), given).divergences if row.row == int(example)]
    assert row.steps == steps


@pytest.mark.parametrize("profile", [DOCUMENTED, TASKER_0_1_8], ids=lambda profile: profile.name)
def test_the_same_input_again_is_a_row_of_a_task_driven_by_hand(profile):
    """Row 25 needs a second submission: who makes one is told, whether it was refused or not."""
    with simulation(step("charge"), profile=profile).start(plan()) as task:
        with suppress(SubmissionRefused):
            task.submit_again(plan())
        (row,) = task.finish().divergences
    assert (row.row, row.steps, row.sentence) == (
        25,
        (),
        "The same input is refused when it comes again; put something unique into the input.",
    )


def test_every_row_has_its_example():
    """Every row of the table is shown by a workflow; 25 needs a second submission, and has a test of its own."""
    shown = {int(name.split(",")[0]) for name in EXAMPLES} | {25}
    assert shown == {row.number for row in ROWS}


def test_the_table_is_the_documents():
    """Numbers, titles and fields are those of docs/profiles.md, and every field in which the profiles part is in it."""
    lines = [line.strip("|").split(" | ") for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]
    documented = [(int(line[0]), line[1].strip(), tuple(re.findall(r"`(\w+)`", line[-1]))) for line in lines]
    assert [(row.number, row.title, row.fields) for row in ROWS] == documented


def test_a_row_is_taken_from_one_profile_into_the_other():
    """All rows taken from Tasker 0.1.8 make its profile of the documented one, but for the name."""
    profile = DOCUMENTED
    for row in ROWS:
        profile = row.taken(profile, TASKER_0_1_8)
    differing = [name for name in TASKER_0_1_8.__slots__ if getattr(profile, name) != getattr(TASKER_0_1_8, name)]
    assert differing == ["name"]
