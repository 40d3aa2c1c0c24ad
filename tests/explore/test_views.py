"""Views: the task as it was after each change of state, worked out after the run."""

from __future__ import annotations

import time
from bisect import bisect_right
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_graphs import graphs, stubbed

from tasker_testkit import Failure, RunError, Simulation, effect
from tasker_testkit.explore.views import Film
from tasker_testkit.worker.sdk import quiet

START = datetime(2026, 1, 1, tzinfo=UTC)
GRID = timedelta(milliseconds=50)
CHAIN = {
    "name": "chain",
    "namespace_name": "tests",
    "version": "1.0.0",
    "steps": [
        {"name": "charge", "handler": {"callable": "x"}, "retry": {"max_attempts": 2, "backoff_base_ms": 100}},
        {"name": "ship", "handler": {"callable": "x"}, "dependencies": ["charge"]},
    ],
}
FAULTS = st.sampled_from([{"fail": {}}, {"fail": {"retryable": False}}, {"delay": "200ms"}, {"lose_result": True}])


def booking(name, *outcomes):
    """A stub that books an effect and then ends each attempt like this."""

    def stub(context):
        effect(name)
        outcome = outcomes[min(context.retry_count, len(outcomes) - 1)]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return stub


def film_of(stubs, **settings):
    """The views of one run of the chain."""
    return Film(Simulation(CHAIN, stubs=stubs, **settings).run({}).engine)


@given(st.data())
def test_a_view_is_what_a_task_driven_by_hand_shows(data):
    """At every instant the view says what the task itself said then: its state, and each step's state and attempts."""
    template = data.draw(graphs())
    steps = [step["name"] for step in template["steps"]]
    plan = [{"step": data.draw(st.sampled_from(steps)), "attempt": 1, **data.draw(FAULTS)}]
    seen = []
    simulation = stubbed(template, faults=plan, unused_faults="allow")
    with simulation.start({}) as task:
        for _ in range(30):
            task.advance(GRID)
            known = {name: (task[name].state, task[name].attempts) for name in steps}
            seen.append((task.now, task.state, known))
        film = Film(task.finish().engine)
    views = list(film.views())
    for now, state, known in seen:
        view = views[bisect_right(film.instants, (now - START) // timedelta(microseconds=1)) - 1]
        assert (view.state, {name: (s.state, s.attempts) for name, s in view.steps.items()}) == (state, known)


def test_there_is_a_view_for_every_change_and_one_of_the_end():
    """Views come in the order of the changes, each with its instant; the last one has nothing that changed."""
    film = film_of({"charge": {}, "ship": {}})
    *views, end = film.views()
    told = [(view.changed, view.state) for view in views]
    assert told[:2] == [("the task became pending", "pending"), ("the task became initializing", "initializing")]
    assert told[2] == ("step 'charge' became pending", "initializing")
    assert told[-1] == ("the task became complete", "complete")
    assert (end.changed, end.state, end.now) == ("", "complete", START)
    assert len(views) == len(film.ledger.log)


def test_what_happens_at_one_instant_happens_in_order():
    """All of it is at 0 s: when ship starts, charge has its result and its effect is there, ship's isn't yet."""
    film = film_of({"charge": booking("charge", {"id": 1}), "ship": booking("ship", {})})
    (view,) = [view for view in film.views() if view.changed == "step 'ship' became in_progress"]
    assert (view["charge"].state, view["charge"].result, view["charge"].attempts) == ("complete", {"id": 1}, 1)
    assert (view["ship"].result, view["ship"].attempts) == (None, 1)
    assert [found.name for found in view.effects] == ["charge"]
    assert [found.name for found in film.end().effects] == ["charge", "ship"]


def slow_and_quick(timeout):
    """The views of a run with two steps: one sleeps 5 s before its effect, the other needs two attempts, 1 s apart."""
    quiet()
    from tasker_core import StepHandler, StepHandlerResult

    class Slow(StepHandler):
        handler_name = "slow"

        def call(self, context):
            time.sleep(5)
            effect("slow")
            return StepHandlerResult.success({})

    once = {"max_attempts": 1}
    steps = [
        {"name": "slow", "handler": {"callable": "slow"}, "timeout_seconds": timeout, "retry": once},
        {"name": "quick", "handler": {"callable": "quick"}, "retry": {"max_attempts": 2, "backoff_base_ms": 1000}},
    ]
    stubs = {"quick": [Failure("busy"), {}]}
    return Film(Simulation({**CHAIN, "steps": steps}, handlers={"slow": Slow}, stubs=stubs).run({}).engine)


def test_an_effect_shows_from_its_instant_on():
    """A handler that sleeps has its effect later than changes that its call came before."""
    views = list(slow_and_quick(timeout=60).views())
    assert {view.at for view in views if not view.effects} == {0, 1_000_000}
    assert {view.at for view in views if view.effects} == {5_000_000}


def test_the_end_is_not_before_the_last_effect():
    """An effect that comes after every change of state is in the view of the end, which is as late."""
    film = slow_and_quick(timeout=2)
    *views, end = film.views()
    assert {len(view.effects) for view in views} == {0}
    assert (len(end.effects), end.at, end.state) == (1, 5_000_000, "blocked_by_failures")


def test_a_failed_attempt_shows_as_the_last_result_until_the_next():
    """A failure is the step's error from its arrival on, while it waits and while it runs again; no longer."""
    film = film_of({"charge": [Failure("busy", error_type="timeout"), {"id": 1}], "ship": {}})
    entered = [(view["charge"].state, view["charge"].error) for view in film.views() if "'charge'" in view.changed]
    failed = "timeout: busy"
    assert [error for state, error in entered if state in ("waiting_for_retry", "complete")] == [failed, None]
    assert [error for state, error in entered if state == "in_progress"] == [None, failed]


def test_an_attempt_that_is_delivered_again_counts_from_its_instant():
    """After a crash the step runs again without a new claim; the attempt is there when the next thing happens."""
    film = film_of({"charge": {}, "ship": {}}, faults=[{"step": "charge", "attempt": 1, "crash": "after"}])
    counts = [(view.at, view["charge"].attempts) for view in film.views()]
    assert max(count for at, count in counts if at < 30_000_000) == 1
    assert {count for at, count in counts if at >= 30_000_000} == {2}


def test_a_result_by_hand_is_a_result():
    """What an operator completes a step with is its result from then on."""
    simulation = Simulation(CHAIN, stubs={"charge": Failure(retryable=False), "ship": {}})
    with simulation.start({}) as task:
        task.run_until(step="charge", state="error")
        task["charge"].complete_manually({"id": 7})
        film = Film(task.finish().engine)
    found = [view["charge"].result for view in film.views() if view["charge"].state == "complete"]
    assert found == [{"id": 7}] * len(found) != []


def test_a_step_that_does_not_exist_yet_has_no_state():
    """A step of the template can be asked for before it exists; it isn't among the steps then. Others are refused."""
    film = film_of({"charge": {}, "ship": {}})
    first = next(film.views())
    assert (first["ship"].state, first["ship"].attempts, first["ship"].max_attempts) == (None, 0, 3)
    assert dict(first.steps) == {}
    with pytest.raises(RunError, match=r"There is no step 'shop'\. Did you mean 'ship'\? Steps:\n  charge\n  ship"):
        first["shop"]


def test_a_view_that_is_kept_stays_as_it_was():
    """Views don't change when later ones are asked for."""
    film = film_of({"charge": {}, "ship": {}})
    kept = list(film.views())
    assert [view.state for view in kept] == [view.state for view in film.views()]
    assert repr(kept[0]) == "<TaskView at 2026-01-01T00:00:00.000000Z: pending>"
