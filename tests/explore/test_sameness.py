"""Where two runs of one plan part."""

from __future__ import annotations

import pytest

from tasker_testkit import Failure, Simulation, effect
from tasker_testkit.explore.sameness import first_difference

STEPS = [{"name": name, "handler": {"callable": name}, "retry": {"max_attempts": 2}} for name in ("pay", "ship")]
TEMPLATE = {"name": "orders", "namespace_name": "tests", "version": "1.0.0", "steps": STEPS}


def engine(pay=None, **settings):
    """What a run ran on whose first step has this stub."""
    return Simulation(TEMPLATE, stubs={"pay": pay or {}, "ship": {}}, **settings).run({}).engine


def test_equal_runs_are_the_same():
    """The same workflow twice, failures, waits and effects included, differs in nothing."""

    def pay(context):
        effect("charge", key=context.retry_count)
        return {"paid": [1, {"by": "card"}]} if context.retry_count else Failure("busy")

    assert first_difference(engine(pay), engine(pay)) is None


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "result.a.b.1 is 2 in one, 3 in the other"),
        (
            {"a": [1, "b", 2]},
            {"a": ["b", 1, 2]},
            "result.a has the same items in another order, [1, 'b', 2] in one, ['b', 1, 2] in the other: the order of "
            "a set (of objects by their id()), of a folder, of threads?",
        ),
        ({"a": 1}, {"b": 1}, "result is {'a': 1} in one, {'b': 1} in the other"),
        ({"a": [1]}, {"a": [1, 2]}, "result.a is [1] in one, [1, 2] in the other"),
        ({"a": None}, {"a": {}}, "result.a is None in one, {} in the other"),
        ({}, Failure("no", retryable=False), "success is True in one, False in the other"),
        (Failure("no"), Failure("nope"), "message is 'no' in one, 'nope' in the other"),
        (Failure("no", error_code="A"), Failure("no", error_code="B"), "error_code is 'A' in one, 'B' in the other"),
        (Failure("no", metadata={"a": 1}), Failure("no", metadata={"a": 2}), "metadata.a is 1 in one, 2 in the other"),
    ],
)
def test_the_first_difference_is_named(one, other, said):
    """Step, attempt, path and both values."""
    assert first_difference(engine(one), engine(other)) == f"step 'pay', attempt 1: {said}"


def test_only_the_first_difference_counts():
    """What follows from a difference isn't told, the difference is."""
    found = first_difference(engine([Failure("no"), {"paid": 1}]), engine({"paid": 1}))
    assert found == "step 'pay', attempt 1: success is False in one, True in the other"


def test_other_instants_are_told():
    """A step that starts at another instant."""
    one, other = engine(durations={"pay": 1}), engine(durations={"pay": 2})
    assert first_difference(one, other) == "step 'pay', attempt 1: took_us is 1000000 in one, 2000000 in the other"


def test_other_effects_are_told():
    """Runs alike but for what they booked."""

    def pay(key):
        return lambda context: effect("charge", key=key)

    assert first_difference(engine(pay(1)), engine(pay(2))) == "their effects or events"
