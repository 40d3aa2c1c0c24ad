"""``run.token`` and ``replay``: the same run again, or what changed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit import DOCUMENTED, TASKER_0_1_8, RunError, Simulation, TokenError, explore
from tasker_testkit.engine.ledger import TASK
from tasker_testkit.explore.tokens import read_token
from tasker_testkit.intervening import intervened_by
from tasker_testkit.replaying import Replaying, replay

TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {"name": "charge", "handler": {"callable": "charge"}, "timeout_seconds": 30},
        {"name": "ship", "handler": {"callable": "ship"}, "dependencies": ["charge"]},
    ],
}
FAULTS = st.sampled_from(
    [
        {"step": "charge", "attempt": 1, "fail": {}},
        {"step": "charge", "attempt": 1, "crash": "after"},
        {"step": "charge", "attempt": 2, "raise": {"type": "ValueError", "message": "no"}},
        {"step": "charge", "delay": "31s"},
        {"step": "ship", "attempt": 1, "corrupt": {"path": "$", "value": [1]}},
        {"step": "ship", "attempt": [1, 3], "fail": {"retryable": False}},
    ]
)
PROFILES = (
    DOCUMENTED,
    TASKER_0_1_8,
    replace(DOCUMENTED, jitter=0.5),
    replace(TASKER_0_1_8, name="ours", redelivery=5_000_000),
)


def simulation(**fields):
    """The workflow with stubs."""
    return Simulation(fields.pop("template", TEMPLATE), stubs={"charge": {"id": 1}, "ship": {}}, **fields)


@settings(max_examples=60)
@given(
    st.lists(FAULTS, max_size=2, unique_by=lambda fault: fault["step"]),
    st.sampled_from(PROFILES),
    st.integers(0, 3),
    st.sampled_from([None, 1]),
    st.sampled_from(["creation", "seeded", [1], [0, 2, 1]]),
)
def test_a_token_replays_to_the_byte(faults, profile, seed, workers, order):
    """Faults, profile, seed and order are in it, whatever they are; the same simulation without them gives the run."""
    fields = {"profile": profile, "seed": seed, "workers": workers, "order": order}
    run = simulation(faults=faults, unused_faults="allow", **fields).run({"total": 5})
    again = replay(run.token, simulation(workers=workers), {"total": 5})
    assert again.same
    assert again.changes == []
    assert again.run.history == run.history
    assert again.run.token == run.token


def test_what_differs_is_listed_and_tried_only_anyway():
    """Template and input, a line each."""
    token = simulation().run({"total": 5}).token
    other = {**TEMPLATE, "steps": [{**TEMPLATE["steps"][0], "timeout_seconds": 5}, TEMPLATE["steps"][1]]}
    with pytest.raises(TokenError) as refused:
        replay(token, simulation(template=other), {})
    assert str(refused.value) == (
        "This token was made with another template or input:\n"
        "  step 'charge' changed: one of retry, timeout_seconds\n"
        "  the input is another one\n"
        "Give those, or try all the same: --anyway in the shell, --tasker-replay-anyway in pytest, "
        "anyway=True in Python."
    )
    tried = replay(token, simulation(template=other), {}, anyway=True)
    assert (tried.same, len(tried.changes)) == (False, 2)


def test_what_is_no_token_is_refused():
    """A run instead of its token, say: the message has where tokens are."""
    with pytest.raises(TokenError, match=r"^token=<.*>: a token is a text; run.token and failure.token have one.$"):
        replay(simulation().run({}), simulation(), {})


def test_a_run_driven_by_hand_has_no_token():
    """What was done by hand isn't in a token, so there is none."""
    with simulation().start() as task:
        task.advance("1s")
        run = task.finish()
    with pytest.raises(RunError, match=r"A token can't carry what was done to a task by hand. Plan it with actions"):
        _ = run.token


def test_a_token_costs_nothing_until_it_is_asked_for():
    """Nobody writes a history for it before."""
    run = simulation().run()
    assert "history" not in vars(run)
    assert run.token is run.token


def test_an_exploration_under_a_token_runs_its_plan_in_its_order():
    """The order of the failure, and no other, however many were asked for; the report and the test name it."""
    steps = [{"name": name, "handler": {"callable": name}} for name in ("left", "right")]
    parallel = Simulation({**TEMPLATE, "steps": steps}, stubs={"left": {}, "right": {}})

    def left_first(run):
        done = [step for _, step, state in run.engine.ledger.log if state == "complete" and step != TASK]
        assert done == [0, 1]

    (failure,) = explore(parallel, check=left_first, orders="all", depth=0).failures
    assert "  → of parallel steps, the 2nd goes first at the 1st choice\n" in str(failure)
    assert "order=[1]" in failure.as_test()
    with intervened_by(Replaying(read_token(failure.token))):
        (again,) = explore(parallel, check=left_first, orders="all").failures
    assert (again.token, again.message) == (failure.token, failure.message)


def test_another_process_makes_the_same_token():
    """The same run has the same token in processes with different hash seeds."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_replaying import simulation\n"
        "run = simulation(faults=[{'step': 'charge', 'attempt': 1, 'fail': {'metadata': {'a': 1, 'b': 2}}}]).run()\n"
        "print(run.token)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code, os.path.dirname(__file__)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(printed) == 1
