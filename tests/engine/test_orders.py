"""Orders: what goes first where several steps could is chosen, kept, and can be enumerated."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import comb, factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import SECOND, check

from tasker_testkit import Simulation
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.engine.ledger import TASK
from tasker_testkit.engine.orders import following, scripted, seeded
from tasker_testkit.errors import RunError
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.outcome import failure, success
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8
from tasker_testkit.model.template import Handler, Retry, StepTemplate, Template

PROFILES = [DOCUMENTED, replace(TASKER_0_1_8, jitter=0.0)]
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
RETRY = Retry(max_attempts=2, backoff_base_ms=100, max_backoff_ms=5_000)


def blueprint(graph):
    """``{step: names it depends on}`` as a template of standard steps with two attempts."""
    steps = (StepTemplate(name, Handler("x"), dependencies=tuple(deps), retry=RETRY) for name, deps in graph.items())
    return Blueprint(Template("t", "n", "1", tuple(steps)))


def play(graph, choose=None, *, endings=None, **settings_):
    """A run, and its handlers' names in the order of their calls; every attempt succeeds at once unless told."""
    plan = graph if isinstance(graph, Blueprint) else blueprint(graph)
    engine, called = Engine(plan, choose=choose, **settings_), []
    while call := engine.next_call():
        called.append(call.name)
        listed = (endings or {}).get(call.name, [success()])
        engine.report(call, listed[min(call.attempt, len(listed)) - 1])
    return engine, called


def every_order(graph, **settings_):
    """Every run of the graph, depth first."""
    runs, choices = [], ()
    while choices is not None:
        runs.append(play(graph, scripted(choices), **settings_))
        choices = following(runs[-1][0].asked)
    return runs


@pytest.mark.parametrize("profile", PROFILES, ids=["documented", "as built"])
@pytest.mark.parametrize("workers", [None, 2])
def test_a_chain_asks_nothing(profile, workers):
    """Where only one thing can come next, nobody is asked; not at retries either."""
    chain = {"a": [], "b": ["a"], "c": ["b"]}
    engine, _ = play(
        chain,
        pytest.fail,
        endings={name: [failure("f", "f", retryable=True), success()] for name in chain},
        profile=profile,
        workers=workers,
    )
    assert (engine.ledger.task_state, engine.asked, engine.order) == ("complete", [], ())


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_parallel_steps_come_in_every_order(size):
    """So many roots come in each of their permutations, once."""
    graph = {name: [] for name in "abcd"[:size]}
    orders = ["".join(called) for _, called in every_order(graph)]
    assert len(orders) == len(set(orders)) == factorial(size)


@pytest.mark.parametrize(
    ("took", "number"),
    [({}, 2), ({"b": 1, "c": 1}, 4), ({"b": 1, "c": 2}, 2), ({"b": 1}, 2), ({"a": 1, "d": 1}, 2)],
)
def test_a_diamond_has_as_many_orders_as_its_sides_can_be_told_apart(took, number):
    """Its sides start in two orders; they end in two more if they end at one instant, though not at their start's."""
    endings = {name: [success(took_us=seconds * SECOND)] for name, seconds in took.items()}
    runs = every_order(DIAMOND, endings=endings)
    assert len({tuple(engine.ledger.log) + tuple(called) for engine, called in runs}) == len(runs) == number
    assert {called[1] for _, called in runs} == {"b", "c"}


def test_a_failure_may_come_before_or_after_what_it_blocks():
    """Whether the child of a success is enqueued depends on the order: a permanent failure first keeps it from it."""
    graph = {"bad": [], "good": [], "child": ["good"]}
    endings = {"bad": [failure("f", "f", retryable=False, took_us=SECOND)], "good": [success(took_us=SECOND)]}
    runs = every_order(graph, endings=endings)
    assert Counter(engine.ledger.by_name["child"].state for engine, _ in runs) == {"pending": 2, "complete": 2}


def test_one_process_has_one_order():
    """As built, one worker process runs what it claimed in turn: nobody is asked (row 26)."""
    _, called = play({name: [] for name in "abc"}, pytest.fail, profile=TASKER_0_1_8)
    assert called == ["a", "b", "c"]


def test_two_processes_interleave():
    """Each of two processes keeps the order of its claims; all ways to interleave them are reached."""
    runs = every_order({name: [] for name in "abcd"}, profile=TASKER_0_1_8, workers=2)
    orders = {"".join(called) for _, called in runs}
    assert len(runs) == len(orders) == comb(4, 2)
    assert all(order.index("a") < order.index("c") and order.index("b") < order.index("d") for order in orders)


@pytest.mark.parametrize("profile", PROFILES, ids=["documented", "as built"])
def test_one_steps_calls_are_never_swapped(profile):
    """The two calls of a duplicated dispatch come one behind the other, whoever chooses between it and a sibling."""
    echoes = []
    choices = ()
    while choices is not None:
        engine = Engine(
            blueprint({"a": [], "b": []}),
            profile=profile,
            workers=2,
            faults=FaultPlan().duplicate("a", attempt=1),
            choose=scripted(choices),
        )
        seen = []
        while call := engine.next_call():
            seen.append((call.name, call.echo))
            engine.report(call, success())
        echoes.append([echo for name, echo in seen if name == "a"])
        choices = following(engine.asked)
    assert len(echoes) > 1
    assert all(calls == [False, True] for calls in echoes)


graphs = st.integers(2, 6).flatmap(
    lambda size: st.tuples(*(st.sets(st.integers(0, max(0, n - 1))) if n else st.just(set()) for n in range(size)))
)
kinds = st.sampled_from(["ok", "ok", "retry", "fail"])
takes = st.sampled_from([0, 0, 100_000, SECOND])
SITES = [{"profile": DOCUMENTED}, *({"profile": PROFILES[1], "workers": workers} for workers in (None, 2, 3))]
"""Without a limit to what runs at once: where there is one, enqueued steps may wait."""
made = {
    "ok": lambda took: success(took_us=took),
    "retry": lambda took: failure("r", "r", retryable=True, took_us=took),
    "fail": lambda took: failure("f", "f", retryable=False, took_us=took),
}


@settings(max_examples=150, deadline=None)
@given(graphs, st.data(), st.sampled_from(SITES), st.integers(0, 99))
def test_rules_hold_in_any_order(graph, data, site, seed):
    """Whatever chance chooses, readiness, tables and bounds hold; the same choices give the same run."""
    names = {f"s{n}": [f"s{parent}" for parent in sorted(parents)] for n, parents in enumerate(graph)}
    script = {name: data.draw(st.lists(st.tuples(kinds, takes), min_size=1, max_size=2)) for name in names}
    given_ = {
        "endings": {name: [made[kind](took) for kind, took in entries] for name, entries in script.items()},
        **site,
    }
    engine, called = play(names, seeded(seed), **given_)
    who = {TASK: "task", **{row.index: row.name for row in engine.ledger.steps}}
    check([(at, who[index], state) for at, index, state in engine.ledger.log], names)
    again, called_again = play(names, scripted(engine.order), **given_)
    assert (again.ledger.log, called_again, again.asked) == (engine.ledger.log, called, engine.asked)


@given(graphs)
def test_no_choices_are_the_order_of_creation(graph):
    """An empty list of choices takes the same way as nobody who chooses."""
    names = {f"s{n}": [f"s{parent}" for parent in sorted(parents)] for n, parents in enumerate(graph)}
    assert play(names, scripted(()))[0].ledger.log == play(names)[0].ledger.log


@given(st.lists(st.integers(2, 4), max_size=4), st.integers(0, 5))
def test_every_leaf_is_reached_once(widths, salt):
    """In any tree of questions, one whose shape depends on the answers too, each way from root to leaf is gone once."""

    def asked(choices):
        questions = []
        for place, width in enumerate(widths):
            taken = [choice for choice, _ in questions]
            if (sum(taken) * salt + place) % 3 != 1:
                questions.append((choices[len(questions)] if len(questions) < len(choices) else 0, width))
        return questions

    def leaves(choices):
        questions = asked(choices)
        if len(questions) == len(choices):
            return 1
        return sum(leaves((*choices, choice)) for choice in range(questions[len(choices)][1]))

    ways, choices = [], ()
    while choices is not None:
        ways.append(tuple(asked(choices)))
        choices = following(ways[-1])
    assert len(set(ways)) == len(ways) == leaves(())


def test_a_choice_out_of_range_is_refused():
    """Choices of another workflow are told with what is possible."""
    with pytest.raises(RunError) as refused:
        play({"a": [], "b": [], "c": []}, scripted([1, 2]))
    assert str(refused.value) == (
        "order[1] is 2, but there are 2 candidates: it can be 0 to 1. "
        "It belongs to another workflow or plan; leave it out, or list the choices of this one."
    )


def simulation(**settings_):
    """Three parallel steps and one behind them, all stubbed."""
    graph = {"a": [], "b": [], "c": [], "d": ["a", "b", "c"]}
    return Simulation(blueprint(graph).template, stubs={name: {} for name in graph}, **settings_)


def test_a_seeded_order_is_the_seeds():
    """The same seed gives the same bytes, seeds give different orders, and the history's choices give the run again."""
    histories = [simulation(order="seeded", seed=seed).run().history for seed in range(8)]
    assert histories[3].to_json() == simulation(order="seeded", seed=3).run().history.to_json()
    assert len({history.order for history in histories}) > 1
    again = simulation(order=histories[3].order, seed=3).run().history
    assert again.to_json() == histories[3].to_json()


def test_the_order_of_creation_leaves_no_trace():
    """Only a run whose order was chosen says so in its history."""
    assert "order" not in simulation().run().history.to_data()
    assert simulation(order=[2, 1]).run().history.to_data()["order"] == [2, 1]
