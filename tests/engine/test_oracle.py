"""The engine against a naive second Tasker (``oracle.py``): every small graph, every mix of endings, both profiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import MINUTE, SECOND, Oracle, check

from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.engine.ledger import TASK
from tasker_testkit.model.outcome import failure, success
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8
from tasker_testkit.model.template import Handler, Retry, StepTemplate, Template

PROFILES = {"documented": DOCUMENTED, "as built": replace(TASKER_0_1_8, jitter=0.0)}
SCRIPTS = [["ok"], ["retry", "ok"], ["retry", "retry"], ["fail"], ["retry", "fail"]]
FEWER = SCRIPTS[:4]
"""Where there are too many runs: with two attempts a second failure ends the step, whatever its kind."""
ENDINGS = {
    "ok": lambda took: success(took_us=took),
    "retry": lambda took: failure("busy", "busy", retryable=True, took_us=took),
    "fail": lambda took: failure("no", "no", retryable=False, took_us=took),
    "made": lambda took: failure("lost", "ffi_timeout", retryable=True, took_us=took, worker_made=True),
}


def graphs(size: int) -> Iterator[dict[str, list[str]]]:
    """Every graph of that many steps whose edges follow the template's order."""
    names = "abcd"[:size]
    edges = list(combinations(names, 2))
    for number in range(2 ** len(edges)):
        chosen = [edge for bit, edge in enumerate(edges) if number >> bit & 1]
        yield {name: [parent for parent, child in chosen if child == name] for name in names}


def unlike(size: int) -> list[dict[str, list[str]]]:
    """One graph of each shape: no two are the same but for the names."""
    found: dict[object, dict[str, list[str]]] = {}
    for graph in graphs(size):
        found.setdefault(shape(graph), graph)
    return list(found.values())


def shape(graph: dict[str, list[str]]) -> object:
    """The same for graphs that differ in nothing but the names and their order."""
    edges = [(parent, child) for child, parents in graph.items() for parent in parents]
    names = list(graph)
    renamings = (dict(zip(names, order, strict=True)) for order in permutations(names))
    return min(tuple(sorted((new[a], new[b]) for a, b in edges)) for new in renamings)


def scripts(graph: dict[str, list[str]], known: list[list[str]] = SCRIPTS) -> Iterator[dict[str, list[str]]]:
    """Every mix of scripts that can be told apart: a step behind one that never completes is never asked."""
    for chosen in product(known, repeat=len(graph)):
        mix = dict(zip(graph, chosen, strict=True))
        lost: set[str] = set()
        for name, parents in graph.items():
            if mix[name][-1] != "ok" or lost & set(parents):
                lost.add(name)
        unasked = [name for name, parents in graph.items() if lost & set(parents)]
        if all(mix[name] == ["ok"] for name in unasked):
            yield mix


def blueprint(graph: dict[str, list[str]], retryable: bool = True) -> Blueprint:
    """The graph as a template: max_attempts 2, exponential 100/5000."""
    retry = Retry(max_attempts=2, backoff_base_ms=100, max_backoff_ms=5_000, retryable=retryable)
    steps = [StepTemplate(name, Handler("x"), dependencies=tuple(deps), retry=retry) for name, deps in graph.items()]
    return Blueprint(Template("t", "n", "1", tuple(steps)))


def play(plan: Blueprint, script: dict[str, list[tuple[str, int]]], profile: str) -> Engine:
    """The engine's run of the script."""
    engine = Engine(plan, profile=PROFILES[profile])
    while call := engine.next_call():
        listed = script[call.name]
        kind, took = listed[min(call.attempt, len(listed)) - 1]
        engine.report(call, ENDINGS[kind](took))
    return engine


def agree(plan: Blueprint, graph, script, profile: str, *, retryable: bool = True) -> None:
    """Both go through the same states in the same order at the same instants, and make the same attempts."""
    engine = play(plan, script, profile)
    oracle = Oracle(graph, script, as_built=profile == "as built", retryable=retryable)
    ledger = engine.ledger
    names = {TASK: "task", **{row.index: row.name for row in ledger.steps}}
    log = [(at, names[index], state) for at, index, state in ledger.log]
    assert log == oracle.log
    for row, other in zip(ledger.steps, oracle.rows, strict=True):
        assert [[a.number, a.enqueued_at, a.started_at, a.ended_at] for a in row.log] == other.tries
        assert (row.attempts or 0) == other.attempts
    check(log, graph)


def timed(mix: dict[str, list[str]], took: dict[str, int]) -> dict[str, list[tuple[str, int]]]:
    """The scripts with how long each step's attempts take."""
    return {name: [(kind, took[name]) for kind in kinds] for name, kinds in mix.items()}


def test_the_shapes_are_as_many_as_they_should_be():
    """There are 1, 2, 6 and 31 shapes of graphs without a ring on 1 to 4 steps."""
    assert [len(unlike(size)) for size in range(1, 5)] == [1, 2, 6, 31]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_small_graph_runs_as_the_oracle_says(size, profile):
    """All graphs up to 3 steps, one of each of the 31 shapes of 4: with every mix of endings the runs are the same."""
    for graph in graphs(size) if size < 4 else unlike(size):
        plan = blueprint(graph)
        instantly = dict.fromkeys(graph, 0)
        for mix in scripts(graph, SCRIPTS if size < 4 else FEWER):
            agree(plan, graph, timed(mix, instantly), profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_every_race_of_three_steps_runs_as_the_oracle_says(profile):
    """With handlers that take nothing or just as long as the backoff, every tie is broken as the oracle breaks it."""
    for graph in graphs(3):
        plan = blueprint(graph)
        for took in product([0, 100_000], repeat=3):
            for mix in scripts(graph, FEWER):
                agree(plan, graph, timed(mix, dict(zip(graph, took, strict=True))), profile)


kinds = st.sampled_from(["ok", "ok", "retry", "made", "fail"])
takes = st.sampled_from([0, 50_000, 100_000, SECOND, 2 * SECOND, 3 * SECOND, 7 * SECOND, 40 * MINUTE])
attempts = st.lists(st.tuples(kinds, takes), min_size=1, max_size=2)


@st.composite
def cases(draw: st.DrawFn):
    """A graph of up to 7 steps and a timed script for each."""
    names = [f"s{number}" for number in range(draw(st.integers(1, 7)))]
    graph = {name: sorted(draw(st.sets(st.sampled_from(names[:n])))) if n else [] for n, name in enumerate(names)}
    return graph, {name: draw(attempts) for name in names}


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from(sorted(PROFILES)), st.booleans())
def test_any_graph_runs_as_the_oracle_says(case, profile, retryable):
    """Larger graphs, long handlers, stored delays, a template's ``retryable: false``, staleness: the same again."""
    graph, script = case
    agree(blueprint(graph, retryable), graph, script, profile, retryable=retryable)
