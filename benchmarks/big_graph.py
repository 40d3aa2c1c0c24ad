"""One task of 100,000 steps: its time, its memory, and how both grow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

from benchmarks.measuring import Figure, Sizes, side_by_side, spoken
from benchmarks.workflows import layered
from tasker_testkit import Simulation
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.model.outcome import success


def figures(sizes: Sizes) -> Iterator[Figure]:
    """Making a Simulation of a loaded template and running it, at two sizes; memory while it runs."""
    small, large = sizes(10_000, 200), sizes(100_000, 2_000)
    subjects = {
        "small": lambda: _ten_times(small),
        "bare": lambda: _bare(large),
        "large": lambda: _simulation(large).run({}),
    }
    took = side_by_side(subjects, rounds=sizes(3, 1))
    each = took["small"] / 10
    yield Figure(f"{small:,} steps", spoken(each), "1 x")
    yield Figure(f"{large:,} steps, the bare Engine", spoken(took["bare"]))
    yield Figure(f"{large:,} steps", spoken(took["large"]), "", "at most 10 s", took["large"] <= 10)
    growth = took["large"] / each
    yield Figure("ten times the steps", "", f"{growth:.1f} x", "at most 15 x", growth <= 15)
    yield from _memory(_simulation(large))


def _simulation(size: int) -> Simulation:
    return Simulation(layered(size), stubs={f"step_{number}": {} for number in range(size)})


def _ten_times(size: int) -> None:
    """As much work a turn as the large one, so that noise meets both alike."""
    for _ in range(10):
        _simulation(size).run({})


def _bare(size: int) -> None:
    engine, ending = Engine(Blueprint(layered(size))), success({})
    while call := engine.next_call():
        engine.report(call, ending)


def _memory(simulation: Simulation) -> Iterator[Figure]:
    """The peak above what was there before the run, by tracemalloc; then with the history asked for."""
    tracemalloc.start()
    run = simulation.run({})
    peaks = {"peak memory of a run": tracemalloc.get_traced_memory()[1]}
    history = run.history
    peaks["peak memory of a run and its history"] = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    transitions = len(history.transitions) + sum(len(step.transitions) for step in history.steps)
    for what, peak in peaks.items():
        measured, each = f"{peak / 1e6:,.0f} MB, {transitions:,} transitions", peak / transitions
        yield Figure(what, measured, f"{each:,.0f} bytes a transition", "at most 1,024", each <= 1024)
