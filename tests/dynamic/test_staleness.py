"""Tasks that wait too long: the detector's ticks, the template's own limits, and when nobody looks any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tasker_testkit import DOCUMENTED, TASKER_0_1_8, FaultPlan
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.model.outcome import failure, success
from tasker_testkit.model.template import Handler, Retry, StepTemplate, Template

PROFILES = {"documented": DOCUMENTED, "tasker-0.1.8": TASKER_0_1_8}
HANGING = [("charge", "standard", [])]
SECOND = 1_000_000
MINUTE = 60 * SECOND


def lifecycle(**minutes):
    """The template's own limits."""
    return {"lifecycle": {f"max_{state}_minutes": value for state, value in minutes.items()}}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("phase", "limits", "expected"),
    [
        (0, {}, 1_800),
        (1, {}, 1_801),
        (299, {}, 1_800 + 299),
        (0, {"steps_in_process": 1}, 300),
        (7, {"steps_in_process": 1}, 307),
        (7, {"steps_in_process": 90}, 90 * 60 + 7),
        (0, {"waiting_for_dependencies": 1, "waiting_for_retry": 1}, 1_800),
    ],
)
def test_a_task_goes_stale_at_a_tick_of_the_detector(grown, profile, phase, limits, expected):
    """A hanging step: 30 minutes in steps_in_process, or what the template says, and then the detector's next tick."""
    run = grown(
        HANGING,
        stubs={"charge": {}},
        profile=replace(PROFILES[profile], detector_phase=phase * SECOND),
        faults=FaultPlan().hang("charge"),
        template=lifecycle(**limits) if limits else {},
    ).run()
    assert (run.state, run["charge"].state, run.elapsed) == ("error", "in_progress", timedelta(seconds=expected))
    assert run.history.dead_letters == (
        {
            "at": float(expected),
            "original_state": "steps_in_process",
            "reason": "staleness_timeout",
            "resolution": "pending",
        },
    )


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("took", "state"), [("29m", "complete"), ("31m", "error")])
def test_one_long_handler_is_enough(grown, profile, took, state):
    """A handler that runs alone for more than 30 minutes loses its task; its late result still completes the step."""
    run = grown(HANGING, stubs={"charge": {}}, durations={"charge": took}, profile=profile).run()
    assert (run.state, run["charge"].state) == (state, "complete")


def test_a_late_result_enqueues_nothing(grown):
    """What comes after a stale task's step never starts."""
    steps = [*HANGING, ("ship", "standard", ["charge"])]
    run = grown(steps, stubs={"charge": {}, "ship": {}}, durations={"charge": "31m"}).run()
    assert (run.state, run["charge"].state, run["ship"].state) == ("error", "complete", "pending")


@pytest.mark.parametrize(("minutes", "waits"), [(None, 3_600), (10, 600), (10_000, 86_400)])
def test_as_built_a_waiting_task_goes_stale(grown, minutes, waits):
    """``retryable: false`` makes a step wait for ever: stale after 60 minutes, the template's limit, or a day."""
    run = grown(
        [("charge", "standard", [], {"retry": {"retryable": False, "max_attempts": 2}})],
        faults=FaultPlan().fail("charge"),
        stubs={"charge": {}},
        profile="tasker-0.1.8",
        template=lifecycle(waiting_for_dependencies=minutes) if minutes else {},
    ).run()
    assert (run.state, run["charge"].state, run.elapsed) == ("error", "waiting_for_retry", timedelta(seconds=waits))
    assert run.history.dead_letters[0]["original_state"] == "waiting_for_dependencies"


@pytest.mark.parametrize(("minutes", "state"), [(None, "error"), (50, "complete")])
def test_documented_a_long_backoff_goes_stale(grown, minutes, state):
    """A wait of 45 minutes is more than the 30 of waiting_for_retry, unless the template allows it."""
    retry = {"max_attempts": 2, "backoff": "linear", "backoff_base_ms": 2_700_000, "max_backoff_ms": 2_700_000}
    run = grown(
        [("charge", "standard", [], {"retry": retry})],
        stubs={"charge": {}},
        faults=FaultPlan().fail("charge", attempt=1),
        template=lifecycle(waiting_for_retry=minutes) if minutes else {},
        profile=replace(DOCUMENTED, strict_templates=False),
    ).run()
    assert run.state == state


@pytest.mark.parametrize("profile", PROFILES)
def test_a_blocked_task_never_goes_stale(grown, profile):
    """The detector looks at three states; blocked_by_failures isn't one, whatever its age."""
    run = grown(
        HANGING,
        stubs={"charge": {}},
        faults=FaultPlan().fail("charge", retryable=False),
        actions=[{"do": "resolve_manually", "step": "charge", "at": "3d"}],
        profile=profile,
    ).run()
    assert run.state == ("complete" if profile == "documented" else "blocked_by_failures")
    assert run.history.dead_letters == ()


def after_a_wait(seconds: int) -> Engine:
    """As built: a worker-made failure that waits so long, without a detector to end the task before."""
    profile = replace(
        TASKER_0_1_8,
        jitter=0.0,
        worker_backoff_base_s=seconds // 2,
        worker_backoff_cap_s=seconds,
        stale_after=dict.fromkeys(TASKER_0_1_8.stale_after, 10**15),
        stale_age=10**15,
    )
    step = StepTemplate("a", Handler("x"), retry=Retry(max_attempts=2))
    engine = Engine(Blueprint(Template("t", "n", "1", (step,))), profile=profile)
    while call := engine.next_call(until=24 * 60 * MINUTE):
        lost = failure("lost", "ffi_timeout", retryable=True, worker_made=True)
        engine.report(call, lost if call.attempt == 1 else success())
    return engine


@pytest.mark.parametrize(
    ("seconds", "state"), [(59 * 60, "complete"), (60 * 60, "complete"), (60 * 60 + 2, "waiting_for_dependencies")]
)
def test_as_built_a_wait_of_more_than_an_hour_is_never_woken(seconds, state):
    """The poll takes a task that has waited up to 60 minutes, and never one that has waited longer (row 4)."""
    engine = after_a_wait(seconds)
    assert engine.ledger.task_state == state
    if state == "complete":
        assert engine.now == seconds * SECOND
    else:
        assert engine.stuck() == (
            "The task stays waiting_for_dependencies: nothing can happen any more.\n"
            "  a: waiting_for_retry, nothing looks at it any more"
        )


def test_the_priority_is_what_handlers_see(grown):
    """A task's priority orders tasks, not steps: handlers see it, and nothing else changes."""
    seen = []

    def look(context):
        seen.append(context.event.task_sequence_step["task"]["task"]["priority"])
        return {}

    runs = [grown(HANGING, stubs={"charge": look}, priority=priority).run() for priority in (0, 9)]
    assert seen == [0, 9]
    assert runs[0].history.to_json() == runs[1].history.to_json()
