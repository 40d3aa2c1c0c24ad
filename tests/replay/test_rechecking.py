"""Today's handlers against a run that is known: what is the same, what isn't, and what has no answer."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_orders import ORDER, USUAL, against, answering, as_production, run_of, told
from tasker_core import StepHandler, StepHandlerResult
from telltales import calm_handlers_for, handlers_for

from tasker_testkit import (
    HistoryError,
    Simulation,
    SubmissionRefused,
    check_against,
    fault_plans,
    load_history,
    templates,
)
from tasker_testkit.worker.walltime import World

TYPES = ((), ("decision",), ("batchable",), ("decision", "batchable"))


def undisturbed(attempt):
    """Whether the attempt's result is its handler's for sure."""
    outcome = attempt.outcome
    return (
        outcome is not None
        and not outcome.worker_made
        and all("delay" in one for one in attempt.faults)
        and not (outcome.error_type == "timeout" and attempt.faults)
    )


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
    later = check_against(path, {**USUAL, "charge": PAYS, "confirm": answering({"sent": 1})}, template=ORDER)
    assert told(later)[1:] == [("charge", 1, "unclear"), ("confirm", 1, "differs")]
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
    first = check_against(path, {**handlers, "validate": other}, template=ORDER).attempts[0]
    assert (first.verdict, first.place) == ("differs", "result.token")
    assert first.why == "a secret is there, and placeholders of secrets are compared"


# -- how it is compared ------------------------------------------------------------------------------------------------


def test_levels_and_patterns():
    """``shape`` compares types; ``ignore`` leaves places out, as with recordings."""
    history, other = run_of(), {**USUAL, "validate": answering({"total": 6, "items": [3]})}
    assert check_against(history, other, template=ORDER, level="shape").same
    place = "steps.validate.attempts.*.stored.result.*"
    assert check_against(history, other, template=ORDER, ignore=[place]).same
    assert not check_against(history, other, template=ORDER, ignore=[f"{place}.x"]).same
    nobody = {**USUAL, "validate": answering(lambda context: pytest.fail("a handler ran"))}
    with pytest.raises(HistoryError, match="There is no level 'close'"):
        check_against(history, nobody, template=ORDER, level="close")


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


def test_setup_gives_doubles_a_fresh_start():
    """It is called before the first attempt, at the run's first instant; before each of the two looks."""
    moments = []
    history = as_production(run_of())
    check_against(history, USUAL, template=ORDER, setup=lambda: moments.append(datetime.now(UTC)))
    assert moments == [history.start, history.start + (moments[1] - moments[0])]
    assert moments[0] < moments[1]
