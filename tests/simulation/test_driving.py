"""Tasks driven by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import Failure, RunError, Simulation, TaskerTestkitError
from tasker_testkit.sections import listening, timelines

STUBS = {"a": [Failure("busy"), {"n": 1}], "b": {}}


@pytest.fixture
def simulation(workflow):
    """Two steps, the first of which fails once; each takes a second."""
    return Simulation(workflow("a", "b"), stubs=STUBS, durations={"a": "1s", "b": "1s"})


def test_instants(simulation):
    """Everything that is due at an instant has happened when run_until gives the task back; time stands still then."""
    task = simulation.start()
    assert (task.now, task.state, task["a"].state) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        "steps_in_process",
        "enqueued",
    )
    task.run_until("2026-01-01T00:00:00.5Z")
    assert (task["a"].state, task["a"].attempts) == ("in_progress", 1)
    task.run_until(datetime(2026, 1, 1, 0, 0, 1))
    assert (task.state, task["a"].state) == ("waiting_for_retry", "waiting_for_retry")
    task.advance("99ms")
    assert task["a"].attempts == 1
    task.advance(0.001)
    assert task["a"].attempts == 2
    assert task.now - datetime(2026, 1, 1, tzinfo=UTC) == timedelta(seconds=1.1)
    assert task.finish().elapsed == timedelta(seconds=3.1)


def test_call_by_call(simulation):
    """call_next goes on by one call of a handler, however long that takes, and says whose; None when all is over."""
    task = simulation.start()
    assert [(name, step.attempts, step.max_attempts) for name, step in task.steps.items()] == [("a", 0, 3), ("b", 0, 3)]
    assert [task.call_next() for _ in range(4)] == ["a", "a", "b", None]
    assert task["a"].attempts == 2
    run = task.finish()
    assert (run.state, run.elapsed) == ("complete", timedelta(seconds=3.1))
    with pytest.raises(RunError, match="finished"):
        task.call_next()


def test_states(simulation):
    """run_until stops as soon as the step, or the task, is in the state."""
    task = simulation.start()
    task.run_until(step="a", state="waiting_for_retry")
    assert (task["a"].state, task.now.second) == ("waiting_for_retry", 1)
    task.run_until(step="a", state="waiting_for_retry")
    task.run_until(state="steps_in_process")
    assert (task.state, task["a"].attempts) == ("steps_in_process", 1)
    task.run_until(step="b", state="in_progress")
    assert (task["a"].state, task["b"].state) == ("complete", "in_progress")
    task.run_until(state="complete")
    assert task.state == "complete"


@given(st.lists(st.integers(0, 1_500_000), max_size=6))
def test_stopping_changes_nothing(workflow, stops):
    """However a task is advanced, it comes to the same history as when it runs through."""
    simulation = Simulation(workflow("a", "b"), stubs=STUBS, durations={"a": "1s", "b": "1s"})
    task = simulation.start({"n": 1})
    for stop in stops:
        task.advance(f"{stop}us")
    assert task.finish().history.to_json() == simulation.run({"n": 1}).history.to_json()


def test_finish_again(simulation):
    """The same run, and nothing can be done to it any more."""
    with simulation.start() as task:
        run = task.finish()
        assert task.finish() is run
        for again in (task.cancel, lambda: task.advance(1), task["a"].resolve_manually):
            with pytest.raises(RunError, match=r"^This task is finished; start another one with simulation\.start"):
                again()


def test_cancel(simulation):
    """What runs goes on, its result is dropped; a task that has ended can't be cancelled."""
    task = simulation.start()
    task.run_until(step="a", state="in_progress")
    task.cancel()
    assert (task.state, task["a"].state, task["b"].state) == ("cancelled", "cancelled", "cancelled")
    with pytest.raises(RunError) as caught:
        task.cancel()
    assert str(caught.value) == "Can't cancel the task: it is cancelled, and that is an end."
    assert task.finish().state == "cancelled"


MESSAGES = {
    "no question": (
        lambda task: task.run_until(),
        'run_until needs an instant, or state=..., as in run_until(step="x", state="in_progress").',
    ),
    "unknown step": (lambda task: task["c"], "There is no step 'c'. Steps:\n  a\n  b"),
    "near step": (
        lambda task: task.run_until(step="aa", state="complete"),
        "There is no step 'aa'. Did you mean 'a'? Steps:\n  a\n  b",
    ),
    "back in time": (
        lambda task: task.run_until("2025-12-31T23:59:59Z"),
        "Can't run back in time: it is 0 s after the start already.",
    ),
    "never": (
        lambda task: task.run_until(step="b", state="error"),
        "Step 'b' never becomes error: it is complete. The task ended complete.",
    ),
    "never, the task": (
        lambda task: task.run_until(state="blocked_by_failures"),
        "The task never becomes blocked_by_failures: it is complete. The task ended complete.",
    ),
    "in passing": (
        lambda task: task.run_until(state="evaluating_results"),
        "The task isn't evaluating_results any more: it was at 3.1 s, it is complete now. "
        "The finished run's states have all that it went through.",
    ),
    "in passing, a step": (
        lambda task: task.run_until(step="b", state="enqueued_for_orchestration"),
        "Step 'b' isn't enqueued_for_orchestration any more: it was at 3.1 s, it is complete now. "
        "The finished run's states have all that it went through.",
    ),
    "no reset": (
        lambda task: task["a"].reset_for_retry(),
        "Can't reset step 'a': it is enqueued. Only a step in 'error' can be reset for a retry.",
    ),
    "not an instant": (
        lambda task: task.run_until("noon"),
        "'noon' is not an instant. Write ISO 8601, for example '2026-01-01T00:00:00Z', or a datetime.",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_what_makes_no_sense(simulation, case):
    """The error says what is, and what was possible."""
    act, message = MESSAGES[case]
    with pytest.raises(TaskerTestkitError) as caught:
        act(simulation.start())
    assert str(caught.value) == message


def test_a_state_that_there_is_not(simulation):
    """The nearest state, and all there are: a step's for a step, a task's for a task."""
    with pytest.raises(RunError) as caught:
        simulation.start().run_until(step="a", state="in_progres")
    text = str(caught.value)
    assert text.startswith("'in_progres' isn't a state of a step. Did you mean 'in_progress'? Its states:\n  pending\n")
    with pytest.raises(RunError, match=r"^'in_progress' isn't a state of a task\."):
        simulation.start().run_until(state="in_progress")


def test_a_block_that_is_left_shows_the_run_so_far(simulation):
    """Leaving the block without finish, by an error or not, hands over what happened until then, and only once."""

    def fail():
        with simulation.start() as task:
            task.run_until(step="a", state="waiting_for_retry")
            raise ZeroDivisionError

    with listening() as runs:
        with pytest.raises(ZeroDivisionError):
            fail()
        assert "waiting_for_retry" in timelines(runs)
        with simulation.start() as task:
            task.run_until(step="b", state="in_progress")
        assert [(run.state, run["a"].state) for run in runs] == [
            ("waiting_for_retry", "waiting_for_retry"),
            ("steps_in_process", "complete"),
        ]
        with simulation.start() as task:
            task.finish()
        assert runs.total == 3
