"""Exploring the orders of parallel steps: what only one order brings to light."""

from __future__ import annotations

import pytest

from tasker_testkit import Simulation, TaskerTestkitError, effect, explore
from tasker_testkit.explore.space import title
from tasker_testkit.search.keeping import kept_below

PROFILES = ("documented", "tasker-0.1.8")


def diamond(**stubs):
    """A step, two parallel ones that both write one record, and one that reads it."""
    steps = [
        {"name": "start"},
        {"name": "left", "dependencies": ["start"]},
        {"name": "right", "dependencies": ["start"]},
        {"name": "join", "dependencies": ["left", "right"]},
    ]
    made = [{"handler": {"callable": step["name"]}, "retry": {"max_attempts": 2}, **step} for step in steps]
    return {"name": "diamond", "namespace_name": "tests", "version": "1.0.0", "steps": made}


class Record:
    """A row that whoever comes last writes; as a real one, it outlives the steps."""

    owner = None

    @classmethod
    def reset(cls):
        """Nobody wrote yet."""
        cls.owner = None

    @classmethod
    def written_by(cls, name):
        """A stub that writes."""

        def write(context):
            cls.owner = name
            effect("write", key=name)
            return {"by": name}

        return write


def racing(**settings):
    """Both sides write the record; the join says who was last."""
    stubs = {"start": {}, "left": Record.written_by("left"), "right": Record.written_by("right")}
    stubs["join"] = lambda context: {"owner": Record.owner}
    return Simulation(diamond(), stubs=stubs, setup=Record.reset, **settings)


def right_is_last(run):
    """What the author saw whenever he tried it."""
    assert run["join"].state != "complete" or run["join"].result == {"owner": "right"}


def test_the_order_of_creation_hides_a_race():
    """In one order, that of creation, the same side always comes last."""
    assert explore(racing(), check=right_is_last, depth=0).failures == ()


@pytest.mark.parametrize("orders", [2, "all"])
def test_another_order_brings_it_to_light(orders):
    """No fault is needed: the finding has the order, its run and its token have it too."""
    exploration = explore(racing(), check=right_is_last, depth=0, orders=orders)
    (failure,) = exploration.failures
    assert title(tuple(failure.plan)) == "no_fault"
    assert tuple(failure.order) == failure.run.engine.order == (1,)
    assert failure.run["join"].result == {"owner": "left"}
    assert "ran in" in exploration.notes[-1]


def test_every_plan_runs_in_every_order():
    """As many as there are ways for the two sides to start: two for each plan that doesn't change that."""
    exploration = explore(racing(), kinds="crash_before", orders="all")
    assert exploration.notes == ("each plan ran in every order of what happens at one instant, 10 in all.",)


def test_a_failure_that_needs_fault_and_order_keeps_both():
    """Shrinking tries the orders of each smaller plan; of two faults the one that matters is left, with its order."""

    def both_wrote(run):
        wrote = [found.key for found in run.effects]
        assert "left" not in wrote or "right" in wrote

    assert explore(racing(), check=both_wrote, kinds="fail_permanent").failures[0].plan.to_data()[0]["step"] == "right"
    exploration = explore(racing(), check=both_wrote, depth=2, kinds="fail_permanent,duplicate", orders="all")
    assert {title(tuple(failure.plan)) for failure in exploration.failures} == {"right-1-fail_permanent"}


def test_orders_are_the_same_everywhere(monkeypatch):
    """A sample of orders depends on the seed alone: the same findings, in the same orders, again and again."""
    one, other = (explore(racing(), check=right_is_last, orders=2, kinds="crash") for _ in range(2))
    assert one.to_data() == other.to_data()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_sound_workflow_is_sound_in_every_order(profile):
    """Tasker's own promises hold in all orders of a diamond, under either profile, also with two worker processes."""
    stubs = dict.fromkeys(("start", "left", "right", "join"))
    simulation = Simulation(diamond(), stubs=stubs, profile=profile, workers=2)
    assert explore(simulation, kinds="fail", depth=2, orders="all").failures == ()


@pytest.mark.parametrize("orders", [0, -1, "every", 1.5, True, None])
def test_orders_that_make_no_sense_are_refused(orders):
    """The message says what is possible."""
    with pytest.raises(TaskerTestkitError) as refused:
        explore(racing(), orders=orders)
    assert str(refused.value) == f'orders={orders!r}: give a whole number from 1, or "all".'


def test_a_failure_of_an_order_is_tried_first_next_time(tmp_path):
    """A kept failure that needs a fault and an order is tried when orders are explored again."""

    def left_wins(run):
        assert run["join"].state != "complete" or run["join"].result == {"owner": "right"} or not run.history.faults

    with kept_below(tmp_path):
        (failure,) = explore(racing(), check=left_wins, kinds="duplicate", orders="all", limit=2).failures
        assert len(failure.plan) == 1
        assert failure.run.engine.order
        again = explore(racing(), check=left_wins, orders="all", depth=0)
        assert [one.plan for one in again.failures] == [failure.plan]
        assert explore(racing(), check=left_wins, depth=0).failures == ()
