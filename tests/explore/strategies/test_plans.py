"""Fault plans: aimed where they could strike, small when they shrink."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tasker_testkit import FaultError, FaultPlan, Simulation, StrategyError, fault_plans, templates
from tasker_testkit.explore.kinds import KINDS
from tasker_testkit.explore.space import kind_of
from tasker_testkit.model.loading import load_template

FEW = settings(max_examples=100, database=None, derandomize=True)
MANY = settings(FEW, max_examples=2_000, phases=[Phase.generate, Phase.shrink])


def step(name: str, *dependencies: str, **fields: Any) -> dict[str, Any]:
    """A step with three attempts."""
    retry = {"max_attempts": 3, "backoff_base_ms": 100}
    return {"name": name, "handler": {"callable": name}, "dependencies": [*dependencies], "retry": retry, **fields}


def workflow(*steps: dict[str, Any]) -> dict[str, Any]:
    """A template of these steps."""
    return {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": [*steps]}


BATCH = {
    "batch_size": 10,
    "parallelism": 1,
    "cursor_field": "id",
    "worker_template": "work",
    "failure_strategy": "fail_fast",
}
SHOP = workflow(
    step("charge", timeout_seconds=30),
    step("ship", "charge", result_schema={"required": ["parcel"]}),
    step("mail", "ship", retry={"retryable": False, "max_attempts": 5}),
)
GROWING = workflow(
    step(
        "split",
        type="batchable",
        batch_config=BATCH,
        handler={"callable": "s", "initialization": {"worker_template_name": "work"}},
    ),
    step("work", "split", type="batch_worker", batch_config=BATCH),
)


def test_plans_could_fire():
    """For any template: each fault names one of its steps and an attempt that the step can have, one an attempt."""

    @FEW
    @given(st.data(), templates(types="decision"))
    def draw(data: Any, template: Any) -> None:
        plan = data.draw(fault_plans(template, max_faults=4))
        loaded = load_template(template)
        plan.check(loaded)
        places = [(fault.step, fault.attempts) for fault in plan]
        assert len(places) == len(set(places)) <= 4
        for fault in plan:
            retry = loaded.step(fault.step).retry
            assert len(fault.attempts) == 1
            assert fault.attempts[0] == 1 or (retry.retryable and fault.attempts[0] <= retry.max_attempts)

    draw()


def test_plans_are_plain_data():
    """A plan survives its way through JSON."""

    @FEW
    @given(fault_plans(SHOP))
    def draw(plan: Any) -> None:
        assert FaultPlan.from_data(json.loads(json.dumps(plan.to_data()))) == plan

    draw()


def test_runs_take_every_plan():
    """A simulation runs with any of them, under both profiles; the first attempt of the first step is always hit."""

    @FEW
    @given(fault_plans(SHOP), st.sampled_from(("documented", "tasker-0.1.8")))
    def draw(plan: Any, profile: str) -> None:
        stubs = {"charge": {}, "ship": {"parcel": 1}, "mail": {}}
        run = Simulation(SHOP, stubs=stubs, faults=plan, profile=profile, unused_faults="allow").run()
        first = [fault.to_data() for fault in plan if (fault.step, fault.attempts) == ("charge", (1,))]
        assert list(run["charge"].attempts[0].faults) == first

    draw()


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"crash_checkpoint"} - {name for name in KINDS if "http" in name}))
def test_every_kind_is_planned(kind):
    """kinds= are the explorer's; each one alone gives plans of nothing else."""
    plan = find(fault_plans(SHOP, kinds=kind), lambda plan: len(plan) > 0, settings=MANY)
    assert {kind_of(fault).startswith(kind.partition("_")[0]) for fault in plan} == {True}


SMALLEST = {
    "no fault": (lambda plan: True, []),
    "a fault": (len, [{"step": "charge", "attempt": 1, "fail": {}}]),
    "two faults": (
        lambda plan: len(plan) > 1,
        [{"step": "charge", "attempt": 1, "fail": {}}, {"step": "charge", "attempt": 2, "fail": {}}],
    ),
    "a step": (
        lambda plan: any(fault.step == "ship" for fault in plan),
        [{"step": "ship", "attempt": 1, "fail": {}}],
    ),
    "a kind": (
        lambda plan: any(fault.kind == "delay" and fault.step == "ship" for fault in plan),
        [{"step": "ship", "attempt": 1, "delay": "1s"}],
    ),
    "an attempt": (
        lambda plan: any(fault.attempts == (3,) and fault.kind == "crash" for fault in plan),
        [{"step": "charge", "attempt": 3, "crash": "before"}],
    ),
}


@pytest.mark.parametrize(("sought", "smallest"), SMALLEST.values(), ids=SMALLEST)
def test_plans_shrink_to_the_smallest(sought, smallest):
    """Towards fewer faults, then earlier steps and attempts, then the kinds that the explorer tries first."""
    assert find(fault_plans(SHOP), sought, settings=MANY).to_data() == smallest


def test_corruptions_hit_keys_that_are_there():
    """A corrupt is planned only for what result_schema requires, so that no run breaks over it."""
    plan = find(fault_plans(SHOP, kinds="corrupt"), len, settings=MANY)
    assert plan.to_data() == [{"step": "ship", "attempt": 1, "corrupt": {"path": "parcel", "value": None}}]


def test_instances_of_batch_workers_are_named():
    """A batch worker never runs under its own name; its instances can be named."""
    steps = set()

    @FEW
    @given(fault_plans(GROWING), fault_plans(GROWING, steps=["work_001"]))
    def draw(plan: Any, named: Any) -> None:
        steps.update(fault.step for fault in (*plan, *named))

    draw()
    assert steps == {"split", "work_001"}
    with pytest.raises(
        StrategyError, match=r"No fault can strike a step 'work'.*Its instances run: name one, work_001"
    ):
        fault_plans(GROWING, steps=["work"])


def test_what_makes_no_sense_is_said():
    """Unknown steps and kinds, kinds that strike nowhere, a number that is none: each with what is possible."""
    with pytest.raises(StrategyError, match=r"strike a step 'chrage' of template 'orders'. Did you mean 'charge'\?"):
        fault_plans(SHOP, steps=["chrage"])
    with pytest.raises(FaultError, match="there is no kind 'crush'"):
        fault_plans(SHOP, kinds="crush")
    with pytest.raises(
        StrategyError, match="can have a fault of these kinds:\n  crash_checkpoint\nA corrupt needs a key"
    ):
        fault_plans(SHOP, kinds="crash_checkpoint")
    with pytest.raises(StrategyError, match="max_faults=-1: give a whole number from 0"):
        fault_plans(SHOP, max_faults=-1)
