"""Today's handlers against a run that is known: what is the same, what isn't, and what can't be told."""

from __future__ import annotations

import json
import random
import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tasker_core import StepHandler, StepHandlerResult
from telltales import Analyze, Work, calm_handlers_for, handlers_for, seen

from tasker_testkit import (
    HandlerError,
    HistoryError,
    Simulation,
    SubmissionRefused,
    check_against,
    fault_plans,
    load_history,
    templates,
)
from tasker_testkit.engine.history import History
from tasker_testkit.engine.history_writing import pretty
from tasker_testkit.importing import imported
from tasker_testkit.replay.rest import read_rest
from tasker_testkit.worker.walltime import World

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = ROOT / "fixtures/conformance/production"
REST = sorted((PRODUCTION / "rest").glob("*.json"))
HANDLERS = PRODUCTION / "production_handlers.py"
TEMPLATES = {
    "ecommerce_order_processing": PRODUCTION / "templates/ecommerce_order_processing.yaml",
    "refund_approval": PRODUCTION / "templates/refund.yaml",
    "product_import": PRODUCTION / "templates/products.yaml",
}
TYPES = ((), ("decision",), ("batchable",), ("decision", "batchable"))
ORDER = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {"name": "validate", "handler": {"callable": "validate"}},
        {"name": "charge", "handler": {"callable": "charge"}, "dependencies": ["validate"]},
        {"name": "confirm", "handler": {"callable": "confirm"}, "dependencies": ["charge"]},
    ],
}


def answering(*results):
    """A handler of a step with each of these results in turn; the last one repeats. An exception is raised."""

    class Answering(StepHandler):
        handler_name = "answering"

        def call(self, context):
            result = results[min(context.retry_count, len(results) - 1)]
            result = result(context) if callable(result) else result
            if isinstance(result, Exception):
                raise result
            return result if isinstance(result, StepHandlerResult) else StepHandlerResult.success(result)

    return Answering


USUAL = {
    "validate": answering({"total": 5, "items": [1, 2]}),
    "charge": answering(lambda context: {"paid": context.get_dependency_result("validate")["total"]}),
    "confirm": answering(lambda context: {"sent": sorted(context.dependency_results)}),
}


def run_of(handlers=USUAL, input=None, **keywords):
    """The history of a run of ORDER."""
    return Simulation(ORDER, handlers=handlers, **keywords).run(input or {}).history


def against(history, **handlers):
    """The verdicts on it with some handlers changed."""
    return check_against(history, {**USUAL, **handlers}, template=ORDER)


def told(check):
    """Step, attempt and verdict of each attempt."""
    return [(one.step, one.attempt, one.verdict) for one in check.attempts]


def as_production(history):
    """What Tasker's REST interface would show of it: no types, no edges, no checkpoints, few instants, no seed."""
    steps = []
    for step in history.steps:
        last = len(step.attempts) - 1
        attempts = [
            one._replace(
                enqueued_at=None, started_at=one.started_at if index == last else None, checkpoints=(), faults=()
            )
            for index, one in enumerate(step.attempts)
        ]
        moves = tuple(one for one in step.transitions if one.after == "enqueued_for_orchestration")
        steps.append(replace(step, type="", parents=(), attempts=tuple(attempts), transitions=moves))
    return replace(history, profile="recorded", seed=0, faults=(), effects=(), events=(), steps=tuple(steps))


def undisturbed(attempt):
    """Whether the attempt's result is its handler's for sure."""
    outcome = attempt.outcome
    return (
        outcome is not None
        and not outcome.worker_made
        and all("delay" in one for one in attempt.faults)
        and not (outcome.error_type == "timeout" and attempt.faults)
    )


def production(file):
    """A recorded task as an imported history."""
    return History.from_json(pretty(imported(read_rest([file]))))


# -- the same ----------------------------------------------------------------------------------------------------------


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_run_is_the_same_against_its_own_handlers(data):
    """Whatever the workflow and the faults: each attempt that can be run sees exactly what it saw then, to the byte."""
    types = data.draw(st.sampled_from(TYPES))
    template = data.draw(templates(types=types))
    profile = data.draw(st.sampled_from(("documented", "tasker-0.1.8")))
    # as built, pieces of one worker wait for one another, and a history doesn't say when they go on
    workers = 50 if types and profile != "documented" else data.draw(st.sampled_from((None, 1)))
    seed = data.draw(st.integers(0, 99))
    simulation = Simulation(template, handlers=handlers_for(template), profile=profile, workers=workers, seed=seed)
    plan = data.draw(fault_plans(simulation))
    try:
        history = simulation.with_plan(plan, strict=False).run({"steps": template["steps"]}).history
    except SubmissionRefused:
        return
    if any(attempt.outcome for step in history.steps for attempt in step.attempts):
        check = check_against(history, handlers_for(template), template=template)
        assert {one.verdict for one in check.attempts} <= {"same", "not run"}, str(check)
        run = {(one.step, one.attempt) for one in check.of("same")}
        assert {(step.name, one.number) for step in history.steps for one in step.attempts if undisturbed(one)} == run


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_production_shows_is_enough(data):
    """Without edges, types, checkpoints and seed, and with few instants, the same handlers come to the same."""
    types = data.draw(st.sampled_from(TYPES[:3]))  # with both, convergences don't wait (row 20), and REST hides that
    template = data.draw(templates(types=types))
    simulation = Simulation(template, handlers=calm_handlers_for(template), profile="tasker-0.1.8")
    try:
        history = simulation.run({"steps": template["steps"]}).history
    except SubmissionRefused:
        return
    check = check_against(as_production(history), calm_handlers_for(template), template=template)
    assert {one.verdict for one in check.attempts} <= {"same", "not run"}, str(check)
    assert {one.why for one in check.of("not run")} <= {"whether an earlier attempt left a checkpoint isn't recorded"}


@pytest.mark.parametrize("file", REST, ids=lambda path: path.stem)
def test_real_tasks_are_the_same(file):
    """Tasks that a real Tasker has done come to the same with their own handlers, but for what hangs on a secret."""
    history = production(file)
    check = check_against(history, HANDLERS, template=TEMPLATES[history.template["name"]])
    others = [(one.step, one.verdict, one.why) for one in check.attempts if one.verdict != "same"]
    secret = "now passes, but it has read what is only a placeholder here: input.payment_info.token"
    assert others == {
        "order_declined": [("process_payment", "unclear", secret)],
        "order_cancelled": [("update_inventory", "not run", "no result of its handler is recorded")],
    }.get(file.stem, [])
    assert check.same == (file.stem != "order_declined")


BATCH = {"batch_size": 4, "parallelism": 1, "cursor_field": "id", "worker_template": "work"}
ROWS = {
    "name": "rows",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {
            "name": "analyze",
            "type": "batchable",
            "handler": {"callable": "analyze", "initialization": {"worker_template_name": "work"}},
            "batch_config": {**BATCH, "failure_strategy": "fail_fast"},
        },
        {
            "name": "work",
            "type": "batch_worker",
            "handler": {"callable": "work"},
            "dependencies": ["analyze"],
            "batch_config": {**BATCH, "failure_strategy": "fail_fast"},
        },
        {
            "name": "report",
            "type": "deferred_convergence",
            "handler": {"callable": "report"},
            "dependencies": ["work"],
        },
    ],
}
LOST = "of the checkpoint that an earlier attempt left only the cursor is recorded"


def partly(history):
    """The history as PostgreSQL would show it: of a checkpoint that isn't the last only the cursor."""
    steps = []
    for step in history.steps:
        attempts = [
            one._replace(checkpoints=tuple((at, {"cursor": record["cursor"]}) for at, record in one.checkpoints))
            for one in step.attempts
        ]
        steps.append(replace(step, attempts=tuple(attempts)))
    return replace(history, profile="recorded", seed=0, steps=tuple(steps))


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (lambda history: history, None),
        (lambda history: replace(history, profile="recorded", seed=0), None),
        (partly, LOST),
        (as_production, "whether an earlier attempt left a checkpoint isn't recorded"),
    ],
)
def test_a_retry_goes_on_where_the_attempt_before_left_off(shown, why):
    """The second batch failed behind a checkpoint; its retry is given that, and isn't run if that isn't known."""
    history = Simulation(ROWS, handlers=calm_handlers_for(ROWS), profile="tasker-0.1.8").run({}).history
    check = check_against(shown(history), calm_handlers_for(ROWS), template=ROWS)
    assert {(one.step, one.attempt, one.why) for one in check.of("not run")} == (
        {("work_002", 2, why)} if why else set()
    )
    assert check.same


def test_a_handler_that_yields_elsewhere_now():
    """Where a history has the checkpoints, they are compared; a piece too many is no end."""
    handlers = calm_handlers_for(ROWS)
    history = Simulation(ROWS, handlers=handlers).run({}).history

    class Counts(handlers["work"]):
        def checkpoint_yield(self, **fields):
            return super().checkpoint_yield(**{**fields, "items_processed": 3})

    check = check_against(history, {**handlers, "work": Counts}, template=ROWS)
    assert told(check)[1] == ("work_001", 1, "differs")
    assert (check.attempts[1].place, check.attempts[1].actual) == ("checkpoints[0].items_processed", "3")

    class Yields(handlers["work"]):
        def call(self, context):
            return self.checkpoint_yield(cursor=7, items_processed=1)

    check = check_against(history, {**handlers, "work": Yields}, template=ROWS)
    assert told(check)[1] == ("work_001", 1, "now fails")
    assert check.attempts[1].actual == "no result: it yields another checkpoint, with cursor 7, and doesn't end"


def test_a_busy_worker_calls_later_than_it_claims():
    """A retry is told when the attempt before was claimed, as Tasker writes it down."""
    steps = [{"name": name, "handler": {"callable": name}} for name in ("one", "two")]
    template = {"name": "w", "namespace_name": "n", "version": "1.0.0", "steps": steps}
    fails = answering(ConnectionError("busy"), lambda context: seen(context)["parts"])
    handlers = {"one": fails, "two": fails}
    durations = {"one": "3s", "two": "2s"}
    simulation = Simulation(template, handlers=handlers, profile="tasker-0.1.8", workers=1, durations=durations)
    history = simulation.run({}).history
    first = history.steps[1].attempts[0]
    assert first.started_at > 0  # claimed at 0, and called when the other step had ended
    assert check_against(history, handlers, template=template).same


def test_a_convergence_that_did_not_wait_saw_nothing():
    """As built, beside a decision, it runs before its batch (row 20); what came later isn't what it was given."""
    start = {"name": "start", "handler": {"callable": "start"}}
    decide = {"name": "decide", "type": "decision", "handler": {"callable": "decide"}, "dependencies": ["start"]}
    branch = {"name": "branch_1", "handler": {"callable": "branch_1"}, "dependencies": ["decide"]}
    template = {**ROWS, "steps": [start, *ROWS["steps"], decide, branch]}
    handlers = {**calm_handlers_for(template), "analyze": Analyze, "work": Work}
    handlers["report"] = answering(lambda context: {"seen": sorted(context.dependency_results)})
    history = Simulation(template, handlers=handlers, profile="tasker-0.1.8", workers=9, seed=3).run({}).history
    (report,) = (step for step in history.steps if step.name == "report")
    assert report.attempts[0].outcome.result == {"seen": []}
    assert any(step.name.startswith("work_") for step in history.steps)
    check = check_against(history, handlers, template=template)
    assert ("report", 1, "same") in told(check)


def test_attempts_have_the_limit_of_then():
    """A template that allows more attempts today doesn't change what a handler was told."""
    tells = answering(lambda context: {"of": context.max_retries})
    history = run_of({**USUAL, "charge": tells})
    steps = [{**step, "retry": {"max_attempts": 9}} for step in ORDER["steps"]]
    assert check_against(history, {**USUAL, "charge": tells}, template={**ORDER, "steps": steps}).same


def test_what_chance_and_clock_make_is_compared_by_type():
    """Identifiers, random numbers and instants of an imported task aren't known; their places are, and their types."""

    def result(context):
        now = datetime.now(UTC)
        drawn = {"id": str(uuid.uuid4()), "n": random.random(), "at": now.isoformat(), "day": now.date().isoformat()}
        return {**drawn, "order": str(context.task_uuid), "step": str(context.step_uuid)}

    history = as_production(run_of({**USUAL, "charge": answering(result)}, seed=5))
    check = against(history, charge=answering(result))
    assert check.same
    assert check.attempts[1].unsteady == ("result.id", "result.n", "result.at", "result.order")
    check = against(history, charge=answering(lambda context: {**result(context), "n": str(random.random())}))
    assert (check.attempts[1].verdict, check.attempts[1].place) == ("differs", "result.n")


@pytest.mark.parametrize("lucky", [False, True])
def test_what_chance_decides_is_no_noise(lucky):
    """Success and failure count, though another draw would have it the other way."""
    looks = iter([lucky, not lucky])
    gamble = answering(lambda context: {"paid": 5} if next(looks) else ValueError("no luck"))
    check = against(as_production(run_of()), charge=gamble)
    assert check.attempts[1].verdict == ("same" if lucky else "now fails")


def test_a_class_of_error_is_no_noise():
    """An error's type that hangs on chance counts as it is."""
    kinds = iter(["b", "a"])
    one_or_other = answering(lambda context: StepHandlerResult.failure("no", error_type=next(kinds), retryable=False))
    a = answering(StepHandlerResult.failure("no", error_type="a", retryable=False))
    check = against(as_production(run_of({**USUAL, "charge": a})), charge=one_or_other)
    assert (check.attempts[1].verdict, check.attempts[1].place) == ("differs", "error.error_type")


# -- not the same ------------------------------------------------------------------------------------------------------


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_one_changed_handler_is_found(data):
    """Whichever step's handler says something else, its attempts differ there and no others do."""
    template = data.draw(templates())
    handlers = calm_handlers_for(template)
    history = Simulation(template, handlers=handlers).run({}).history
    name = data.draw(st.sampled_from([step.name for step in history.steps if step.attempts]))
    handlers[name] = type("Changed", (handlers[name],), {"more": {"news": 1}})
    check = check_against(history, handlers, template=template)
    for one in check.attempts:
        known = next(step for step in history.steps if step.name == one.step).attempts[one.attempt - 1].outcome
        changed = one.step == name and known.success
        assert (one.verdict, one.place) == (("differs", "result.news") if changed else ("same", "")), str(check)


def test_the_first_place_and_the_others():
    """Where a result first differs, what was and is there, and where else."""
    check = against(run_of(), validate=answering({"total": 6, "items": [1, 3, 4]}))
    first, *others = check.attempts
    assert (first.verdict, first.place, first.expected, first.actual) == ("differs", "result.total", "5", "6")
    assert first.further == ("result.items[1]", "result.items[2]")
    assert {one.verdict for one in others} == {"same"}  # they are given what the step came to then
    assert not check.same


@pytest.mark.parametrize(
    ("then", "now", "verdict", "place", "sides"),
    [
        ({"paid": 5}, ValueError("broken"), "now fails", "", ("success", "ValueError: broken")),
        (ValueError("broken"), {"paid": 5}, "now passes", "", ("ValueError: broken", "success")),
        (
            StepHandlerResult.failure("no", error_type="declined", retryable=False),
            StepHandlerResult.failure("no", error_type="declined", retryable=True),
            "differs",
            "error.retryable",
            ("false", "true"),
        ),
        (ValueError("a"), ValueError("b"), "differs", "error.message", ('"a"', '"b"')),
        ({"paid": 5}, {"paid": 5, "by": "card"}, "differs", "result.by", ("(nothing)", '"card"')),
        ({"paid": 5}, {"paid": True}, "differs", "result.paid", ("5", "true")),
        ({"paid": 1}, {"paid": 1.0}, "same", "", ("", "")),
        (
            {"paid": 5},
            StepHandlerResult.success({"paid": 5}, metadata={"via": "x"}),
            "differs",
            "metadata.via",
            ("(nothing)", '"x"'),
        ),
        ({"paid": 5}, StepHandlerResult.success({"paid": 5}, metadata={"worker_id": "w"}), "same", "", ("", "")),
    ],
)
def test_what_counts(then, now, verdict, place, sides):
    """Success, result, the failure's class and words, and metadata of the handler's own; not what a worker adds."""
    check = against(run_of({**USUAL, "charge": answering(then)}), charge=answering(now))
    one = check.attempts[1]
    assert (one.verdict, one.place, (one.expected, one.actual)) == (verdict, place, sides)


def test_each_attempt_has_its_own_verdict():
    """A retry is given the number of its attempt, and is compared with what that attempt came to."""
    failing = answering(ConnectionError("busy"), ConnectionError("busy"), {"paid": 5})
    history = run_of({**USUAL, "charge": failing})
    check = against(history, charge=answering(ConnectionError("busy"), {"paid": 5}))
    assert told(check)[1:4] == [("charge", 1, "same"), ("charge", 2, "now passes"), ("charge", 3, "same")]


def test_a_handler_that_returns_nothing_now():
    """What would keep Tasker waiting is told as that."""
    history = run_of(profile="tasker-0.1.8")
    check = against(history, confirm=type("Nothing", (StepHandler,), {"handler_name": "x", "call": lambda *_: None}))
    assert check.attempts[2].verdict == "now fails"
    assert (
        check.attempts[2].actual
        == "no result: it returns something that is no result, and Tasker waits for one in vain"
    )


def test_a_handler_that_hangs_now(monkeypatch):
    """It is stopped, and the others have their verdicts."""
    history = run_of()
    monkeypatch.setattr("tasker_testkit.simulation.World", lambda **_: World(real_timeout=0.3))
    check = against(history, charge=answering(lambda context: threading.Event().wait()))
    assert [one.verdict for one in check.attempts] == ["same", "now fails", "same"]
    assert "'charge'" in check.attempts[1].actual


# -- what isn't run ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"fail": {}}, "a fault ended it, not its handler: fail"),
        ({"raise": {"type": "ValueError"}}, "a fault ended it, not its handler: raise"),
        ({"lose_result": True}, "a fault ended it, not its handler: lose_result"),
        ({"crash": "after"}, "a fault ended it, not its handler: crash"),
        ({"corrupt": {"path": "paid", "value": 7}}, "a fault ended it, not its handler: corrupt"),
        ({"duplicate": True}, "it was delivered twice, and whose result counted isn't recorded"),
    ],
)
def test_what_a_fault_ended_has_nothing_to_compare(fault, why):
    """The attempt says so; what follows is compared, and doubles have seen as many calls as then."""
    calls = []

    def counted(context):
        calls.append(context.retry_count)
        return {"paid": len(calls)}

    history = run_of({**USUAL, "charge": answering(counted)}, faults=[{"step": "charge", "attempt": 1, **fault}])
    then = [*calls]
    calls.clear()
    check = against(history, charge=answering(counted))
    assert check.attempts[1].why == why
    assert check.same
    assert calls == then


def test_what_a_stub_stood_for_is_not_run(tmp_path, monkeypatch):
    """A stub's result isn't a handler's."""
    monkeypatch.chdir(tmp_path)
    history = load_history(
        Simulation(ORDER, handlers=USUAL, stubs={"charge": {"paid": 9}}).run().save("x.history.json")
    )
    check = check_against(history, USUAL, template=ORDER)
    assert told(check) == [("validate", 1, "same"), ("charge", 1, "not run"), ("confirm", 1, "same")]
    assert check.attempts[1].why == "a stub stood for its handler"


def test_what_an_operator_gave_is_handed_on():
    """A result that was completed by hand is what descendants see."""
    actions = [{"do": "complete_manually", "step": "charge", "at": "1h", "result": {"paid": 77}}]
    refused = answering(StepHandlerResult.failure("no", retryable=False))
    seen = answering(lambda context: {"paid": context.get_dependency_result("charge")["paid"]})
    history = run_of({**USUAL, "charge": refused, "confirm": seen}, actions=actions)
    check = against(history, charge=refused, confirm=seen)
    assert (told(check)[2], check.same) == (("confirm", 1, "same"), True)


def test_what_an_operator_gave_is_no_handlers_result():
    """A result that was given by hand isn't compared."""
    history = run_of()
    steps = list(history.steps)
    outcome = replace(steps[1].attempts[0].outcome, by_hand=True)
    steps[1] = replace(steps[1], attempts=(steps[1].attempts[0]._replace(outcome=outcome),))
    check = against(replace(history, steps=tuple(steps)))
    assert [(one.verdict, one.why) for one in check.attempts][1] == ("not run", "an operator gave its result")


def test_steps_that_never_ran_are_named():
    """They have no verdict."""
    refused = answering(StepHandlerResult.failure("no", retryable=False))
    check = against(run_of({**USUAL, "charge": refused}), charge=refused)
    assert (check.never_ran, check.same) == (("confirm",), True)
    assert "Never ran then: confirm." in str(check)


def test_nothing_compared_is_not_the_same():
    """If no attempt could be run, nothing is known."""
    history = run_of({"validate": answering(ValueError("x"))} | USUAL, faults=[{"step": "validate", "fail": {}}])
    check = against(history)
    assert not check.same
    assert str(check).endswith("\n\nNothing could be compared, so nothing is known about today's handlers.")


# -- secrets -----------------------------------------------------------------------------------------------------------

PAYS = answering(lambda context: {"ok": context.get_input("payment")["token"] == "tok_secret_1", "of": 5})


def test_a_secret_that_a_handler_looks_at_leaves_it_open(tmp_path, monkeypatch):
    """What hangs on a placeholder is unclear, and the place is named; a handler that doesn't look is judged."""
    monkeypatch.chdir(tmp_path)
    data = {"payment": {"token": "tok_secret_1", "kind": "card"}, "password": "hunter2"}
    path = Simulation(ORDER, handlers={**USUAL, "charge": PAYS}).run(data).save("x.history.json")
    check = check_against(path, {**USUAL, "charge": PAYS}, template=ORDER)
    assert told(check) == [("validate", 1, "same"), ("charge", 1, "unclear"), ("confirm", 1, "same")]
    assert check.attempts[1].why == "differs, but it has read what is only a placeholder here: input.payment.token"
    assert (check.attempts[1].place, check.attempts[1].expected, check.attempts[1].actual) == (
        "result.ok",
        "true",
        "false",
    )
    blind = answering(lambda context: {"ok": context.get_input("payment")["kind"] == "cash", "of": 5})
    assert told(check_against(path, {**USUAL, "charge": blind}, template=ORDER))[1] == ("charge", 1, "differs")


def test_a_secret_in_a_result_is_watched_too(tmp_path, monkeypatch):
    """What a step handed on is a placeholder in the file; a secret that a handler makes itself is compared hidden."""
    monkeypatch.chdir(tmp_path)
    made = answering({"token": "tok_secret_1", "total": 5})
    used = answering(lambda context: {"length": len(context.get_dependency_result("validate")["token"])})
    handlers = {**USUAL, "validate": made, "charge": used}
    path = Simulation(ORDER, handlers=handlers).run({}).save("x.history.json")
    check = check_against(path, handlers, template=ORDER)
    assert told(check) == [("validate", 1, "same"), ("charge", 1, "unclear"), ("confirm", 1, "same")]
    assert check.attempts[1].why.endswith("a placeholder here: validate's result.token")
    other = answering({"token": "tok_secret_2", "total": 5})
    assert check_against(path, {**handlers, "validate": other}, template=ORDER).attempts[0].verdict == "differs"


# -- how it is compared ------------------------------------------------------------------------------------------------


def test_levels_and_patterns():
    """``shape`` compares types; ``ignore`` leaves places out, as with recordings."""
    history, other = run_of(), {**USUAL, "validate": answering({"total": 6, "items": [3]})}
    assert check_against(history, other, template=ORDER, level="shape").same
    place = "steps.validate.attempts.*.stored.result.*"
    assert check_against(history, other, template=ORDER, ignore=[place]).same
    assert not check_against(history, other, template=ORDER, ignore=[f"{place}.x"]).same
    with pytest.raises(HistoryError, match="There is no level 'close'"):
        check_against(history, other, template=ORDER, level="close")


def test_data_for_machines():
    """``to_data`` is plain JSON with everything that is told."""
    check = against(run_of(), charge=answering({"paid": 6}))
    data = json.loads(json.dumps(check.to_data()))
    assert (data["format"], data["version"], data["same"]) == ("tasker-testkit/recheck", 1, False)
    assert data["attempts"][1] == {
        "step": "charge",
        "attempt": 1,
        "verdict": "differs",
        "place": "result.paid",
        "expected": "5",
        "actual": "6",
        "further": [],
        "why": "",
        "unsteady": [],
    }


def test_the_same_check_has_the_same_bytes():
    """Nothing in it comes from outside, also of an imported task."""
    texts = {str(check_against(production(REST[0]), HANDLERS, template=TEMPLATES["product_import"])) for _ in range(2)}
    assert len(texts) == 1


def test_setup_gives_doubles_a_fresh_start():
    """It is called before the first attempt, at the run's first instant; before each of the two looks."""
    moments = []
    history = as_production(run_of())
    check_against(history, USUAL, template=ORDER, setup=lambda: moments.append(datetime.now(UTC)))
    assert moments == [history.start, history.start + (moments[1] - moments[0])]
    assert moments[0] < moments[1]


# -- requests ----------------------------------------------------------------------------------------------------------

PAY = "https://pay.example/charges"


def paying(context):
    """Charges over HTTP; the answer's status tells how it went."""
    import httpx

    try:
        answer = httpx.post(PAY, json={"amount": 5})
    except httpx.HTTPError as error:
        return StepHandlerResult.failure(f"{type(error).__name__}: {error}", error_type="network")
    if answer.is_error:
        return StepHandlerResult.failure(f"refused with {answer.status_code}", error_type="refused", retryable=False)
    return {"id": answer.json()["id"]} if answer.content else {"id": None}


@pytest.mark.parametrize(
    "answer", [{"status": 402}, {"status": 503}, {"status": 204}, {"error": "timeout"}, {"error": "refused"}]
)
def test_recorded_answers_are_given_again(answer):
    """A status without a body, or no answer at all, is all in the history."""
    handlers = {**USUAL, "charge": answering(paying)}
    history = run_of(handlers, routes=[{"method": "POST", "url": PAY, **answer}])
    assert check_against(history, handlers, template=ORDER).same


def test_a_body_is_not_in_a_history():
    """Then routes must say it; without them the attempt fails with the message of a request that nothing answers."""
    routes = [{"method": "POST", "url": PAY, "status": 201, "body": {"id": "ch_1"}}]
    handlers = {**USUAL, "charge": answering(paying)}
    history = run_of(handlers, routes=routes)
    assert check_against(history, handlers, template=ORDER, routes=routes).same
    one = check_against(history, handlers, template=ORDER).attempts[1]
    assert one.verdict == "now fails"
    assert one.actual.startswith(f"unanswered_request: Nothing answers POST {PAY}: no route fits.")
    near = [{"method": "PUT", "url": PAY, "status": 201, "body": {"id": "ch_1"}}]
    assert (
        "method: POST, the route has PUT"
        in check_against(history, handlers, template=ORDER, routes=near).attempts[1].actual
    )


def test_lists_of_answers_begin_anew():
    """Each of the two looks at an imported task meets the routes as they were given."""
    handlers = {**USUAL, "charge": answering(paying)}
    answers = [{"status": 201, "body": {"id": "ch_1"}}, {"status": 201, "body": {"id": "ch_2"}}]
    routes = [{"method": "POST", "url": PAY, "answers": answers}]
    history = as_production(run_of(handlers, routes=routes))
    check = check_against(history, handlers, template=ORDER, routes=routes)
    assert (check.same, check.attempts[1].unsteady) == (True, ())


def test_faults_of_requests_strike_again():
    """A planned answer is part of what the handler was given."""
    routes = [{"method": "POST", "url": PAY, "status": 201, "body": {"id": "ch_1"}}]
    fault = {"step": "charge", "http": {"method": "POST", "url": PAY, "status": 503, "times": 1}}
    handlers = {**USUAL, "charge": answering(paying)}
    history = run_of(handlers, routes=routes, faults=[fault])
    assert check_against(history, handlers, template=ORDER, routes=routes).same


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_history_without_results(tmp_path):
    """There is nothing to compare with."""
    history = run_of(faults=[{"step": "validate", "attempt": 1, "hang": True}])
    with pytest.raises(HistoryError) as refused:
        check_against(history, USUAL, template=ORDER)
    assert str(refused.value) == (
        "The history holds no result of any attempt, so there is nothing to compare with. Import the task with all its "
        "steps and their audits, or record a run that calls handlers."
    )


def test_what_is_no_history():
    """A run is as good as its history; anything else is refused."""
    assert check_against(Simulation(ORDER, handlers=USUAL).run({}), USUAL, template=ORDER).same
    with pytest.raises(HistoryError) as refused:
        check_against({"format": "?"}, USUAL, template=ORDER)
    assert str(refused.value) == ("{'format': '?'} is no history: give a run, a History or the path of a history file.")


def test_a_template_is_needed():
    """A history that doesn't know its template says which one it is of."""
    with pytest.raises(HistoryError) as refused:
        check_against(run_of(), USUAL)
    assert str(refused.value) == (
        "The history doesn't hold its template, shop/orders 1.0.0. "
        "Give its file: --template FILE (template= in Python)."
    )


def test_another_template():
    """Both are named."""
    with pytest.raises(HistoryError) as refused:
        check_against(run_of(), USUAL, template={**ORDER, "name": "parcels"})
    assert str(refused.value) == (
        "The history is of template shop/orders 1.0.0, and the template is shop/parcels 1.0.0. Give its own template."
    )


def test_a_step_that_the_template_lacks_today():
    """The steps of both are named."""
    with pytest.raises(HistoryError) as refused:
        check_against(run_of(), USUAL, template={**ORDER, "steps": ORDER["steps"][:2]})
    assert str(refused.value) == (
        "The history has steps that the template doesn't have today:\n  confirm\n"
        "Give the template as it was then. The steps of this one:\n  validate\n  charge"
    )


def test_a_newer_version_of_the_template_is_no_other():
    """It is told, since the step's configuration may be another one."""
    check = check_against(run_of(), USUAL, template={**ORDER, "version": "1.1.0"})
    assert check.same
    assert "The run is of version 1.0.0 of its template, and the template is of version 1.1.0 today." in str(check)


def test_a_step_without_a_handler_today():
    """Every such step is named."""
    with pytest.raises(HandlerError, match=r"Step 'charge': no handler for 'charge'"):
        check_against(run_of(), {"validate": USUAL["validate"], "confirm": USUAL["confirm"]}, template=ORDER)


def test_handlers_that_a_file_could_not_hold(tmp_path, monkeypatch):
    """A recording whose handlers have no home needs some to be given."""
    monkeypatch.chdir(tmp_path)
    path = Simulation(ORDER, handlers=USUAL).run({}).save("x.history.json")
    with pytest.raises(HistoryError) as refused:
        check_against(path)
    assert str(refused.value) == (
        "x.history.json couldn't hold these handlers, which no module has under their names:\n"
        "  charge\n  confirm\n  validate\nGive handlers: --handlers MODULE_OR_FILE (handlers= in Python)."
    )
    assert check_against(path, USUAL).same
