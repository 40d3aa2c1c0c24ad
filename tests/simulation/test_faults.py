"""What each fault means, in both profiles, to real handlers: the table of docs/faults.md, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tasker_core import PermanentError, RetryableError
from tasker_core.step_handler.functional import step_handler

from tasker_testkit import FaultError, FaultPlan, Simulation

SIDE = {"name": "side"}
"""A second root: a step that has nothing to do with the faulty one."""


@pytest.fixture
def play(workflow, handler, profile):
    """Run step ``a`` and, beside it, ``side``, with these faults: ``play(plan, **fields of a)``.

    Gives the run and every call of a handler: (step, attempts made before).
    """

    def play(plan, **fields):
        calls = []

        def called(name):
            return handler(lambda context: calls.append((name, context.retry_count)))

        template, handlers = workflow({"name": "a", **fields}, SIDE), {name: called(name) for name in ("a", "side")}
        return Simulation(template, handlers=handlers, faults=plan, profile=profile).run(), calls

    return play


@pytest.fixture
def expect(profile):
    """``expect(documented=..., as_built=...)``: the value of the profile that the test runs under."""
    return lambda documented, as_built: documented if profile == "documented" else as_built


def seconds(run, name):
    """Start and end of each attempt in seconds since the run's start; None for what never came."""
    start = run.history.start

    def since(moment):
        return None if moment is None else (moment - start).total_seconds()

    return [(since(attempt.started_at), since(attempt.ended_at)) for attempt in run[name].attempts]


def failed(run, name="a", attempt=1):
    """Type, text and retryability of an attempt's failure."""
    outcome = run[name].attempts[attempt - 1].outcome
    assert not outcome.success
    return outcome.error_type, outcome.message, outcome.retryable


def without_traceback(run):
    """The outcomes of ``a``, without the lines of code that the SDK's decorator notes."""
    outcomes = [attempt.outcome for attempt in run["a"].attempts]
    return [replace(one, metadata={k: v for k, v in one.metadata.items() if k != "traceback"}) for one in outcomes]


ERRORS = [
    # error, (type, retryable) of a class handler as documented, as built, and of a function handler in both
    (ConnectionError("x"), ("ConnectionError", True), ("ConnectionError", True), ("handler_error", True)),
    (PermanentError("x"), ("PermanentError", False), ("PermanentError", True), ("permanent_error", False)),
    (RetryableError("x"), ("RetryableError", True), ("RetryableError", True), ("retryable_error", True)),
]


@pytest.mark.parametrize("as_data", [False, True])
@pytest.mark.parametrize("row", ERRORS, ids=lambda row: type(row[0]).__name__)
def test_raise_in_a_class_handler(play, expect, row, as_data):
    """The handler isn't called; the attempt ends as if it had raised this (row 7), planned in Python or as data."""
    error = {"type": type(row[0]).__name__, "message": "x"} if as_data else row[0]
    plan = [{"step": "a", "attempt": 1, "raise": error}]
    run, calls = play(plan)
    kind, retryable = expect(row[1], row[2])
    assert failed(run) == (kind, "x", retryable)
    assert run.state == ("complete" if retryable else "blocked_by_failures")
    assert calls.count(("a", 0)) == 0
    assert calls.count(("a", 1)) == retryable


@pytest.mark.parametrize("as_data", [False, True])
@pytest.mark.parametrize("row", ERRORS, ids=lambda row: type(row[0]).__name__)
def test_raise_in_a_function_handler(workflow, profile, row, as_data):
    """A function handler's exception is classified by the SDK's decorator, as if it had raised it itself."""

    def run(function, **plan):
        return Simulation(workflow("a"), handlers=[step_handler("a")(function)], profile=profile, **plan).run()

    def really(context):
        if context.retry_count == 0:
            raise row[0]
        return {"done": True}

    error = {"type": type(row[0]).__name__, "message": "x"} if as_data else row[0]
    planned = run(lambda context: {"done": True}, faults=[{"step": "a", "attempt": 1, "raise": error}])
    assert (failed(planned)[0], failed(planned)[2]) == row[3]
    assert without_traceback(planned) == without_traceback(run(really))


def test_raise_of_an_unknown_class_has_its_name(play):
    """Data can name the exceptions of the team's own libraries: the name is what the failure shows."""
    run, _ = play([{"step": "a", "attempt": 1, "raise": {"type": "GatewayDown", "message": "x"}}])
    assert failed(run) == ("GatewayDown", "x", True)


def test_fail(play, expect):
    """The handler isn't called; the failure is its result: whole as documented, as it crosses the wire as built."""
    plan = FaultPlan().fail(
        "a", attempt=1, message="m", error_type="t", error_code="C1", retry_after=4, metadata={"k": 1, "worker_id": "w"}
    )
    run, calls = play(plan)
    outcome = run["a"].attempts[0].outcome
    assert failed(run) == ("t", "m", True)
    assert (outcome.error_code, dict(outcome.metadata)) == expect(
        ("C1", {"k": 1, "worker_id": "w"}), (None, {"worker_id": "w"})
    )
    assert run["a"].waits == [timedelta(seconds=expect(4, 0))]
    assert [call for call in calls if call[0] == "a"] == [("a", 1)]
    assert run["a"].attempts[0].faults == tuple(plan.to_data())
    assert run["a"].attempts[1].faults == ()


def test_fail_for_good(play):
    """A failure that isn't retryable is the end of the step."""
    run, _ = play(FaultPlan().fail("a", retryable=False))
    assert (run.state, failed(run)) == ("blocked_by_failures", ("handler_error", "injected fault", False))


def test_delay(play, expect):
    """The handler runs at the start and its result comes later; as built the worker is busy meanwhile (row 26)."""
    run, calls = play(FaultPlan().delay("a", "40s", attempt=1))
    assert seconds(run, "a") == [(0, 40)]
    assert seconds(run, "side") == expect([(0, 0)], [(40, 40)])
    assert (run.state, run.elapsed) == ("complete", timedelta(seconds=40))
    assert sorted(calls) == [("a", 0), ("side", 0)]


def test_delay_beyond_the_timeout(play, expect):
    """Row 12: past ``timeout_seconds`` the attempt fails at that instant, retryable; as built nobody looks at it."""
    run, calls = play(FaultPlan().delay("a", "40s", attempt=1), timeout_seconds=30)
    assert seconds(run, "a") == expect([(0, 30), (30.1, 30.1)], [(0, 40)])
    if expect(True, False):
        assert failed(run) == ("timeout", "Step 'a' took longer than its timeout of 30 s", True)
    assert calls.count(("a", 0)) == 1


def test_a_delay_as_long_as_the_timeout_is_in_time(play):
    """Only what takes longer fails."""
    run, _ = play(FaultPlan().delay("a", "30s", attempt=1), timeout_seconds=30)
    assert seconds(run, "a") == [(0, 30)]


def test_hang_with_a_timeout(play, expect):
    """The handler is called and never returns: ended by its timeout as documented, by staleness as built."""
    run, calls = play(FaultPlan().hang("a", attempt=1), timeout_seconds=30)
    assert seconds(run, "a") == expect([(0, 30), (30.1, 30.1)], [(0, None)])
    assert run.state == expect("complete", "error")
    assert calls.count(("a", 0)) == 1


def test_hang_without_a_timeout(play, expect):
    """In progress until staleness ends the task; as built so is everything behind it in that worker's queue."""
    run, calls = play(FaultPlan().hang("a", attempt=1))
    assert run["a"].state == "in_progress"
    assert seconds(run, "a") == [(0, None)]
    assert (run["side"].state, ("side", 0) in calls) == expect(("complete", True), ("in_progress", False))
    assert run.state == expect("evaluating_results", "error")
    assert bool(run.stuck) == expect(True, False), "evaluating_results is where the detector never looks"


def test_hang_alone(workflow, handler, profile):
    """A task whose only step hangs goes stale after 30 minutes, in both profiles."""
    run = Simulation(
        workflow("a"), handlers={"a": handler(lambda c: {})}, faults=FaultPlan().hang("a"), profile=profile
    ).run()
    assert (run.state, run.elapsed, run["a"].state) == ("error", timedelta(minutes=30), "in_progress")


@pytest.mark.parametrize(("when", "called"), [("before", False), ("after", True)])
def test_crash(play, expect, when, called):
    """Redelivered 30 s after the claim as documented; in progress for ever, with all that the worker had, as built."""
    run, calls = play(FaultPlan().crash("a", when=when, attempt=1))
    assert (("a", 0) in calls) == called
    assert seconds(run, "a") == expect([(0, 0), (30, 30)], [(0, None)])
    assert (("a", 1) in calls) == expect(True, False)
    assert (run.state, run["a"].state, run["side"].state) == expect(
        ("complete", "complete", "complete"), ("error", "in_progress", "in_progress")
    )
    assert run["a"].attempts[0].outcome is None


def test_a_crash_takes_time_to_notice(play, expect):
    """A worker that dies late in its attempt: its message comes back at the same instant, or at its death."""
    slow = FaultPlan().crash("a", when="after", attempt=1).delay("a", "12s", attempt=1)
    assert [start for start, _ in seconds(play(slow)[0], "a")] == expect([0, 30], [0])
    slower = FaultPlan().crash("a", when="after", attempt=1).delay("a", "50s", attempt=1)
    assert [start for start, _ in seconds(play(slower)[0], "a")] == expect([0, 50], [0])


@pytest.mark.parametrize(
    "plan", [FaultPlan().crash("a"), FaultPlan().crash("a", when="after"), FaultPlan().lose_result("a")]
)
def test_no_attempt_left_after_a_crash(play, expect, plan):
    """As documented the step fails for good when its message would have come back."""
    run, _ = play(plan, retry={"max_attempts": 1})
    assert run["a"].state == expect("error", "in_progress")
    if expect(True, False):
        assert failed(run) == ("worker_crashed", "The worker died and no attempt is left", False)
        assert run.elapsed == timedelta(seconds=30)


def test_lose_result(play, expect):
    """The handler returned and its result never arrives: as a crash after, but the worker goes on as built."""
    run, calls = play(FaultPlan().lose_result("a", attempt=1))
    assert ("a", 0) in calls
    assert seconds(run, "a") == expect([(0, 0), (30, 30)], [(0, None)])
    assert (run["a"].state, run["side"].state) == expect(("complete", "complete"), ("in_progress", "complete"))
    assert ("side", 0) in calls


def test_duplicate(play, expect):
    """The handler is called twice with the same context; the first result counts; it costs 1 attempt, 2 as built."""
    run, calls = play(FaultPlan().duplicate("a", attempt=1))
    assert calls.count(("a", 0)) == 2
    assert (run.state, len(run["a"].attempts)) == ("complete", 1)
    assert run["a"].states.count("in_progress") == expect(1, 2)


def test_a_duplicated_failure_costs_attempts(workflow, handler, profile, expect):
    """Of three attempts a duplicated failing first one leaves two as documented, one as built."""
    seen = []

    def fails(context):
        seen.append(context.retry_count)
        raise ConnectionError

    plan = FaultPlan().duplicate("a", attempt=1)
    run = Simulation(workflow("a"), handlers={"a": handler(fails)}, faults=plan, profile=profile).run()
    assert seen == expect([0, 0, 1, 2], [0, 0, 2])
    assert run.state == "blocked_by_failures"


def test_corrupt(workflow, handler, profile):
    """What is stored differs from what the handler returned, and descendants see what is stored."""
    returned, seen = {"total": {"net": 5}, "items": [1, 2]}, []
    handlers = {
        "a": handler(lambda context: returned),
        "b": handler(lambda context: seen.append(context.get_dependency_result("a"))),
    }
    plan = FaultPlan().corrupt("a", "total.net", [None], attempt=1)
    run = Simulation(workflow("a", "b"), handlers=handlers, faults=plan, profile=profile).run()
    assert seen == [{"total": {"net": [None]}, "items": [1, 2]}] == [run["a"].result]
    assert returned == {"total": {"net": 5}, "items": [1, 2]}


def test_corrupt_needs_a_result(workflow, profile):
    """An attempt that fails has nothing to corrupt, and the error says so."""
    faults = [{"step": "a", "attempt": 1, "corrupt": {"path": "x", "value": 1}}]
    with pytest.raises(FaultError) as caught:
        Simulation(workflow("a"), stubs={"a": ValueError("no")}, faults=faults, profile=profile).run()
    assert str(caught.value) == (
        "The fault 'corrupt at a, attempt 1' can't corrupt attempt 1 of 'a': it has no successful result."
    )


def test_a_fault_without_an_attempt_hits_every_one(workflow, profile):
    """Without ``attempt`` every attempt fails; several attempts are hit each."""
    everyone = Simulation(workflow("a"), stubs={"a": {}}, faults=FaultPlan().fail("a"), profile=profile).run()
    assert (everyone.state, len(everyone["a"].attempts)) == ("blocked_by_failures", 3)
    some = Simulation(
        workflow("a"), stubs={"a": {}}, faults=FaultPlan().fail("a", attempt=[1, 2]), profile=profile
    ).run()
    assert (some.state, len(some["a"].attempts)) == ("complete", 3)


def test_unused_faults(workflow, profile):
    """A fault that didn't fire fails the run, is named with its attempt, and can be allowed."""
    plan = FaultPlan().fail("b", attempt=2).fail("a", attempt=1)
    options = {"stubs": {"a": {}, "b": {}}, "faults": plan, "profile": profile}
    with pytest.raises(FaultError) as caught:
        Simulation(workflow("a", "b"), **options).run()
    assert str(caught.value) == (
        "These faults never fired in a run that ended complete:\n  fail at b, attempt 2\n"
        'Aim them at attempts that happen, leave them out, or in Python allow it: unused_faults="allow".'
    )
    assert Simulation(workflow("a", "b"), unused_faults="allow", **options).run().state == "complete"


@pytest.mark.parametrize("kind", ["class", "function"])
def test_a_planned_exception_is_the_same_in_every_run(workflow, handler, profile, kind):
    """One exception that is raised again and again leaves the same bytes in each run and attempt."""
    handlers = {"a": handler(lambda context: {}) if kind == "class" else step_handler("a")(lambda context: {})}
    plan = FaultPlan().raise_("a", ConnectionError("reset"))
    simulation = Simulation(workflow("a"), handlers=handlers, faults=plan, profile=profile)
    first, second = simulation.run(), simulation.run()
    assert first.history.to_json() == second.history.to_json()
    assert len({str(attempt.outcome.metadata) for attempt in first["a"].attempts}) == 1


def test_each_run_has_its_own_faults(workflow, profile):
    """A fault fires in every run of a simulation anew, and a plan that grows applies to the runs after that."""
    simulation = Simulation(workflow("a"), stubs={"a": {}}, faults=FaultPlan().fail("a", attempt=1), profile=profile)
    first, second = simulation.run(), simulation.run()
    assert first.history.to_json() == second.history.to_json()
    simulation.faults.fail("a", attempt=2)
    assert [len(run["a"].attempts) for run in (first, simulation.run())] == [2, 3]
    assert len(first.history.faults) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            {"step": "chrage", "fail": {}},
            "The fault 'fail at chrage, every attempt' can never fire: template 'orders' has no step 'chrage'. "
            "Did you mean 'charge'? Its steps:\n  charge",
        ),
        (
            {"step": "charge", "attempt": 4, "hang": True},
            "The fault 'hang at charge, attempt 4' can never fire under documented: step 'charge' has at most 3 "
            "attempts (retry.max_attempts). Aim it at a lower attempt or raise max_attempts.",
        ),
    ],
)
def test_a_fault_that_could_never_fire_is_refused(workflow, fault, message):
    """Before anything runs, with the reason."""
    with pytest.raises(FaultError) as caught:
        Simulation(workflow("charge"), stubs={"charge": {}}, faults=[fault])
    assert str(caught.value) == message
