"""The engine under the documented profile: whole tasks with endings given by the test, no handlers."""

from __future__ import annotations

import gc
import weakref
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.ledger import TASK
from tasker_testkit.engine.ways import SHARES
from tasker_testkit.errors import IllegalTransition
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.outcome import Silence, failure, success
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8
from tasker_testkit.model.states import (
    STEP_SATISFIED,
    STEP_TABLE,
    TASK_TABLE,
    TASK_TERMINAL,
    step_transitions,
    task_transitions,
)
from tasker_testkit.model.template import Handler, Retry, StepTemplate, Template

SECOND = 1_000_000
RETRY = Retry(max_attempts=3, backoff_base_ms=100, max_backoff_ms=5_000)


def template(graph, **retry):
    """A template of standard steps: ``{name: names it depends on}``."""
    policy = replace(RETRY, **retry)
    steps = (StepTemplate(name, Handler("x"), dependencies=tuple(deps), retry=policy) for name, deps in graph.items())
    return Template("t", "n", "1", tuple(steps))


def play(graph, script=None, *, profile=DOCUMENTED, faults=None, workers=None, **retry):
    """Run a graph; ``script[step]`` lists an ending an attempt: ``"ok"``, ``"retry"``, ``"fail"``, or an Ending."""
    engine = Engine(template(graph, **retry), profile=profile, faults=faults or FaultPlan(), workers=workers)
    known = {
        "ok": success(),
        "retry": failure("busy", "busy", retryable=True),
        "fail": failure("no", "no", retryable=False),
    }
    while call := engine.next_call():
        endings = (script or {}).get(call.name, ["ok"])
        ending = endings[min(call.attempt, len(endings)) - 1]
        engine.report(call, known.get(ending, ending) if isinstance(ending, str) else ending)
    return engine


def task_states(engine):
    """Every state of the task, in order."""
    return [state for _, index, state in engine.ledger.log if index == TASK]


def step_states(engine, name):
    """Every state of a step, in order."""
    index = engine.ledger.by_name[name].index
    return [state for _, found, state in engine.ledger.log if found == index]


ROUND = ["enqueuing_steps", "steps_in_process"]


def test_a_chain_goes_round_once_a_step():
    """Each result of a chain makes one round of the task's states, and the last one completes it."""
    engine = play({"a": [], "b": ["a"], "c": ["b"]})
    assert task_states(engine) == [
        "pending",
        "initializing",
        *ROUND,
        *(["evaluating_results", *ROUND] * 2),
        "evaluating_results",
        "complete",
    ]


def test_a_retry_waits_in_waiting_for_retry():
    """With nothing else to do the task waits in waiting_for_retry, and the step runs again at the due instant."""
    engine = play({"a": []}, {"a": ["retry", "ok"]})
    assert task_states(engine) == [
        "pending",
        "initializing",
        *ROUND,
        "waiting_for_retry",
        *ROUND,
        "evaluating_results",
        "complete",
    ]
    assert engine.now == 100_000


def test_always_failing_attempts_run_at_the_documented_instants():
    """Four attempts of exponential 100/5000 that fail in no time start at 0, 0.1, 0.3 and 0.7 s."""
    engine = play({"a": []}, {"a": ["retry"]}, max_attempts=4)
    assert [attempt.started_at for attempt in engine.ledger.by_name["a"].log] == [0, 100_000, 300_000, 700_000]
    assert engine.ledger.task_state == "blocked_by_failures"
    assert engine.now == 700_000


def test_a_retry_due_while_a_sibling_runs_does_not_wait_for_it():
    """A due step starts at its instant while another step is still running."""
    long = success(took_us=10 * SECOND)
    engine = play({"a": [], "b": []}, {"a": ["retry", "ok"], "b": [long]})
    assert engine.ledger.by_name["a"].log[1].started_at == 100_000
    assert task_states(engine)[-3:] == ["steps_in_process", "evaluating_results", "complete"]


def test_a_backoff_that_outlasts_a_sibling_ends_in_waiting_for_dependencies():
    """The table has no way from evaluating_results to waiting_for_retry: the task waits in waiting_for_dependencies."""
    short = success(took_us=SECOND // 20)
    engine = play({"a": [], "b": []}, {"a": ["retry", "ok"], "b": [short]})
    states = task_states(engine)
    assert states[4:9] == ["evaluating_results", "waiting_for_dependencies", "evaluating_results", *ROUND]


def test_a_permanent_failure_blocks_at_once_and_running_siblings_finish():
    """After a permanent failure what runs ends, what waits stays, and nothing new is enqueued."""
    engine = play({"a": [], "b": [], "c": ["b"]}, {"a": ["fail"], "b": [success(took_us=SECOND)]})
    ledger = engine.ledger
    assert (ledger.task_state, ledger.task_since) == ("blocked_by_failures", 0)
    assert {name: row.state for name, row in ledger.by_name.items()} == {"a": "error", "b": "complete", "c": "pending"}


def test_attempts_are_counted_at_the_claim_and_seen_before_it():
    """The handler of attempt n sees n-1 attempts."""
    engine = Engine(template({"a": []}))
    call = engine.next_call()
    assert (call.attempts_before, call.attempt, engine.ledger.by_name["a"].attempts) == (None, 1, 1)


def test_dependency_results_are_all_ancestors():
    """A step sees the results of all its ancestors, not only of its parents."""
    engine = Engine(template({"a": [], "b": ["a"], "c": ["b"], "d": []}))
    seen = {}
    while call := engine.next_call():
        seen[call.name] = sorted(row.name for row in call.dependency_results)
        engine.report(call, success({"from": call.name}))
    assert seen == {"a": [], "d": [], "b": ["a"], "c": ["a", "b"]}


@pytest.mark.parametrize("wait", [0, 1])
def test_a_timeout_fails_an_attempt_that_takes_longer(wait):
    """An attempt may take exactly its timeout; a microsecond more fails it at that instant, retryable (row 12)."""
    step = StepTemplate("a", Handler("x"), timeout_seconds=2, retry=replace(RETRY, max_attempts=1))
    engine = Engine(Template("t", "n", "1", (step,)))
    engine.report(engine.next_call(), success(took_us=2 * SECOND + wait))
    assert engine.next_call() is None
    row = engine.ledger.by_name["a"]
    assert (row.state, engine.now) == ("error" if wait else "complete", 2 * SECOND)
    if wait:
        assert (row.result.error_type, row.result.retryable) == ("timeout", True)
        assert row.result.message == "Step 'a' took longer than its timeout of 2 s"


def test_a_crash_is_redelivered_thirty_seconds_after_the_claim():
    """A step whose worker died runs again 30 s after its claim, as its next attempt, in the same state (row 21)."""
    engine = play({"a": []}, {"a": [Silence("died", 5 * SECOND), "ok"]})
    assert [attempt.started_at for attempt in engine.ledger.by_name["a"].log] == [0, 30 * SECOND]
    assert step_states(engine, "a") == ["pending", "enqueued", "in_progress", "enqueued_for_orchestration", "complete"]


def test_a_crash_of_the_last_attempt_is_an_error():
    """With no attempt left the redelivery ends the step in error: worker_crashed, permanent."""
    engine = play({"a": []}, {"a": [Silence("died")]}, max_attempts=1)
    row = engine.ledger.by_name["a"]
    assert (row.state, row.result.error_type, row.result.retryable) == ("error", "worker_crashed", False)
    assert (engine.ledger.task_state, engine.now) == ("blocked_by_failures", 30 * SECOND)


def test_a_hang_without_timeout_goes_stale():
    """A handler that never returns keeps its step in_progress until staleness ends the task after 30 minutes."""
    engine = play({"a": []}, {"a": [Silence("hangs")]})
    assert (engine.ledger.task_state, engine.ledger.by_name["a"].state) == ("error", "in_progress")
    assert engine.now == 30 * 60 * SECOND
    assert engine.ledger.dead_letters[0]["reason"] == "staleness_timeout"


def test_as_built_a_hang_holds_up_everything_behind_it():
    """As built one worker runs one handler at a time, and claims what it can't run (row 26)."""
    engine = play({"a": [], "b": []}, {"a": [Silence("hangs")]}, profile=TASKER_0_1_8)
    row = engine.ledger.by_name["b"]
    assert (row.state, row.log[0].started_at) == ("in_progress", None)


def test_workers_bound_what_runs_at_once():
    """With workers=2, four steps of one second take two; the later two are claimed when a worker is free."""
    second = [success(took_us=SECOND)]
    engine = play({name: [] for name in "abcd"}, dict.fromkeys("abcd", second), workers=2)
    assert [engine.ledger.by_name[name].log[0].claimed_at for name in "abcd"] == [0, 0, SECOND, SECOND]
    assert engine.now == 2 * SECOND


@pytest.mark.parametrize(("profile", "attempts"), [(DOCUMENTED, 1), (TASKER_0_1_8, 2)], ids=["documented", "as built"])
def test_a_duplicate_is_called_twice_and_counts_once(profile, attempts):
    """The dispatch is called twice with one retry count; the first result counts (row 29)."""
    engine = Engine(template({"a": []}), profile=profile, faults=FaultPlan().duplicate("a", attempt=1))
    results = []
    while call := engine.next_call():
        results.append(call.attempts_before)
        engine.report(call, success({"call": len(results)}))
    row = engine.ledger.by_name["a"]
    assert (results, row.result.result, row.attempts) == ([None, None], {"call": 1}, attempts)
    assert step_states(engine, "a").count("in_progress") == attempts


def test_a_call_is_reported_before_the_next_one():
    """Asking twice without reporting is refused, and so is reporting what nobody asked for."""
    engine = Engine(template({"a": [], "b": []}))
    call = engine.next_call()
    with pytest.raises(IllegalTransition, match="the call of 'a' hasn't been reported yet"):
        engine.next_call()
    engine.report(call, success())
    with pytest.raises(IllegalTransition, match="nobody asked for this call of 'a'"):
        engine.report(call, success())


def test_every_pair_that_the_tables_lack_is_refused():
    """The tables are total in their refusals: each event from each state either moves as the table says or raises."""
    legal = {(before, event): after for before, event, after in step_transitions()}
    for event in STEP_TABLE:
        for before in {state for row in STEP_TABLE.values() for state in row}:
            ledger = Engine(template({"a": []})).ledger
            ledger.steps[0].state = before
            if (before, event) in legal:
                ledger.move_step(ledger.steps[0], event)
                assert ledger.steps[0].state == legal[before, event]
            else:
                with pytest.raises(IllegalTransition, match=f"is {before}: there is no '{event}' from there"):
                    ledger.move_step(ledger.steps[0], event)


def test_every_transition_of_a_task_can_be_walked():
    """Each entry of the task's table moves as it says, and a terminal state has no way out."""
    for before, event, after in task_transitions():
        ledger = Engine(template({"a": []})).ledger
        ledger.task_state = before
        ledger.move_task(event)
        assert ledger.task_state == after
        assert before not in TASK_TERMINAL


graphs = st.integers(1, 6).flatmap(
    lambda size: st.tuples(*(st.sets(st.integers(0, max(0, n - 1))) if n else st.just(set()) for n in range(size)))
)
endings = st.lists(st.sampled_from(["ok", "retry", "fail"]), min_size=1, max_size=3)
takes = st.sampled_from([0, 50_000, 100_000, SECOND, 40 * SECOND])


@settings(max_examples=300, deadline=None)
@given(graphs, st.data(), st.sampled_from([DOCUMENTED, TASKER_0_1_8]), st.sampled_from([None, 1, 2]))
def test_invariants_hold_in_every_run(graph, data, profile, workers):
    """Legal transitions, attempts within bounds, time monotone, ancestors first, nothing enqueued after a block."""
    names = {f"s{n}": [f"s{p}" for p in sorted(parents)] for n, parents in enumerate(graph)}
    ok = {name: data.draw(endings) for name in names}
    took = {name: data.draw(takes) for name in names}
    made = {
        "ok": lambda name: success(took_us=took[name]),
        "retry": lambda name: failure("r", "r", retryable=True, took_us=took[name]),
        "fail": lambda name: failure("f", "f", retryable=False, took_us=took[name]),
    }
    script = {name: [made[kind](name) for kind in ok[name]] for name in names}
    engine = play(names, script, profile=profile, workers=workers)
    ledger = engine.ledger
    assert ledger.task_state in ("complete", "blocked_by_failures") or engine.stuck()
    check_log(ledger, names)
    assert all((row.attempts or 0) <= row.max_attempts for row in ledger.steps)
    counted = Counter(SHARES[row.state] for row in ledger.steps)
    assert {share: counted[share] for share in ledger.shares} == ledger.shares


@pytest.mark.parametrize("profile", [DOCUMENTED, TASKER_0_1_8], ids=["documented", "as built"])
@pytest.mark.parametrize("ending", ["ok", Silence("died"), Silence("hangs")], ids=str)
def test_a_run_is_freed_as_soon_as_nobody_holds_it(profile, ending):
    """Nothing of a run waits for the garbage collector, however it went: its memory is free at once."""
    gc.disable()
    try:
        faults = FaultPlan().duplicate("b", attempt=1)
        engine = play(
            {"a": [], "b": [], "c": ["a", "b"]}, {"a": ["retry", ending]}, profile=profile, faults=faults, workers=2
        )
        parts = [weakref.ref(engine), weakref.ref(engine.ledger), weakref.ref(engine.workforce)]
        del engine
        assert [part() for part in parts] == [None, None, None]
    finally:
        gc.enable()


def check_log(ledger, names):
    """Replay the log against the tables."""
    state = defaultdict(lambda: None)
    before_at, blocked = 0, False
    for at, index, after in ledger.log:
        assert at >= before_at
        before_at = at
        table = TASK_TABLE if index == TASK else STEP_TABLE
        if state[index] is not None:
            assert any(row.get(state[index]) == after for row in table.values()), (state[index], after)
        state[index] = after
        blocked = blocked or (index == TASK and after == "blocked_by_failures")
        if index != TASK and after == "enqueued":
            assert not blocked
            parents = names[ledger.steps[index].name]
            assert all(state[ledger.by_name[parent].index] in STEP_SATISFIED for parent in parents)
