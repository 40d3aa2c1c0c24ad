"""The report of one failure as text: every part, at any width, whatever the messages hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_samples import plans

from tasker_testkit import Simulation
from tasker_testkit.model.fault_kinds import fault
from tasker_testkit.report.cells import cells
from tasker_testkit.report.finding import Told, finding

LOST = fault("lose_result", "charge", 1, True)
HUNG = fault("hang", "ship", None, True)
TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "charge", "handler": {"callable": "charge"}}],
}
WHOLE = """\
✗ paid_once: charged 2 times:
    at 0 s
    at 30 s

The smallest plan that does it (1 fault, found with 2; it was seen in 3 plans):
  → charge: attempt 1 returns, and its result is lost

shop/orders 1.0.0
documented · seed 0 · starts 2026-01-01T00:00:00Z
✓ complete after 30 s · 1 step · 2 attempts · 1 fault fired

charge  ?··························································✓
        0 s ─────────────────────────────────────────────────── 30 s

 0 s  charge  1/3  ?  no result  [fault: lose_result]
                      waits 30 s
30 s  charge  2/3  ✓  {}
30 s  task complete

token       ABC
in a shell  tasker-testkit replay ABC
kept in     .tasker/failures/orders-1.json

As a test:

    import pytest

    def test_it(): ..."""


@pytest.fixture(scope="module")
def history():
    """A run with a lost result."""
    return Simulation(TEMPLATE, stubs={"charge": {}}, faults=[LOST]).run().history


def test_every_part_of_it(history):
    """What, the plan in words, the run with the fault marked, how to see it again, a test to paste."""
    told = Told(
        invariant="paid_once",
        message="charged 2 times:\n  at 0 s\n  at 30 s",
        plan=(LOST,),
        found=(LOST, HUNG),
        times=3,
        history=history,
        token="ABC",
        commands={"in a shell": "tasker-testkit replay ABC"},
        test="import pytest\n\ndef test_it(): ...\n",
        kept=".tasker/failures/orders-1.json",
    )
    assert finding(told) == WHOLE
    assert finding(told, unicode=False).isascii()


@pytest.mark.parametrize(
    ("times", "said"), [(1, "No fault is needed."), (4, "No fault is needed; it was seen in 4 plans.")]
)
def test_without_any_fault(times, said):
    """A workflow that breaks by itself, of which there is nothing but that to tell."""
    assert finding(Told("ends", "never", (), (), times)) == f"✗ ends: never\n\n{said}"


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("creation", []),
        ("seeded", ["  → of parallel steps, the seed says which goes first"]),
        (
            (0, 2, *[0] * 19, 1),
            [
                "  → of parallel steps, the 3rd goes first at the 2nd choice",
                "  → of parallel steps, the 2nd goes first at the 22nd choice",
            ],
        ),
    ],
)
def test_an_order_is_told(order, said):
    """Which of parallel steps went first, where that wasn't the one created first."""
    told = finding(Told("ends", "never", (LOST,), (LOST,), order=order))
    assert told.split("\n")[4:] == said
    alone = finding(Told("ends", "never", (), (), order=order)).split("\n")
    assert alone[2:] == [f"No fault is needed{', but an order:' if said else '.'}", *said]


@given(
    plans(least=0, most=3),
    st.text(max_size=200) | st.text("漢字 a", min_size=60, max_size=200),
    st.text(max_size=30),
    st.integers(-1, 120),
    st.booleans(),
)
def test_it_keeps_to_its_width(plan, message, name, width, unicode):
    """No line is wider than asked for, and none holds a control character, whatever the message is."""
    text = finding(Told(name, message, plan, plan), width=width, unicode=unicode)
    for line in text.split("\n"):
        assert line.isprintable()
        assert cells(line) <= max(width, 40)
    assert unicode or text.isascii()
