"""The verdict on each step: idempotent, repeats, loses; counted over runs with one fault."""

from __future__ import annotations

import json

import pytest

from tasker_testkit import Simulation, TaskerTestkitError, effect, explore
from tasker_testkit.explore.tokens import read_token

RETRY = {"max_attempts": 2, "backoff": "exponential", "backoff_base_ms": 100}


class Gateway:
    """Books a charge; with ``keys`` it knows each key again."""

    def __init__(self):
        self.known = set()

    def charge(self, key, *, keys):
        """Charge, unless the key is known."""
        if not (keys and key in self.known):
            effect("charge", key=key)
        self.known.add(key)


GATEWAY = Gateway()


def careful(context):
    """One key for all attempts."""
    GATEWAY.charge("order", keys=True)
    return {}


def careless(context):
    """No deduplication at all."""
    GATEWAY.charge("order", keys=False)
    return {}


def with_another_key(context):
    """A key of the attempt, which helps nobody."""
    GATEWAY.charge(f"order-{context.retry_count}", keys=True)
    return {}


def timid(context):
    """Does nothing when it is asked again, in the belief that it was done before."""
    if not context.retry_count:
        effect("mail")
    return {}


def idle(context):
    """Without any effect."""
    return {}


def told(pay, kinds="crash,duplicate,fail,raise", **settings):
    """The table of a step that does this, behind one without effects."""
    steps = [
        {"name": "look", "handler": {"callable": "x"}, "retry": RETRY},
        {"name": "pay", "handler": {"callable": "x"}, "dependencies": ["look"], "retry": RETRY},
    ]
    template = {"name": "orders", "namespace_name": "tests", "version": "1.0.0", "steps": steps}
    simulation = Simulation(template, stubs={"look": idle, "pay": pay}, setup=GATEWAY.__init__, **settings)
    return explore(simulation, kinds=kinds).idempotency()


@pytest.mark.parametrize(
    ("pay", "verdict", "bad"),
    [
        (careful, "idempotent", {}),
        (careless, "repeats", {"crash_after": 2, "duplicate": 2}),
        (with_another_key, "repeats", {"crash_after": 2}),
        (timid, "repeats, loses", {"fail_retryable": 0, "raise": 0, "crash_before": 0, "duplicate": 2}),
        (idle, "no effects", {}),
    ],
)
def test_the_verdict(pay, verdict, bad):
    """A step repeats if a fault makes an effect happen again, and loses if it completes without one."""
    table = told(pay)
    assert table.verdicts == {"look": "no effects", "pay": verdict}
    assert {cell.kind: sum(cell.effects.values()) for cell in table.bad} == bad


def test_a_step_that_fails_loses_nothing():
    """Where the step failed for good it has said that its effect is missing: that is no loss."""
    table = told(careful, kinds="fail_permanent")
    (cell,) = table.rows[1].cells
    assert (dict(cell.effects), cell.good) == ({}, True)


def test_a_bad_cell_is_made_again_by_its_token():
    """The token of a bad cell is of the plan with its one fault; good cells have none."""
    table = told(careless)
    for cell in table.bad:
        assert read_token(cell.token).faults == (cell.fault,)
    assert {cell.token for row in table.rows for cell in row.cells if cell.good} == {""}


def test_effects_of_one_step_are_not_those_of_another():
    """A fault at one step is held against that step's own effects."""
    table = told(careless, kinds="crash_after")
    assert {row.step: (dict(row.effects), len(row.cells)) for row in table.rows} == {
        "look": ({}, 1),
        "pay": ({"charge": 1}, 1),
    }


def test_runs_that_break_off_are_left_out():
    """A plan whose run has no end that could be counted has no cell."""
    table = told(lambda context: effect("" if context.retry_count else "charge") or {}, kinds="crash_before")
    assert [len(row.cells) for row in table.rows] == [1, 0]


def test_without_faults_there_is_nothing_to_judge():
    """An exploration without plans of one fault is refused, with what to do."""
    simulation = Simulation(
        {"name": "o", "namespace_name": "t", "version": "1", "steps": [{"name": "a", "handler": {"callable": "a"}}]},
        stubs={"a": {}},
    )
    with pytest.raises(TaskerTestkitError, match=r"No plan with one fault was run, .* Explore with depth=1 or more"):
        explore(simulation, depth=0).idempotency()


def test_more_faults_change_nothing():
    """Plans with several faults aren't counted: the table is that of depth 1."""
    steps = [{"name": "pay", "handler": {"callable": "x"}, "retry": RETRY}]
    template = {"name": "orders", "namespace_name": "tests", "version": "1.0.0", "steps": steps}
    simulation = Simulation(template, stubs={"pay": careless}, setup=GATEWAY.__init__)
    assert explore(simulation, depth=2).idempotency() == explore(simulation).idempotency()


def test_as_text():
    """A line for each step, a number for each kind of fault, the bad ones marked; then each bad one with its token."""
    table = told(careless, kinds="crash,duplicate")
    first, second = (cell.token for cell in table.bad)
    assert str(table) == (
        "How often a step's effects happen when the fault hits it; ✗: not as often as without it.\n"
        "\n"
        "         no   crash  crash\n"
        "step  fault  before  after  duplicate  verdict\n"
        "look      0       0      0          0  no effects\n"
        "pay       1       1     2✗         2✗  repeats\n"
        "\n"
        "pay repeats charge: 2 instead of 1 with pay-1-crash_after\n"
        f"  {first}\n"
        "pay repeats charge: 2 instead of 1 with pay-1-duplicate\n"
        f"  {second}"
    )


def test_a_table_without_bad_cells():
    """Without anything bad there is only the table."""
    assert told(careful, kinds="duplicate").text(unicode=False) == (
        "How often a step's effects happen when the fault hits it; x: not as often as without it.\n"
        "\n"
        "         no\n"
        "step  fault  duplicate  verdict\n"
        "look      0          0  no effects\n"
        "pay       1          1  idempotent"
    )


@pytest.mark.parametrize("width", [10, 60, 75])
def test_a_narrow_page_has_the_table_in_parts(width):
    """What doesn't fit is shown below, with the steps and the verdicts again; no line is wider than the page."""
    text = told(careful, kinds=("fail", "raise", "crash", "lose_result", "duplicate")).text(width=width)
    assert all(len(line) <= max(width, 60) for line in text.split("\n")[1:])
    assert text.count("verdict") == text.count("look") > 1
    assert [text.count(kind) for kind in ("retryable", "permanent", "raise", "duplicate")] == [1, 1, 1, 1]


def test_as_data():
    """The table as JSON has a format, every count, every fault, and the token of what is bad."""
    data = json.loads(json.dumps(told(careless, kinds="crash_after").to_data()))
    assert (data["format"], data["version"]) == ("tasker-testkit/idempotency", 1)
    (cell,) = data["steps"][1]["faults"]
    assert cell.pop("token")
    assert data["steps"][1]["verdict"] == "repeats"
    assert cell == {
        "id": "pay-1-crash_after",
        "kind": "crash_after",
        "fault": {"step": "pay", "attempt": 1, "crash": "after"},
        "effects": {"charge": 2},
        "repeated": {"charge": 1},
        "lost": {},
    }
