"""Each row of docs/profiles.md by itself: what a workflow, or a handler, does under either profile.

A test is named after its row and runs under both; what it expects of each stands beside it.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace

import pytest
from small_workflows import (
    BUSY,
    FAILED,
    FAILS,
    HANDLERS,
    QUICK,
    QUICKLY,
    RESET,
    RESOLVE,
    ROOT,
    ROUTE,
    SHAPED,
    TWO,
    Reading,
    Shaping,
    batch,
    failing,
    plan,
    raising,
    simulation,
    step,
)
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import Failure, InputError, RunError, Simulation, SubmissionRefused, TemplateError
from tasker_testkit.fidelity.rows import ROWS
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.profile import PROFILES

NUL = {"bad_checkpoint": {"cursor": 1}}
"""A checkpoint that can't be stored: a failure that the worker itself makes, at once."""


def parted(documented, built):
    """The test runs under both profiles; what it expects is ``expected``."""
    cases = (("documented", documented), ("tasker-0.1.8", built))
    return pytest.mark.parametrize(("profile", "expected"), cases, ids=[name for name, _ in cases])


def seconds(waits):
    """Durations as seconds."""
    return [wait.total_seconds() for wait in waits]


def started(run, name):
    """When each attempt of a step began, in seconds after the submission."""
    begun = [attempt.started_at for attempt in run[name].attempts]
    return [(at - run.history.start).total_seconds() for at in begun if at is not None]


# -- retries -----------------------------------------------------------------------------------------------------------


@parted([0.1, 0.2], [0, 0])
def test_row_01_wait_before_the_next_attempt(profile, expected):
    """The template's policy, or none at all for what a handler returns."""
    charge = step("charge", retry={**QUICK, "max_attempts": 3})
    run = simulation(charge, profile=profile).run(plan(charge=[BUSY, BUSY, {"ok": {}}]))
    assert seconds(run["charge"].waits) == expected


@parted([0.1], [5])
def test_row_01_a_failure_that_the_worker_makes_waits(profile, expected):
    """As built it waits 2 s, whatever the template says, and then for the poll's next tick (row 4)."""
    run = simulation(step("charge"), profile=profile).run(plan(charge=[NUL, {"ok": {}}]))
    assert seconds(run["charge"].waits) == expected


@parted([3], [0])
def test_row_02_a_wait_that_the_other_side_asked_for(profile, expected):
    """At least what was asked for, or nothing."""
    charge = step("charge", callable="scripted_fn")
    run = simulation(charge, profile=profile).run(plan(charge=[raising("RetryableError", retry_after=3), {"ok": {}}]))
    assert seconds(run["charge"].waits) == expected


@parted([5], [0])
def test_row_02_is_capped_by_the_template(profile, expected):
    """A wish beyond max_backoff_ms (5 s here) is granted up to that."""
    charge = step("charge", callable="scripted_fn")
    run = simulation(charge, profile=profile).run(plan(charge=[raising("RetryableError", retry_after=60), {"ok": {}}]))
    assert seconds(run["charge"].waits) == expected


@parted({0.8}, {14.0, 15.0, 16.0, 17.0, 18.0})
def test_row_03_jitter(profile, expected):
    """None as documented; as built a worker-made failure waits 16 s, plus or minus up to trunc(15 %) whole seconds."""
    charge = step("charge", retry={**QUICK, "max_attempts": 5})
    watched = PROFILES[profile]
    if watched.poll_interval:
        watched = replace(watched, poll_interval=SECOND)
    runs = [simulation(charge, profile=watched, seed=n).run(plan(charge=[NUL] * 4 + [{"ok": {}}])) for n in range(40)]
    assert {seconds(run["charge"].waits)[-1] for run in runs} == expected


@parted([0, 0.1], [0, 5])
def test_row_04_when_a_waiting_task_wakes(profile, expected):
    """At the due instant; as built the step is due after 2 s and found at the next tick of 5 s."""
    run = simulation(step("charge"), profile=profile).run(plan(charge=[NUL, {"ok": {}}]))
    assert started(run, "charge") == expected


@parted([0, 0.1], [0, 12])
def test_row_04_not_while_another_step_is_in_flight(profile, expected):
    """As built the task isn't polled while a step runs: that step's result, after 12 s, wakes it."""
    both = (step("charge"), step("mail"))
    run = simulation(*both, profile=profile).run(plan(charge=[NUL, {"ok": {}}], mail={"sleep": 12}))
    assert started(run, "charge") == expected


@parted("waiting_for_retry", "waiting_for_dependencies")
def test_row_05_the_tasks_state_while_it_waits(profile, expected):
    """As built ``waiting_for_retry`` is a state of steps only."""
    with simulation(step("charge"), profile=profile).start(plan(charge=[NUL, {"ok": {}}])) as task:
        task.run_until(step="charge", state="waiting_for_retry")
        task.advance(0)
        assert task.state == expected
        assert task.finish().state == "complete"


@parted(("error", "blocked_by_failures", 0), ("waiting_for_retry", "error", 3600))
def test_row_06_the_templates_flag(profile, expected):
    """``retryable: false``: an error at once, or a wait without end until the task is stale after an hour."""
    charge = step("charge", retry={**QUICK, "retryable": False})
    run = simulation(charge, profile=profile).run(plan(charge=[BUSY, {"ok": {}}]))
    assert (run["charge"].state, run.state, run.elapsed.total_seconds()) == expected
    assert len(run["charge"].attempts) == 1


# -- from handler to outcome -------------------------------------------------------------------------------------------


def ended(profile, behaviour, **keys):
    """The outcome of the first attempt of a step that does this."""
    outcome = simulation(step("charge", **keys), profile=profile).run(plan(charge=[behaviour]))["charge"].attempts[0]
    return outcome.outcome


@parted(("PermanentError", "E1", False), ("PermanentError", None, True))
def test_row_07_a_class_handler_raises(profile, expected):
    """Permanent as its class says, the code kept; or retryable whatever it is, the code lost."""
    outcome = ended(profile, raising("PermanentError", error_code="E1"))
    assert (outcome.error_type, outcome.error_code, outcome.retryable) == expected


@parted(("permanent_error", False), ("permanent_error", False))
def test_row_07_is_about_classes_only(profile, expected):
    """A function handler that raises is classified in both."""
    outcome = ended(profile, raising("PermanentError"), callable="scripted_fn")
    assert (outcome.error_type, outcome.retryable) == expected


@parted(("E1", "E1"), (None, "E1"))
def test_row_08_error_code(profile, expected):
    """Lost on the way, but for a copy in the metadata."""
    lost, kept = failing(error_code="E1"), failing(error_code="E1", metadata={"error_code": "E1"})
    assert ended(profile, lost).error_code == expected[0]
    assert ended(profile, kept).metadata["error_code"] == expected[1]


@parted({"ticket": 7, "custom": {"box": 1}}, {"custom": {"box": 1}})
def test_row_09_metadata(profile, expected):
    """All of it, or only the keys that Tasker knows."""
    assert ended(profile, failing(metadata={"ticket": 7, "custom": {"box": 1}})).metadata == expected


@parted(("contract_error", False, 0), ("ffi_timeout", True, 30))
def test_row_10_no_result_object(profile, expected):
    """An error that says so, or silence until the worker's clean-up."""
    run = simulation(step("charge"), profile=profile).run(plan(charge={"return": "dict"}))
    first = run["charge"].attempts[0]
    taken = (first.ended_at - first.started_at).total_seconds()
    assert (first.outcome.error_type, first.outcome.retryable, taken) == expected


@parted(("contract_error", "result.value is a <class object>"), ("FFI_SERIALIZATION_ERROR", "FFI serialization failed"))
def test_row_11_a_result_that_is_not_json(profile, expected):
    """Permanent in both; one names the place."""
    outcome = ended(profile, {"value": "object"})
    assert (outcome.error_type, outcome.retryable) == (expected[0], False)
    assert outcome.message.startswith(expected[1])


@parted(("error", "blocked_by_failures"), ("enqueued_for_orchestration", "error"))
def test_row_11_a_nul_character(profile, expected):
    """An error, or a step that hangs before the orchestrator until its task is stale."""
    run = simulation(step("charge"), profile=profile).run(plan(charge={"value": "nul"}))
    assert (run["charge"].state, run.state) == expected


@parted((["timeout", None], 5.1), ([None], 8))
def test_row_12_timeout_seconds(profile, expected):
    """The attempt of 8 s fails after its 5 s and another follows; or it just takes 8 s."""
    charge = step("charge", timeout_seconds=5)
    run = simulation(charge, profile=profile).run(plan(charge=[{"sleep": 8}, {"ok": {}}]))
    kinds = [attempt.outcome.error_type for attempt in run["charge"].attempts]
    assert (kinds, run.elapsed.total_seconds()) == expected


# -- the task's door ---------------------------------------------------------------------------------------------------


def refused(make):
    """The kind of error with which it is refused, or the state in which the task ends."""
    try:
        return make().state
    except (InputError, SubmissionRefused, TemplateError) as error:
        return type(error)


@parted(InputError, "complete")
def test_row_13_input_schema(profile, expected):
    """Input that doesn't fit is refused, or nobody looks."""
    template = {"input_schema": {"type": "object", "required": ["total"]}}
    assert refused(lambda: simulation(step("charge"), template=template, profile=profile).run(plan())) == expected


@parted(
    {"online": 1, "lines": [{"note": "<script>", "eval": 2}]},
    {"lines": [{"note": "&lt;script&gt;"}]},
)
def test_row_14_the_tasks_input(profile, expected):
    """What a handler is given of it: all, or what is left without such keys and markup."""
    seen = []
    stubs = {"charge": lambda context: seen.append(context.input_data) or {}}
    given = {"online": 1, "lines": [{"note": "<script>", "eval": 2}]}
    simulation(step("charge"), stubs=stubs, profile=profile).run(given)
    assert seen == [expected]


@parted("complete", SubmissionRefused)
def test_row_14_what_is_too_large(profile, expected):
    """A text of more than 10,000 bytes."""
    assert refused(lambda: simulation(step("charge"), profile=profile).run({"note": "x" * 10_001})) == expected


@parted(1, 2)
def test_row_15_environments(profile, expected):
    """The override of max_attempts applies, or it doesn't."""
    overrides = {"environments": {"test": {"steps": [{"name": "charge", "retry": {**QUICK, "max_attempts": 1}}]}}}
    charging = simulation(step("charge"), template=overrides, environment="test", profile=profile)
    assert len(charging.run(plan(charge=BUSY))["charge"].attempts) == expected


class Paying(StepHandler):
    """Charges, and can refund."""

    handler_name = "paying"

    def call(self, context):
        """What every version of Tasker calls."""
        return StepHandlerResult.success({"did": "call"})

    def refund(self, context):
        """What a template can ask for."""
        return StepHandlerResult.success({"did": "refund"})


@parted("refund", "call")
def test_row_16_handler_method(profile, expected):
    """The method that the template names, or ``call``."""
    refund = step("charge", callable="paying", handler={"method": "refund"})
    run = simulation(refund, handlers=[HANDLERS, Paying], profile=profile).run(plan())
    assert run["charge"].result == {"did": expected}


@parted(TemplateError, "complete")
def test_row_17_a_ring(profile, expected):
    """Refused at load; or accepted, and the task is complete with every step pending."""
    ring = [step("a", "b"), step("b", "a")]
    assert refused(lambda: simulation(*ring, profile=profile).run(plan())) == expected
    if expected == "complete":
        run = simulation(*ring, profile=profile).run(plan())
        assert [run[name].state for name in run.steps] == ["pending", "pending"]


@parted(TemplateError, SubmissionRefused)
def test_row_17_a_dependency_on_itself(profile, expected):
    """Refused at load, or at every submission."""
    assert refused(lambda: simulation(step("a", "a"), profile=profile).run(plan())) == expected


@parted(TemplateError, "complete")
def test_row_18_numbers_out_of_range(profile, expected):
    """``max_attempts: 0`` is refused; or accepted, and the step has its first attempt all the same."""
    none = step("charge", retry={**QUICK, "max_attempts": 0})
    assert refused(lambda: simulation(none, profile=profile).run(plan())) == expected


@parted(TemplateError, ["a"])
def test_row_18_steps_of_one_name(profile, expected):
    """Refused at load; or accepted, and they are one step."""
    try:
        found = list(simulation(step("a"), step("a"), profile=profile).run(plan()).steps)
    except TemplateError as error:
        found = type(error)
    assert found == expected


# -- growth ------------------------------------------------------------------------------------------------------------


@parted(("error", "blocked_by_failures"), ("complete", "complete"))
def test_row_19_a_decision_asks_for_an_unknown_step(profile, expected):
    """The decision fails for good; or it is complete, and only a line of the log says that something is missing."""
    run = simulation(*ROUTE, profile=profile).run(plan(route={"decision": ["nowhere"]}))
    assert (run["route"].state, run.state) == expected
    assert "left" not in run.steps
    (warning,) = run.history.warnings
    said = "step route: Step 'nowhere' is not a valid descendant of decision point 'route'"
    assert warning["text"] == (f"{said}. Below it: left" if profile == "documented" else said)


@parted([5], [0])
def test_row_20_a_convergence_behind_a_batch(profile, expected):
    """It waits for the workers, which take 5 s; or, in a template that also has a decision, it is there at once."""
    does = plan(**TWO, work={"sleep": 5}, route={"no_branches": "none"})
    run = simulation(*ROUTE, *batch(), profile=profile).run(does)
    assert started(run, "merge") == expected
    alone = simulation(*batch(), profile=profile).run(does)
    assert started(alone, "merge")[0] >= 5


# -- workers and operators ---------------------------------------------------------------------------------------------


@parted(("complete", 2, "complete"), ("in_progress", 1, "error"))
def test_row_21_the_worker_dies(profile, expected):
    """The step runs again 30 s after its claim; or it stays in progress until the task is stale."""
    crash = [{"step": "charge", "attempt": 1, "crash": "after"}]
    run = simulation(step("charge"), faults=crash, profile=profile).run(plan())
    assert (run["charge"].state, len(run["charge"].attempts), run.state) == expected
    assert seconds(run["charge"].waits) == [30] * (expected[1] - 1)


@parted(("complete", "complete", 2), ("pending", "blocked_by_failures", 1))
def test_row_22_an_operator_resets_a_step(profile, expected):
    """Its attempts start anew and the task goes on; or it is pending and nothing wakes the task."""
    does = iter([Failure(retryable=False), {}])
    stubs = {"charge": lambda context: next(does)}
    run = simulation(step("charge"), stubs=stubs, actions=[RESET], profile=profile).run(plan())
    assert (run["charge"].state, run.state, len(run["charge"].attempts)) == expected


@parted((1, 4), (2, 2))
def test_row_22_an_exhausted_step(profile, expected):
    """Two attempts are used up. After the reset the step has them again; or they count, and it never runs."""
    once = step("charge", retry={**QUICK, "backoff": "none"})
    with simulation(once, profile=profile).start(plan(charge=[BUSY])) as task:
        task.run_until(step="charge", state="error")
        task["charge"].reset_for_retry()
        if profile == "documented":
            task.run_until(step="charge", state="in_progress")
        assert task["charge"].attempts == expected[0]
        assert len(task.finish()["charge"].attempts) == expected[1]


@parted(("complete", "complete"), ("pending", "blocked_by_failures"))
def test_row_23_an_operator_resolves_a_step(profile, expected):
    """The task is looked at, so that what comes behind runs; or nobody looks."""
    two = (step("charge"), step("mail", "charge"))
    run = simulation(*two, actions=[RESOLVE], profile=profile).run(plan(charge=FAILS))
    assert run["charge"].state == "resolved_manually"
    assert (run["mail"].state, run.state) == expected


@parted(["pay.failed"], [])
def test_row_24_domain_events_of_failures(profile, expected):
    """A permanent failure has its event, or none."""
    run = simulation(step("charge", publishes_events=[FAILED]), profile=profile).run(plan(charge=FAILS))
    assert [event["name"] for event in run.events] == expected


@parted(({}, "shaping"), ({"paid": 1}, None))
def test_row_24_publishers(profile, expected):
    """The publisher that the template names shapes the payload, or Tasker's own leaves it as it is."""
    charge = step("charge", publishes_events=[SHAPED])
    run = simulation(charge, handlers=[HANDLERS, Shaping], profile=profile).run(plan(charge={"ok": {"paid": 1}}))
    assert [(event["payload"], event.get("publisher")) for event in run.events] == [expected]


@parted(["Reading"], None)
def test_row_24_subscribers(profile, expected):
    """A subscriber that reads the payload where the documents say so finds it, or fails without harm."""
    charge = step("charge", publishes_events=[QUICKLY])
    run = simulation(charge, handlers=[HANDLERS, Reading], profile=profile).run(plan(charge={"ok": {"paid": 1}}))
    assert (run.state, run.events[0].get("subscribers")) == ("complete", expected)


@parted(None, SubmissionRefused)
def test_row_25_the_same_input_twice(profile, expected):
    """As the identity strategy says, which is leave by default; or refused for ever."""
    with simulation(step("charge"), profile=profile).start(plan()) as task:
        met = None
        try:
            task.submit_again(plan())
        except SubmissionRefused as refusal:
            met = type(refusal)
        assert met == expected
        with suppress(RunError):
            task.finish()


@parted(([0, 0], 5), ([0, 5], 10))
def test_row_26_steps_at_once_in_one_worker(profile, expected):
    """Both at once; or one behind the other, though both are in progress from the start."""
    both = (step("charge"), step("mail"))
    run = simulation(*both, profile=profile).run(plan(charge={"sleep": 5}, mail={"sleep": 5}))
    assert ([*started(run, "charge"), *started(run, "mail")], run.elapsed.total_seconds()) == expected
    claims = [at for at, name, move in run.history.moments() if move.after == "in_progress" and name != "task"]
    assert claims == [0, 0]


@parted(("complete", "complete", "complete"), ("error", "pending", "blocked_by_failures"))
def test_row_27_failure_strategy(profile, expected):
    """``continue_on_failure``: the convergence runs in spite of a failed worker; or it never does."""
    run = simulation(*batch("continue_on_failure"), profile=profile).run(plan(**TWO, work_001=FAILS))
    assert (run["work_001"].state, run["merge"].state, run.state) == expected


@parted("pending", "enqueued")
def test_row_28_first_state_of_a_step_that_grew(profile, expected):
    """Its history begins like every step's, or one state later."""
    run = simulation(*ROUTE, profile=profile).run(plan(route={"decision": ["left"]}))
    assert run["left"].states[0] == expected


@parted((1, 2), (2, 2))
def test_row_29_several_worker_processes(profile, expected):
    """A dispatch that is delivered twice is claimed once, or twice; the handler is called twice in both."""
    calls = []
    stubs = {"charge": lambda context: calls.append(context.retry_count) or {}}
    twice = [{"step": "charge", "attempt": 1, "duplicate": True}]
    with simulation(step("charge"), stubs=stubs, faults=twice, profile=profile).start(plan()) as task:
        run = task.finish()
        assert (run["charge"].states.count("in_progress"), len(calls)) == expected
        assert (task["charge"].attempts, calls) == (expected[0], [0, 0])


# -- the page ----------------------------------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")


def test_every_row_has_its_tests_here():
    """Named after the row, two digits, and each of them runs under both profiles."""
    named = {int(match[1]) for name in globals() if (match := re.match(r"test_row_(\d\d)_", name))}
    assert named == {row.number for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row.number}")
def test_every_row_has_its_paragraph(row):
    """Under its number and title docs/profiles.md says what it means for a handler, and how it is known."""
    found = re.search(rf"^\*\*{row.number}\. (.*?)\.\*\* (.*?)(?:\n\n|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/profiles.md has no paragraph **{row.number}. ...**"
    title, text = " ".join(found[1].split()), " ".join(found[2].split())
    assert title.lower() == row.title.lower()
    assert re.search(r" Known: (seen|read)\b", text), text


def test_the_recordings_that_the_page_names_are_there():
    """Traces by name or pattern, groups of cases by their file."""
    recorded = ROOT / "fixtures" / "conformance"
    traces = re.findall(r"`traces/(.*?)`", PAGE)
    groups = re.findall(r"`(\w+)` in `(\w+\.json)`", PAGE)
    assert len(traces) > 20
    assert [name for name in traces if not list((recorded / "traces").glob(f"{name}.json"))] == []
    files = {file: json.loads((recorded / file).read_text(encoding="utf-8"))["groups"] for _, file in groups}
    assert [pair for pair in groups if pair[0] not in files[pair[1]]] == []


@pytest.mark.parametrize("action", ["resolve_manually", "complete_manually"])
def test_the_advice_for_rows_21_and_22_holds(action):
    """As built, settling the lost or the reset step by hand doesn't make the task go on, as their advice says."""
    settle = {"do": action, "step": "charge", "at": "1m"}
    template = {
        "name": "t",
        "namespace_name": "n",
        "version": "1.0.0",
        "steps": [
            {"name": "charge", "handler": {"callable": "charge"}},
            {"name": "ship", "handler": {"callable": "ship"}, "dependencies": ["charge"]},
        ],
    }
    lost = {"stubs": {"charge": {}, "ship": {}}, "faults": [{"step": "charge", "crash": "after"}], "actions": [settle]}
    reset = {"do": "reset_for_retry", "step": "charge", "at": "30s"}
    no = Failure("no", retryable=False)
    failed = {"stubs": {"charge": no, "ship": {}}, "actions": [reset, settle]}
    for planned in (lost, failed):
        run = Simulation(template, profile="tasker-0.1.8", **planned).run()
        assert len(run["ship"].attempts) == 0
