"""``explore``: what it checks, what it finds, and what it says of it."""

from __future__ import annotations

import itertools
import json
from typing import ClassVar

import pytest

from tasker_testkit import (
    Failure,
    FaultError,
    FaultPlan,
    HandlerHangs,
    InputError,
    Simulation,
    TaskerTestkitError,
    always,
    explore,
    sometimes,
)
from tasker_testkit.explore.space import title
from tasker_testkit.observing import heard_by
from tasker_testkit.worker.sdk import quiet

quiet()

from tasker_core import StepHandler, StepHandlerResult  # noqa: E402

RETRY = {"max_attempts": 2, "backoff": "exponential", "backoff_base_ms": 100}


def template(*names, **fields):
    """A chain of steps; or steps as they are, where a mapping is given."""
    steps = []
    for name in names:
        before = [steps[-1]["name"]] if steps else []
        given = name if isinstance(name, dict) else {"name": name, "dependencies": before}
        steps.append({"handler": {"callable": given["name"]}, "retry": RETRY, **given})
    return {"name": "orders", "namespace_name": "tests", "version": "1.0.0", "steps": steps, **fields}


def simulated(*names, stubs=None, **settings):
    """A chain with a stub behind each step."""
    made = {name: {"by": name} for name in names} if stubs is None else stubs
    return Simulation(template(*names), stubs=made, **settings)


def titles(exploration):
    """The failures, each as invariant and minimal plan."""
    return [(failure.invariant, title(tuple(failure.plan))) for failure in exploration.failures]


# -- what is found -----------------------------------------------------------------------------------------------------


def test_a_sound_workflow_has_no_failures():
    """Nothing to find: no failure, every plan run, and it says so."""
    exploration = explore(simulated("pay", "ship"), depth=2)
    assert exploration.failures == ()
    assert exploration.coverage.exhaustive
    assert "everything held" in str(exploration)


def never_blocked(run):
    """A check that some plans break."""
    assert run.state != "blocked_by_failures", f"it ended {run.state}"


def test_a_check_that_fails_is_a_failure_with_a_minimal_plan():
    """Two ways to block each step: at once, and by two failures; each is found once, and told by name and message."""
    exploration = explore(simulated("pay"), check=never_blocked, depth=2, kinds="fail")
    assert titles(exploration) == [
        ("never_blocked", "pay-1-fail_permanent"),
        ("never_blocked", "pay-1-fail_retryable+pay-2-fail_retryable"),
    ]
    assert exploration.failures[0].message.startswith("doesn't hold of this run: it ended blocked_by_failures")
    assert exploration.failures[0].plan == FaultPlan().fail("pay", attempt=1, retryable=False)
    assert len(exploration.failures[0].plan) == 1


def test_plans_with_more_faults_count_as_the_same_failure():
    """A plan that only adds a fault to a known cause isn't another failure."""
    exploration = explore(simulated("pay", "ship"), check=never_blocked, depth=2, kinds="fail_permanent,duplicate")
    assert titles(exploration) == [
        ("never_blocked", "pay-1-fail_permanent"),
        ("never_blocked", "ship-1-fail_permanent"),
    ]
    assert [failure.times for failure in exploration.failures] == [1, 2]


def test_false_is_a_failure_and_an_exception_too():
    """A check says no by returning False or by raising whatever it likes; None and True are yes."""
    checks = {
        "says_no": lambda run: run.state == "complete",
        "raises": lambda run: 1 / (run.state == "complete") > 0,
        "says_yes": lambda run: True,
        "says_nothing": lambda run: None,
    }
    for name, check in checks.items():
        check.__name__ = name
    exploration = explore(simulated("pay"), check=checks.values(), kinds="fail_permanent")
    assert {invariant for invariant, _ in titles(exploration)} == {"says_no", "raises"}


def test_taskers_own_promises_are_always_checked():
    """As built a crash beside another step's result leaves a task that never ends: found without any check."""
    steps = [{"name": "pay"}, {"name": "ship"}]
    simulation = Simulation(template(*steps), stubs={"pay": {}, "ship": {}}, profile="tasker-0.1.8", workers=2)
    exploration = explore(simulation, kinds="crash_after")
    assert {failure.invariant for failure in exploration.failures} == {"ends"}
    assert "nothing can happen any more" in exploration.failures[0].message


def test_an_invariant_sees_every_moment():
    """``always`` is judged in between, not only at the end."""
    waits = always(lambda task: task.state != "waiting_for_retry", name="never_waits")
    exploration = explore(simulated("pay"), check=waits, kinds="fail_retryable")
    assert titles(exploration) == [("never_waits", "pay-1-fail_retryable")]


def test_a_goal_must_be_reached_once():
    """``sometimes`` is met by one run of all; one that no run meets is a failure of the plain workflow."""
    blocked = sometimes(lambda task: task.state == "blocked_by_failures", name="blocked")
    cancelled = sometimes(lambda task: task.state == "cancelled", name="cancelled")
    exploration = explore(simulated("pay"), check=[blocked, cancelled], kinds="fail")
    assert titles(exploration) == [("cancelled", "no_fault")]
    assert "at no moment of any of the 3 runs" in exploration.failures[0].message


class Numbering(StepHandler):
    """Keeps a number on its class."""

    handler_name = "pay"
    numbers = itertools.count()

    def call(self, context):
        """Another payment each time."""
        return StepHandlerResult.success({"payment": {"id": next(self.numbers)}, "paid": True})


def test_a_handler_that_reads_ambient_state_is_found_out():
    """Two runs of one plan differ: the message names step, attempt and key, both values, and what to do."""
    simulation = Simulation(template("pay"), handlers={"pay": Numbering})
    exploration = explore(simulation)
    assert titles(exploration) == [("same_again", "no_fault")]
    assert "step 'pay', attempt 1: result.payment.id is" in exploration.failures[0].message
    assert "setup=" in exploration.failures[0].message


class Remembering(StepHandler):
    """Keeps the tasks it has paid for on its class, and pays for none of them again."""

    handler_name = "pay"
    known: ClassVar[set] = set()

    def call(self, context):
        """Paid the first time, known from then on."""
        paid = context.task_uuid not in self.known
        self.known.add(context.task_uuid)
        return StepHandlerResult.success({"paid": paid})


def test_what_only_the_first_run_does_is_found_out():
    """A handler that never comes back to its first state differs in the first run only; that is found as well."""
    exploration = explore(Simulation(template("pay"), handlers={"pay": Remembering}))
    assert titles(exploration) == [("same_again", "no_fault")]
    assert "result.paid is True in one, False in the other" in exploration.failures[0].message


class Blocking(StepHandler):
    """Never returns on a second attempt."""

    handler_name = "pay"

    def call(self, context):
        """Fine at first."""
        while context.retry_count:
            pass
        return StepHandlerResult.success({})


def test_a_handler_that_blocks_is_a_failure_of_its_own():
    """A run that breaks off is a failure under its error's name; the exploration goes on."""
    simulation = Simulation(template("pay"), handlers={"pay": Blocking}, real_timeout=0.05)
    exploration = explore(simulation, kinds="fail")
    assert titles(exploration) == [(HandlerHangs.__name__, "pay-1-fail_retryable")]
    assert exploration.states == ("complete", None, "blocked_by_failures")
    assert exploration.failures[0].run["pay"].state == "in_progress"


def test_a_failure_can_be_run_again():
    """``failure.run`` is the run of the minimal plan, and its token belongs to it."""
    failure = explore(simulated("pay"), check=never_blocked, kinds="fail").failures[0]
    assert failure.run.state == "blocked_by_failures"
    assert failure.token == failure.run.token
    assert failure.run is failure.run


# -- what there is -----------------------------------------------------------------------------------------------------


def test_runs_are_those_of_the_plans():
    """``runs[i]`` is the run of ``plans[i]`` and ends as ``states[i]`` says; slices and iteration work."""
    exploration = explore(simulated("pay", "ship"), kinds="fail")
    assert len(exploration.runs) == len(exploration.plans) == len(exploration.states) == 5
    assert [run.state for run in exploration.runs] == list(exploration.states)
    attempts = [[attempt for step in run.steps.values() for attempt in step.attempts] for run in exploration.runs]
    fired = [sum(len(attempt.faults) for attempt in made) for made in attempts]
    assert fired == [len(plan) for plan in exploration.plans]
    assert [run.state for run in exploration.runs[3:]] == list(exploration.states[3:])


def test_nobody_hears_of_explored_runs(capsys):
    """Runs of an exploration aren't the test's own, and what handlers print isn't either; a failure's run is."""
    heard = []
    stubs = {"pay": lambda context: print("printed")}
    with heard_by(heard.append):
        exploration = explore(simulated("pay", stubs=stubs), check=never_blocked, kinds="fail")
        assert exploration.runs[1].state == "complete"
        assert heard == []
        assert heard == [exploration.failures[0].run]
    assert capsys.readouterr().out.count("printed") == 0


def test_the_simulation_stays_as_it_is():
    """Exploring a simulation changes nothing about it, and starts its doubles afresh before each run."""
    started = []
    stubs = {"pay": lambda context: {"paid": True}}
    simulation = simulated("pay", stubs=stubs, setup=lambda: started.append(1))
    before = simulation.run().history
    exploration = explore(simulation, kinds="fail")
    assert simulation.run().history == before
    assert len(simulation.faults) == 0
    assert len(started) >= 2 + 2 * len(exploration.plans)


def test_depth_0_is_the_plain_workflow():
    """Without faults there is one plan."""
    exploration = explore(simulated("pay"), depth=0)
    assert exploration.plans == (FaultPlan(),)
    assert exploration.coverage.exhaustive


def test_a_stub_that_fails_makes_places_too():
    """Attempts that happen without any fault are places: a workflow that retries by itself is hit at its retry."""
    stubs = {"pay": [Failure("busy"), {"paid": True}]}
    plans = explore(simulated("pay", stubs=stubs), kinds="fail_permanent,hang").plans
    assert list(map(title, map(tuple, plans))) == [
        "no_fault",
        "pay-1-fail_permanent",
        "pay-1-hang",
        "pay-2-fail_permanent",
        "pay-2-hang",
    ]


def test_what_runs_no_code_of_the_users_runs_once():
    """Results that are plain data can't differ from run to run; anything that is called can, and runs twice."""
    started = []

    def runs(**settings):
        started.clear()
        plans = explore(simulated("pay", setup=lambda: started.append(1), **settings), kinds="crash").plans
        return len(started) - 2 - len(plans)

    assert runs(stubs={"pay": [{"paid": 1}, Failure("busy"), ValueError("x")]}, durations={"pay": ["1s", 2]}) == 0
    assert runs(stubs={"pay": [{"paid": 1}, lambda context: {}]}) == 3
    assert runs(durations={"pay": lambda context, random: 1}) == 3


# -- samples -----------------------------------------------------------------------------------------------------------


def test_a_limit_takes_an_even_sample_and_says_so():
    """All plans with one fault, as many of those with two as are left; the share is told, and the seed decides."""
    simulation = simulated("a", "b", "c")
    whole = explore(simulation, depth=2, kinds="fail")
    sample = explore(simulation, depth=2, kinds="fail", limit=12)
    one, two = whole.coverage.levels[1:]
    assert len(sample.plans) == 12
    assert [level.plans for level in sample.coverage.levels] == [1, one.plans, two.plans]
    assert [level.seen for level in sample.coverage.levels] == [1, one.plans, 12 - 1 - one.plans]
    assert not sample.coverage.exhaustive
    assert 0 < sample.coverage.share < 1
    assert f"{two.plans} plans with 2 faults (" in str(sample)
    assert "not all there are" in str(sample)
    assert [plan for plan in whole.plans if plan in sample.plans] == list(sample.plans)
    assert explore(simulation, depth=2, kinds="fail", limit=12).plans == sample.plans


def test_a_sample_of_one_level_leaves_the_next_unknown():
    """If not all plans with one fault are run, how many have two isn't known, only how many at least."""
    exploration = explore(simulated("a", "b", "c"), depth=2, kinds="fail", limit=4)
    assert str(exploration.coverage.levels[2]).startswith("0 of at least ")
    assert not exploration.coverage.exhaustive


# -- growth ------------------------------------------------------------------------------------------------------------


def test_what_a_decision_creates_is_explored():
    """Steps that exist only because of a decision are hit, those that it didn't choose are not."""
    steps = [
        {"name": "start"},
        {"name": "decide", "type": "decision", "dependencies": ["start"]},
        {"name": "small", "dependencies": ["decide"]},
        {"name": "large", "dependencies": ["decide"]},
    ]
    chosen = {"decision_point_outcome": {"type": "create_steps", "step_names": ["small"]}}
    simulation = Simulation(template(*steps), stubs={"start": {}, "decide": chosen, "small": {}, "large": {}})
    plans = explore(simulation, kinds="crash_after").plans
    assert [title(tuple(plan)) for plan in plans] == [
        "no_fault",
        "start-1-crash_after",
        "decide-1-crash_after",
        "small-1-crash_after",
    ]


def test_instances_of_a_batch_are_explored():
    """Each instance of a batch worker is hit under its own name, between the analyzer and what follows."""
    config = {"batch_size": 1, "parallelism": 2, "cursor_field": "id", "worker_template": "work"}
    config["failure_strategy"] = "fail_fast"
    steps = [
        {"name": "gather", "type": "deferred_convergence", "dependencies": ["work"]},
        {"name": "work", "type": "batch_worker", "dependencies": ["analyze"], "batch_config": config},
        {"name": "analyze", "type": "batchable"},
    ]
    cursors = [{"batch_id": f"{n:03}", "start_cursor": n, "end_cursor": n + 1, "batch_size": 1} for n in (1, 2)]
    outcome = {
        "type": "create_batches",
        "worker_template_name": "work",
        "worker_count": 2,
        "cursor_configs": cursors,
        "total_items": 2,
    }
    stubs = {"analyze": {"batch_processing_outcome": outcome}, "work": {}, "gather": {}}
    plans = explore(Simulation(template(*steps), stubs=stubs), kinds="hang").plans
    assert [title(tuple(plan)) for plan in plans] == [
        "no_fault",
        "gather-1-hang",
        "work_001-1-hang",
        "work_002-1-hang",
        "analyze-1-hang",
    ]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"depth": -1}, "depth=-1: give a whole number from 0."),
        ({"depth": 1.5}, "depth=1.5: give a whole number from 0."),
        ({"depth": True}, "depth=True: give a whole number from 0."),
        ({"limit": 0}, "limit=0: give a whole number from 1."),
        ({"kinds": "crahs"}, "there is no kind 'crahs'"),
        ({"executor": 2}, "executor=2: give a concurrent.futures.Executor such as ProcessPoolExecutor(2), or None."),
        ({"check": 3}, "check: 3 can't be checked"),
        ({"check": [lambda run: "yes"]}, "returned 'yes'. A check raises or returns False"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    """One clear error each, before or at the first run."""
    with pytest.raises(TaskerTestkitError) as refused:
        explore(simulated("pay"), **settings)
    assert said in str(refused.value)


def test_what_is_no_simulation_is_refused():
    """A template's path, say: the message shows what to make of it."""
    with pytest.raises(TaskerTestkitError) as refused:
        explore("order.yaml", {})
    assert str(refused.value).startswith("explore('order.yaml'): give a Simulation, as in explore(Simulation(")


def test_a_simulation_with_faults_of_its_own_is_refused():
    """Which faults strike is the exploration's to choose; the message lists those that are in the way."""
    simulation = simulated("pay", faults=FaultPlan().fail("pay", attempt=1))
    with pytest.raises(FaultError) as refused:
        explore(simulation)
    assert str(refused.value) == (
        "This simulation has faults of its own, and explore plans all faults:\n"
        "  fail at pay, attempt 1\n"
        "Explore one without faults."
    )


def test_a_plain_run_that_is_impossible_is_the_callers_error():
    """What the workflow can't do without any fault is no finding: it raises as the simulation does."""
    schema = {"type": "object", "required": ["total"]}
    simulation = Simulation(template("pay", input_schema=schema), stubs={"pay": {}})
    with pytest.raises(InputError, match="total"):
        explore(simulation, {})


# -- what is said ------------------------------------------------------------------------------------------------------


def test_steps_without_a_timeout_are_named():
    """A handler that hangs there has no end but staleness: worth knowing, with the steps' names."""
    steps = [{"name": "pay"}, {"name": "ship", "timeout_seconds": 5}]
    simulation = Simulation(template(*steps), stubs={"pay": {}, "ship": {}})
    exploration = explore(simulation)
    assert [note.split(";")[0] for note in exploration.notes] == ["nothing ends a handler that hangs in pay"]
    assert explore(simulation, kinds="crash").notes == ()


def test_what_the_plain_run_warns_of_is_told():
    """A choice that Tasker makes nothing of leaves little to explore, and all of that may hold: a note says why."""
    steps = [
        {"name": "check", "handler": {"callable": "x"}},
        {"name": "decide", "type": "decision", "handler": {"callable": "x"}, "dependencies": ["check"]},
        {"name": "ship", "handler": {"callable": "x"}, "dependencies": ["decide"]},
    ]
    template = {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": steps}
    stubs = {"check": {}, "decide": {"decision_point_outcome": {"type": "create_step"}}, "ship": {}}
    (note,) = explore(Simulation(template, stubs=stubs), {}, kinds="fail").notes
    assert note.startswith("the plain run warns: step decide: its result")


def test_kinds_that_never_happen_are_told():
    """If no fault of the chosen kinds can happen, that isn't silence."""
    exploration = explore(simulated("pay"), kinds="corrupt,delay")
    assert len(exploration.plans) == 1
    assert exploration.notes == (
        "none of these kinds of faults can happen in the plain run: delay_under, delay_over, corrupt.",
    )


def test_the_data_are_plain_json():
    """``to_data`` survives JSON, and the plans in it are plans again."""
    exploration = explore(simulated("pay"), check=never_blocked, kinds="fail")
    data = json.loads(json.dumps(exploration.to_data()))
    assert data == exploration.to_data()
    assert data["format"] == "tasker-testkit/exploration"
    assert [FaultPlan.from_data(plan["faults"]) for plan in data["plans"]] == list(exploration.plans)
    assert [(one["invariant"], one["id"]) for one in data["failures"]] == titles(exploration)


def test_many_failures_are_told_in_brief():
    """The first five in full, the others by invariant and plan."""
    exploration = explore(simulated(*"abcdefg"), check=never_blocked, kinds="fail_permanent")
    text = str(exploration)
    assert "── failure 5 of 7 ──" in text
    assert text.endswith("\n\n── 2 more ──\nnever_blocked: f-1-fail_permanent\nnever_blocked: g-1-fail_permanent")
