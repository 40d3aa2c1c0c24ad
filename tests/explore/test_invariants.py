"""Invariants: which moments they see, what counts as broken, and what is said of it."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_graphs import graphs, stubbed

from tasker_testkit import Failure, Simulation, TaskerTestkitError, effect
from tasker_testkit.explore.invariants import (
    DEFAULT,
    Broken,
    Invariant,
    after_ancestors,
    always,
    as_invariants,
    ends,
    eventually,
    judged,
    nothing_after_permanent_failure,
    result_matches,
    sometimes,
    state_is,
    unreached,
    within_attempts,
)

CHAIN = {
    "name": "chain",
    "namespace_name": "tests",
    "version": "1.0.0",
    "steps": [
        {"name": "charge", "handler": {"callable": "x"}, "retry": {"max_attempts": 2, "backoff_base_ms": 100}},
        {"name": "ship", "handler": {"callable": "x"}, "dependencies": ["charge"]},
    ],
}
FAULTS = st.sampled_from(
    [
        {"fail": {}},
        {"fail": {"retryable": False}},
        {"delay": "9s"},
        {"lose_result": True},
        {"crash": "after"},
        {"duplicate": True},
        {"raise": {"type": "OSError"}},
    ]
)


def charging(context):
    """A charge that is busy at first."""
    effect("charge", key="order-1")
    return Failure("busy", error_type="timeout") if context.retry_count == 0 else {"id": 1}


@pytest.fixture
def run():
    """A run in which charge needs two attempts, 100 ms apart."""
    return Simulation(CHAIN, stubs={"charge": [Failure("busy", error_type="timeout"), {"id": 1}], "ship": {}}).run({})


def said(run, *checks):
    """What is broken, as (name, message)."""
    return [(one.invariant, one.message) for one in judged(run, as_invariants(checks)).broken]


@always
def charged_before_shipped(task):
    """A decorated invariant of a module."""
    return task["ship"].state in (None, "pending") or task["charge"].state == "complete"


# -- which moments -----------------------------------------------------------------------------------------------------


def test_always_sees_every_change_and_the_end(run):
    """always is asked after every change of state of the task and of each step, and once more at the end."""
    seen = []
    judged(run, [always(lambda task: seen.append((task.changed, task.state)))])
    changes = [f"step {name!r} became {move.after}" for _, name, move in run.history.moments() if name != "task"]
    assert sorted(told for told, _ in seen if told.startswith("step")) == sorted(changes)
    assert [state for told, state in seen if "the task" in told] == list(run.states)
    assert seen[-1] == ("", "complete")


def test_eventually_sees_the_end_only(run):
    """eventually is asked once, with everything that happened."""
    seen = []
    judged(run, [eventually(lambda task: seen.append((task.state, task["charge"].attempts)))])
    assert seen == [("complete", 2)]


def test_a_plain_function_sees_the_run(run):
    """A function without a decorator is given the Run itself, under its own name."""
    seen = []

    def looked_at(given):
        seen.append(given)

    assert as_invariants(looked_at)[0].name == "looked_at"
    judged(run, as_invariants([looked_at]))
    assert seen == [run]


def test_sometimes_is_reached_at_any_moment(run):
    """A goal that holds for one moment is reached; one that never holds, or only raises, isn't."""
    goals = [
        sometimes(lambda task: task.state == "waiting_for_retry", name="waited"),
        sometimes(lambda task: task.state == "cancelled", name="cancelled"),
        sometimes(lambda task: 1 / 0, name="raises"),
    ]
    verdict = judged(run, goals)
    assert (verdict.reached, verdict.broken) == ({"waited"}, ())
    assert [one.invariant for one in unreached(goals, verdict.reached, 7)] == ["cancelled", "raises"]
    assert unreached(goals, ["waited", "raises"], 7) == (
        Broken(
            "cancelled",
            "holds at no moment of any of the 7 runs. Explore deeper, or with another input; or it can't happen.",
        ),
    )


# -- what is broken, and what is said ----------------------------------------------------------------------------------


def test_the_first_moment_is_told_with_the_whole_picture(run):
    """A broken always says when, what changed, what it has against it, and how task, steps and effects were then."""

    @always
    def patient(task):
        if task["charge"].state == "waiting_for_retry":
            raise AssertionError("charge shall not wait")

    assert said(run, patient) == [
        (
            "patient",
            "doesn't hold at 0 s, when step 'charge' became waiting_for_retry: charge shall not wait\n"
            "  task    steps_in_process\n"
            "  charge  waiting_for_retry, attempt 1 of 2, timeout: busy\n"
            "  ship    pending",
        )
    ]
    assert judged(run, [patient]).broken[0].at == 0


def test_effects_are_in_the_picture():
    """The effects so far are told with their keys, whose they were, and their instants; later ones aren't."""
    run = Simulation(CHAIN, stubs={"charge": charging, "ship": lambda context: effect("ship") or {}}).run({})
    ((_, message),) = said(run, always(lambda task: task["charge"].attempts < 2, name="once"))
    assert message == (
        "doesn't hold at 100 ms, when step 'charge' became in_progress.\n"
        "  task    steps_in_process\n"
        "  charge  in_progress, attempt 2 of 2, timeout: busy\n"
        "  ship    pending\n"
        "  effect  charge (key 'order-1') by charge, attempt 1, at 0 s"
    )


def test_a_long_picture_is_cut():
    """Of many steps and effects the first dozen are shown, and how many more there are."""
    steps = [{"name": f"step_{number}", "handler": {"callable": "x"}} for number in range(20)]
    stubs = {step["name"]: lambda context: effect("mail") or {} for step in steps}
    run = Simulation({**CHAIN, "steps": steps}, stubs=stubs).run({})
    ((_, message),) = said(run, eventually(lambda task: False, name="never"))
    assert message.count("\n") == 1 + 2 * 13
    assert "\n  ...      and 8 more steps\n" in message
    assert message.endswith("\n  ...      and 8 more effects")


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda run: False, "doesn't hold of this run."),
        (lambda run: 1 / 0, "doesn't hold of this run: raised ZeroDivisionError at test_invariants.py:"),
        (lambda run: run["shop"], "doesn't hold of this run: raised RunError at test_invariants.py:"),
        (lambda run: pytest.fail("too late"), "doesn't hold of this run: too late"),
        (lambda run: disagrees(), "doesn't hold of this run: "),
    ],
    ids=["False", "exception", "RunError", "pytest.fail", "assert"],
)
def test_what_counts_as_no(run, function, message):
    """A check says no by False, a failed assertion, any exception, or pytest.fail; the message says which."""
    ((name, found),) = said(run, function)
    assert name.startswith("lambda at test_invariants.py:")
    assert found.startswith(message)


def disagrees():
    """An assertion without a text."""
    raise AssertionError


def test_an_assertion_without_words_is_told_by_its_place(run):
    """Where an assertion has no text, its file and line stand in for it."""
    ((_, message),) = said(run, eventually(lambda task: disagrees(), name="agrees"))
    assert message.startswith("doesn't hold at the end of the run, 100 ms after the submission: the assertion at test_")


def test_the_place_of_an_exception_is_the_users(run):
    """An error of ours is told with the check's own line; a check that couldn't even be called has no place."""
    ((_, message),) = said(run, lambda run: run["shop"])
    line = test_the_place_of_an_exception_is_the_users.__code__.co_firstlineno + 2
    assert message.splitlines()[0].endswith(
        f"raised RunError at test_invariants.py:{line}: There is no step 'shop'. "
        "Did you mean 'ship'? Steps of this run:"
    )
    ((_, message),) = said(run, state_is("complete", step="shop"))
    assert "raised RunError: There is no step 'shop'." in message


@pytest.mark.parametrize("answer", [True, None])
def test_what_counts_as_yes(run, answer):
    """A check says yes by True or by nothing."""
    assert said(run, lambda run: answer, always(lambda task: answer), eventually(lambda task: answer)) == []


@pytest.mark.parametrize("answer", [0, "", [], 1, "no"])
def test_any_other_answer_is_an_error(run, answer):
    """An answer that could mean either is refused: an empty list of problems isn't False."""
    with pytest.raises(TaskerTestkitError) as caught:
        said(run, always(lambda task: answer, name="odd"))
    assert str(caught.value) == (
        f"The check 'odd' returned {answer!r}. A check raises or returns False if it doesn't hold, "
        "and returns True or nothing if it does."
    )


# -- what can be checked -----------------------------------------------------------------------------------------------


async def asynchronous(task):
    """Nothing of this would run."""


def generating(task):
    """Nor of this."""
    yield


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("ends", "check: 'ends' can't be checked. Give functions of a Run that raise or return False, or invariants: "),
        ([7], "check: 7 can't be checked. "),
        (Invariant, "check: <class '"),
        (asynchronous, "asynchronous can't be checked: with 'async def' nothing of it would run."),
        (generating, "generating can't be checked: with 'yield' nothing of it would run."),
    ],
)
def test_what_cannot_be_checked(check, message):
    """Anything but functions and invariants is refused in one sentence, as are functions that wouldn't run."""
    with pytest.raises(TaskerTestkitError) as caught:
        as_invariants(check)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("make", [always, eventually, sometimes])
def test_only_functions_become_invariants(make):
    """always and its like take a function, and no invariant in an invariant."""
    for wrong in (7, ends, dict):
        with pytest.raises(TaskerTestkitError, match=rf"{make.__name__}\(\.\.\.\) takes a function, not "):
            make(wrong)


def test_names_are_told_apart(run):
    """Two checks of one name are numbered; the same invariant given twice is one."""
    first, second = (always(lambda task: False, name="safe") for _ in range(2))
    found = as_invariants([first, second, first, ends, ends])
    assert [one.name for one in found] == ["safe", "safe (2)", "ends"]


@pytest.mark.parametrize(
    "invariant",
    [charged_before_shipped, *DEFAULT, state_is("complete"), result_matches({"type": "object"}, step="charge")],
    ids=lambda invariant: invariant.name,
)
def test_invariants_can_be_sent_to_other_processes(invariant):
    """An invariant of a module, decorated or ready-made, is equal to itself behind pickle."""
    assert pickle.loads(pickle.dumps(invariant)) == invariant


# -- the ready-made ones -----------------------------------------------------------------------------------------------


@given(st.data())
def test_what_tasker_promises_holds(data):
    """Whatever the graph and the fault, a run keeps the promises that are checked by default."""
    template = data.draw(graphs())
    step = data.draw(st.sampled_from([step["name"] for step in template["steps"]]))
    plan = [{"step": step, "attempt": 1, **data.draw(FAULTS)}]
    assert judged(stubbed(template, faults=plan, unused_faults="allow").run({}), DEFAULT).broken == ()


def test_ends(run):
    """A task whose result gets lost, as built and with nobody to find it, never ends; it is said what it waits for."""
    steps = [{"name": "charge", "handler": {"callable": "x"}}, {"name": "ship", "handler": {"callable": "x"}}]
    plan = [{"step": "charge", "attempt": 1, "lose_result": True}]
    stubs = {"charge": {}, "ship": {}}
    lost = Simulation({**CHAIN, "steps": steps}, stubs=stubs, faults=plan, profile="tasker-0.1.8").run({})
    assert said(run, ends) == []
    assert said(lost, ends) == [
        (
            "ends",
            "the run has no end. The task stays evaluating_results: nothing can happen any more.\n"
            "  charge: in_progress, its result never arrives",
        )
    ]


def test_within_attempts(run):
    """An attempt above max_attempts is told with its number."""
    assert said(run, within_attempts) == []
    run.engine.ledger.by_name["charge"].max_attempts = 1  # as if the engine had allowed one too many
    assert said(run, within_attempts) == [("within_attempts", "step 'charge' makes attempt 2 of 1")]


def test_after_ancestors(run):
    """A step that starts before its parent is done is told with the parent."""
    assert said(run, after_ancestors) == []
    log, ship = run.engine.ledger.log, run.engine.ledger.by_name["ship"].index
    log.insert(5, (0, ship, "in_progress"))  # as if the engine had started it too early
    assert said(run, after_ancestors) == [("after_ancestors", "step 'ship' starts at 0 s, before 'charge' is done")]


def test_nothing_after_permanent_failure(run):
    """A step that is enqueued behind a failure for good is told with that failure; behind an operator's act it may."""
    failed = Simulation(CHAIN, stubs={"charge": Failure(retryable=False), "ship": {}})
    with failed.start({}) as task:
        task.run_until(step="charge", state="error")
        task["charge"].complete_manually({})
        assert said(task.finish(), nothing_after_permanent_failure) == []
    run = failed.run({})
    assert said(run, nothing_after_permanent_failure) == []
    ship = run.engine.ledger.by_name["ship"].index
    run.engine.ledger.log.append((5_000_000, ship, "enqueued"))  # as if the engine had gone on
    assert said(run, nothing_after_permanent_failure) == [
        (
            "nothing_after_permanent_failure",
            "step 'ship' is enqueued at 5 s, although step 'charge' has failed for good at 0 s",
        )
    ]


def test_state_is(run):
    """state_is names the states that are allowed at the end; the message says what came instead, and of which step."""
    failed = Simulation(CHAIN, stubs={"charge": Failure("no", retryable=False), "ship": {}}).run({})
    assert said(run, state_is("complete"), state_is("error", "complete", step="ship")) == []
    assert said(failed, state_is("complete", "cancelled"), state_is("complete", step="ship")) == [
        (
            "state_is('complete', 'cancelled')",
            "the task ends blocked_by_failures, not complete or cancelled. The task ended blocked_by_failures.\n"
            "  charge: error after attempt 1 of 2, handler_error: no\n"
            "  ship: pending, waits for charge",
        ),
        (
            "state_is('complete', step='ship')",
            "step 'ship' ends pending, not complete. The task ended blocked_by_failures.\n"
            "  charge: error after attempt 1 of 2, handler_error: no\n"
            "  ship: pending, waits for charge",
        ),
    ]


def test_state_is_knows_the_states():
    """A state that doesn't exist is refused when the invariant is made, with near names."""
    with pytest.raises(TaskerTestkitError, match=r"'completed' isn't a state of a task\. Did you mean 'complete'"):
        state_is("completed")
    with pytest.raises(TaskerTestkitError, match="state_is: 'blocked_by_failures' isn't a state of a step"):
        state_is("blocked_by_failures", step="ship")
    with pytest.raises(TaskerTestkitError, match="state_is: '' isn't a state of a task"):
        state_is()


def test_result_matches(run):
    """A complete step's result must fit; without a step it is that of the last ones. An incomplete step has none."""
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
    failed = Simulation(CHAIN, stubs={"charge": Failure(retryable=False), "ship": {}}).run({})
    assert said(failed, result_matches(schema), result_matches(schema, step="charge")) == []
    assert said(run, result_matches(schema), result_matches(schema, step="charge")) == [
        ("result_matches()", "the result of step 'ship' doesn't fit:\n  id: is missing."),
        ("result_matches('charge')", "the result of step 'charge' doesn't fit:\n  id: 1 is not of type 'string'."),
    ]


def test_result_matches_takes_schemas_only():
    """What isn't a JSON Schema is refused when the invariant is made."""
    with pytest.raises(TaskerTestkitError, match="result_matches: not a JSON Schema: type 'strin' isn't known"):
        result_matches({"type": "strin"})


@pytest.mark.parametrize("invariant", [state_is("complete", step="shop"), result_matches({}, step="shop")])
def test_unknown_steps_are_said(run, invariant):
    """An invariant about a step that the workflow doesn't have can't hold, and says so with near names."""
    ((_, message),) = said(run, invariant)
    assert "RunError: There is no step 'shop'. Did you mean 'ship'? Steps of the template:\n  charge\n  ship" in message
