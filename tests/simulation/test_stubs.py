"""Stubs: every kind of them, and what is said of those that can't be used."""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasker_core import PermanentError, RetryableError

from tasker_testkit import Failure, FaultPlan, HandlerHangs, Simulation, StubError
from tasker_testkit.model.outcome import success

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
BATCH = (
    "load",
    {
        "name": "split",
        "type": "batchable",
        "dependencies": ["load"],
        "handler": {"callable": "split", "initialization": {"worker_template_name": "work"}},
    },
    {
        "name": "work",
        "type": "batch_worker",
        "dependencies": ["split"],
        "batch_config": {
            "batch_size": 1,
            "parallelism": 2,
            "cursor_field": "id",
            "worker_template": "work",
            "failure_strategy": "continue_on_failure",
        },
    },
    {"name": "merge", "type": "deferred_convergence", "dependencies": ["work"]},
)
TWO_BATCHES = {
    "batch_processing_outcome": {
        "type": "create_batches",
        "worker_template_name": "work",
        "worker_count": 2,
        "total_items": 2,
        "cursor_configs": [
            {"batch_id": name, "start_cursor": at, "end_cursor": at + 1, "batch_size": 1}
            for at, name in enumerate(("001", "002"))
        ],
    }
}


def outcomes(run, name):
    """The outcomes of a step's attempts."""
    return [attempt.outcome for attempt in run[name].attempts]


@given(result=st.dictionaries(st.text(), json_values, max_size=3))
def test_a_mapping_is_the_result(workflow, result):
    """Any JSON mapping is what the step gives, equal and never the same object."""
    run = Simulation(workflow("a"), stubs={"a": result}).run()
    assert run["a"].result == result
    assert run["a"].result is not result


def test_none_is_an_empty_result(workflow, profile):
    """None is success without a result, stored as an empty mapping."""
    run = Simulation(workflow("a"), stubs={"a": None}, profile=profile).run()
    assert (run.state, run["a"].result) == ("complete", {})


@given(st.lists(st.booleans(), min_size=1, max_size=4))
def test_a_list_has_one_entry_an_attempt_and_the_last_repeats(workflow, fine):
    """Attempt n gets entry n, those behind the end the last one, until the first success or the third failure."""
    stub = [{"n": n} if ok else Failure(f"failed {n}") for n, ok in enumerate(fine)]
    run = Simulation(workflow("a"), stubs={"a": stub}).run()
    told = [(outcome.result or {}).get("n", outcome.message) for outcome in outcomes(run, "a")]
    entries = [n if fine[n] else f"failed {n}" for n in (min(n, len(fine) - 1) for n in range(3))]
    first_success = next((n for n, entry in enumerate(entries) if isinstance(entry, int)), 2)
    assert told == entries[: first_success + 1]


def test_a_failure_is_as_the_profile_lets_it_through(workflow, profile):
    """Rows 2, 8 and 9: code, metadata and wish are kept as documented; as built they are lost on the wire."""
    failure = Failure("busy", "rate_limit", error_code="R1", retry_after=4, metadata={"gateway": "g", "worker_id": "w"})
    run = Simulation(workflow("a"), stubs={"a": [failure, {}]}, profile=profile).run()
    found = outcomes(run, "a")[0]
    seen = (found.error_code, dict(found.metadata), run["a"].waits[0].total_seconds())
    assert (found.message, found.error_type, found.retryable) == ("busy", "rate_limit", True)
    kept, lost = ("R1", {"gateway": "g", "worker_id": "w"}, 4), (None, {"worker_id": "w"}, 0)
    assert seen == {"documented": kept, "tasker-0.1.8": lost}[profile]


def test_a_failure_can_be_permanent(workflow, profile):
    """One that isn't retryable blocks the task at once."""
    run = Simulation(workflow("a"), stubs={"a": Failure("no", retryable=False)}, profile=profile).run()
    assert (run.state, len(run["a"].attempts), run["a"].error) == ("blocked_by_failures", 1, "handler_error: no")


@pytest.mark.parametrize("error", [PermanentError("no"), RetryableError("busy"), ConnectionError("reset"), KeyError])
@pytest.mark.parametrize("from_function", [False, True])
def test_an_exception_is_raised_in_the_handlers_place(workflow, handler, profile, error, from_function):
    """An instance, a class, and what a stub's function raises end the attempt as one from a class handler does."""

    def planned(context):
        raise error

    stubs = {"a": planned if from_function else error}
    stubbed = Simulation(workflow("a"), stubs=stubs, profile=profile).run()
    real = Simulation(workflow("a"), handlers={"a": handler(planned)}, profile=profile).run()
    assert stubbed.history.to_json() == real.history.to_json()


def test_a_function_sees_the_context(workflow, profile):
    """A function gets the real StepContext of the attempt and gives any kind of stub's outcome."""

    def second_time(context):
        if context.retry_count == 0:
            return Failure(f"attempt {context.retry_count + 1} of {context.max_retries}")
        return {"total": context.get_input("total") + context.get_dependency_result("a")["more"]}

    stubs = {"a": {"more": 1}, "b": second_time}
    run = Simulation(workflow("a", "b"), stubs=stubs, profile=profile).run({"total": 41})
    assert outcomes(run, "b")[0].message == "attempt 1 of 3"
    assert run["b"].result == {"total": 42}


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("beside_a_handler", [False, True])
def test_a_function_lives_in_virtual_time(workflow, handler, beside_a_handler, driven):
    """Clock, chance and sleeps of a function are a handler's, though nothing but stubs runs; it takes no time."""

    def looks(context):
        time.sleep(3600)
        return {"now": datetime.now(UTC).isoformat(), "drawn": random.random(), "id": str(uuid.uuid4())}

    def seen():
        stubs = {"b": [looks]} if beside_a_handler else {"a": looks, "b": [looks]}
        simulation = Simulation(
            workflow("a", "b"), stubs=stubs, handlers={"a": handler(lambda context: {})}, durations={"a": 60}
        )
        if not driven:
            return simulation.run()
        with simulation.start() as task:
            return task.finish()

    one, other = seen(), seen()
    assert one["b"].result["now"] == "2026-01-01T01:01:00+00:00"
    assert one.elapsed == timedelta(seconds=60)
    assert one.history.to_json() == other.history.to_json()


def test_a_function_that_blocks_is_stopped(workflow):
    """The watchdog watches it, and says that it is the stub."""

    def endless(context):
        while True:
            pass

    with pytest.raises(HandlerHangs, match=r"^Step 'a', attempt 1: the stub blocked for more than 0.2 s of real time"):
        Simulation(workflow("a"), stubs={"a": endless}, real_timeout=0.2).run()


def test_instances_have_stubs_of_their_own(workflow, profile):
    """A batch instance is stubbed by its own name, the others by their worker's; both count as used."""
    stubs = {"load": {}, "split": TWO_BATCHES, "work": {"by": "worker"}, "work_002": {"by": "instance"}, "merge": {}}
    simulation = Simulation(workflow(*BATCH), stubs=stubs, profile=profile)
    run = simulation.run()
    assert (run["work_001"].result, run["work_002"].result) == ({"by": "worker"}, {"by": "instance"})
    simulation.check_unused()


def test_handlers_are_only_needed_where_no_stub_is(workflow, handler):
    """A step with a stub needs no handler, the others run theirs."""
    run = Simulation(workflow("a", "b"), stubs={"a": {"n": 1}}, handlers={"b": handler(lambda context: {"n": 2})}).run()
    assert (run["a"].result, run["b"].result) == ({"n": 1}, {"n": 2})


def test_unused_stubs_are_told_over_all_runs(workflow):
    """check_unused names the stubs that no run used, and is silent once some run has."""
    answers = iter([Failure("no", retryable=False), {}])
    simulation = Simulation(workflow("a", "b"), stubs={"a": lambda context: next(answers), "b": {}})
    simulation.run()
    with pytest.raises(StubError) as caught:
        simulation.check_unused()
    assert str(caught.value) == (
        "No run used these stubs:\n  b\nTheir steps never ran. Drop them, or let the steps run."
    )
    simulation.run()
    simulation.check_unused()


def test_a_stub_is_used_where_a_fault_takes_its_place(workflow):
    """A raise fault ends the attempt of a stubbed step as if the stub had raised, and the stub counts as used."""
    faults = [{"step": "a", "raise": {"type": "PermanentError"}}]
    simulation = Simulation(workflow("a"), stubs={"a": {}}, faults=faults)
    assert simulation.run()["a"].error == "PermanentError: Unknown error"
    simulation.check_unused()


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("stubs", "message"),
    [
        (
            {"chrage": {}},
            "There is a stub for step 'chrage', but template 'orders' has no such step. Did you mean 'charge'? "
            "Its steps:\n  check\n  charge",
        ),
        ({3: {}}, "There is a stub for step 3, but template 'orders' has no such step. Its steps:\n  check\n  charge"),
        (["check"], "stubs=['check']: give a mapping of step to stub."),
        ("check", "stubs='check': give a mapping of step to stub."),
    ],
    ids=str,
)
def test_tables_that_are_refused_at_once(workflow, stubs, message):
    """A stub for a step that isn't there, with the nearest name, and what is no table at all."""
    with pytest.raises(StubError) as caught:
        Simulation(workflow("check", "charge"), stubs=stubs)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("stub", "message"),
    [
        ([], "A stub is an empty list: give one entry an attempt, the last one repeats."),
        ({"x": {1}}, "The result isn't JSON: Object of type set is not JSON serializable."),
        ({"x": float("inf")}, "The result isn't JSON: Out of range float values are not JSON compliant."),
        ({"x": CYCLE}, "The result isn't JSON: Circular reference detected."),
        *(
            (
                stub,
                f"A stub gave {shown}. A stub is a mapping (success), None (success without a result), a Failure, an "
                "exception, a list of these (one an attempt), or a function of the context.",
            )
            for stub, shown in [(5, "5"), ("text", "'text'"), ([[]], "[]"), (lambda context: 5, "5")]
        ),
    ],
)
def test_a_stub_that_gives_no_result_names_its_step_and_attempt(workflow, stub, message):
    """What can't be a result is an error of the test, not a failure of the step."""
    with pytest.raises(StubError) as caught:
        Simulation(workflow("a"), stubs={"a": stub}).run()
    assert str(caught.value) == f"Step 'a', attempt 1: {message}"


def test_a_stub_behind_a_planned_failure_counts_as_used(workflow):
    """A fault that takes the place of a stub uses it: nobody is told to drop a stub that the step needs."""
    simulation = Simulation(workflow("a"), stubs={"a": {}}, faults=FaultPlan().fail("a"))
    simulation.run()
    simulation.check_unused()


def test_an_outcome_that_several_steps_share_is_stored_as_each_ones_own(workflow):
    """Behind two steps and two attempts, one value: what a descendant and a retry see has the step and the instant."""
    seen = []

    def look(context):
        whole = context.event.task_sequence_step
        seen.append({"own": whole["workflow_step"]["results"], **whole["dependency_results"]})
        return shared

    shared, done = Failure("busy"), success({"n": 1})
    stubs = {"a": done, "b": done, "c": look}
    run = Simulation(workflow("a", "b", "c"), stubs=stubs).run()
    stored = [
        {"own": own and own.stored, **{name: run[name].attempts[-1].outcome.stored for name in "ab"}}
        for own in (None, *(attempt.outcome for attempt in run["c"].attempts[:-1]))
    ]
    assert seen == stored
    assert len({each["own"]["metadata"]["completed_at"] for each in seen[1:]}) == len(seen) - 1 == 2


def test_what_becomes_of_a_stub_afterwards_changes_no_run(workflow):
    """Neither who changes the data that was given nor who changes a run's result reaches the next run."""
    given = {"items": [{"n": 1}]}
    simulation = Simulation(workflow("a"), stubs={"a": given})
    first = simulation.run()
    given["items"].append({"n": 2})
    first["a"].result["items"][0]["n"] = 3
    assert simulation.run()["a"].result == {"items": [{"n": 1}]}
