"""The space of plans: complete, nothing twice, nothing that can't strike, in one order."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_graphs import graphs, stubbed

from tasker_testkit import FaultPlan, explore
from tasker_testkit.explore.kinds import ALL, faults_at
from tasker_testkit.explore.places import Place
from tasker_testkit.explore.space import Rank, label, title, within
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.fault_kinds import fault

PROFILES = ("documented", "tasker-0.1.8")


def every_place(simulation):
    """Every attempt that any run could make, the most that a template allows."""
    profile = simulation.profile
    for step in simulation.template.steps:
        for attempt in range(1, step.retry.max_attempts + 1):
            yield Place(
                step=step.name,
                of=step.name,
                attempt=attempt,
                retries=attempt < step.retry.max_attempts
                and (step.retry.retryable or not profile.template_flag_decides),
                timeout=step.timeout_seconds * SECOND if step.timeout_seconds and profile.honours_timeout else None,
                took=0,
                yields=False,
                keys=(),
                called=True,
                processes=profile.eager_claims,
            )


def by_brute_force(simulation, depth):
    """Every plan with one fault at most an attempt, whose faults all strike: by trying all that can be written down."""
    choices = [faults_at(place, ALL) for place in every_place(simulation)]
    for size in range(depth + 1):
        for chosen in combinations(choices, size):
            for plan in products(chosen):
                run = simulation.with_plan(plan, strict=False).run({})
                fired = {one for step in run.engine.ledger.steps for attempt in step.log for one in attempt.fired}
                if fired.issuperset(plan):
                    yield frozenset(plan)


def products(choices):
    """One of each."""
    if not choices:
        yield ()
        return
    for first in choices[0]:
        for rest in products(choices[1:]):
            yield (first, *rest)


@pytest.mark.parametrize("profile", PROFILES)
@settings(max_examples=12)
@given(template=graphs(most=3))
def test_the_plans_are_exactly_those_that_strike(profile, template):
    """Of all plans of up to two faults those are run, each once, whose faults all strike in their run."""
    simulation = stubbed(template, profile=profile)
    explored = [frozenset(plan) for plan in explore(simulation, depth=2).plans]
    assert len(explored) == len(set(explored))
    assert set(explored) == set(by_brute_force(simulation, 2))


@settings(max_examples=20)
@given(template=graphs())
def test_few_faults_come_first_then_steps_in_order(template):
    """Plans are ordered by number of faults, then by step, attempt and kind; so are the faults in each."""
    simulation = stubbed(template)
    rank = Rank(simulation.template)
    plans = [tuple(plan) for plan in explore(simulation, depth=2, kinds="fail,crash").plans]
    assert plans == sorted(plans, key=rank.of_plan)
    assert all(list(plan) == sorted(plan, key=rank) for plan in plans)


def test_a_retry_that_a_fault_brings_about_is_a_place_for_the_next():
    """The second attempt, which exists only because the first fails, is hit as well; not the third."""
    template = {
        "name": "one",
        "namespace_name": "tests",
        "version": "1.0.0",
        "steps": [{"name": "pay", "handler": {"callable": "pay"}, "retry": {"max_attempts": 3}}],
    }
    plans = explore(stubbed(template), depth=2, kinds="fail_retryable").plans
    assert plans == (
        FaultPlan(),
        FaultPlan().fail("pay", attempt=1),
        FaultPlan().fail("pay", attempt=1).fail("pay", attempt=2),
    )


@pytest.mark.parametrize(
    ("planned", "shown"),
    [
        (fault("fail", "pay", 1, {}), "pay-1-fail_retryable"),
        (fault("fail", "pay", 2, {"retryable": False}), "pay-2-fail_permanent"),
        (fault("raise", "pay", 1, {"type": "RuntimeError"}), "pay-1-raise"),
        (fault("crash", "process_payment", 1, "after"), "process_payment-1-crash_after"),
        (fault("delay", "ship", 1, "29.999s"), "ship-1-delay_29999ms"),
        (fault("corrupt", "cart", 1, {"path": "total", "value": None}), "cart-1-corrupt.total"),
        (fault("hang", "ship", (1, 2), True), "ship-1.2-hang"),
        (fault("hang", "ship", None, True), "ship-every-hang"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_has_a_readable_label(planned, shown):
    """Step, attempt, kind, and what else tells it from others."""
    assert label(planned) == shown


def test_a_plan_has_a_readable_title():
    """Its faults with + between; without any it says so."""
    one, other = fault("fail", "a", 1, {}), fault("crash", "b", 1, "before")
    assert title((one, other)) == "a-1-fail_retryable+b-1-crash_before"
    assert title(()) == "no_fault"


@given(st.permutations(["delay", "raise", "hang", "fail"]))
def test_a_delay_stands_between_its_neighbours(kinds):
    """In a plan kinds come in the table's order: fail, raise, delay, hang."""
    steps = [{"name": "a", "handler": {"callable": "a"}}]
    template = {"name": "x", "namespace_name": "x", "version": "1", "steps": steps}
    given = {"fail": {}, "raise": {"type": "ValueError"}, "delay": "1s", "hang": True}
    faults = [fault(kind, "a", 1, given[kind]) for kind in kinds]
    ranked = sorted(faults, key=Rank(stubbed(template).template))
    assert [one.kind for one in ranked] == ["fail", "raise", "delay", "hang"]


@pytest.mark.parametrize(
    ("fault", "kinds", "expected"),
    [
        ({"crash": "after"}, ["crash_after"], True),
        ({"crash": "after"}, ["crash_before", "duplicate"], False),
        ({"delay": "1s"}, ["delay_over"], True),
        ({"fail": {"retryable": False}}, ["fail_permanent"], True),
        ({"fail": {}}, ["fail_permanent"], False),
    ],
)
def test_a_plan_is_of_kinds_if_all_its_faults_are(fault, kinds, expected):
    """A delay is of either kind of delay; crashes and failures are told apart; every fault of the plan counts."""
    plan = tuple(FaultPlan.from_data([{"step": "a", "attempt": 1, **fault}]))
    other = tuple(FaultPlan.from_data([{"step": "a", "attempt": 2, "hang": True}]))
    assert within(plan, kinds) == expected
    assert within((), kinds)
    assert not within(plan + other, kinds)
