"""Steps that come into being during a run: batch workers with their convergence, and decisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.measuring import Figure, Sizes, side_by_side, spoken
from benchmarks.workflows import batch, batch_handlers, batch_template, decisions, linear
from tasker_testkit import Simulation
from tasker_testkit.model.template import Template


def figures(sizes: Sizes) -> Iterator[Figure]:
    """Time of batches at two sizes; what a decision costs, measured in steps."""
    yield from _batches(sizes(1_000, 10), sizes(10_000, 100), sizes(5, 1))
    yield from _handled_batches(sizes(1_000, 10), sizes(10_000, 100), sizes(3, 1))
    for length in (sizes(50, 5), sizes(500, 10)):
        yield from _decisions(length, sizes(7, 1))


def _run(made: tuple[Template, dict[str, Any]]) -> None:
    template, stubs = made
    _complete(Simulation(template, stubs=stubs))


def _complete(simulation: Simulation) -> None:
    run = simulation.run({})
    assert run.state == "complete", run.state


def _batches(small: int, large: int, rounds: int) -> Iterator[Figure]:
    one, ten = batch(small), batch(large)
    took = side_by_side({"small": lambda: _run(one), "large": lambda: _run(ten)}, rounds=rounds)
    for name, size, limit in (("small", small, 0.5), ("large", large, 6.0)):
        seconds = took[name]
        ratio = f"{seconds / took['small']:.1f} x"
        yield Figure(f"{size:,} batch workers", spoken(seconds), ratio, f"at most {limit:g} s", seconds <= limit)


def _handled_batches(small: int, large: int, rounds: int) -> Iterator[Figure]:
    """The same with real handlers: ten times the workers may take ten times as long, not a hundred times."""
    one, ten = (Simulation(batch_template(), handlers=batch_handlers(size)) for size in (small, large))
    took = side_by_side({"small": lambda: _complete(one), "large": lambda: _complete(ten)}, rounds=rounds)
    for name, size in (("small", small), ("large", large)):
        ratio = took[name] / took["small"]
        goal = ("at most 15 x", ratio <= 15) if name == "large" else ("", None)
        yield Figure(f"{size:,} batch workers, real handlers", spoken(took[name]), f"{ratio:.1f} x", *goal)


def _decisions(length: int, rounds: int) -> Iterator[Figure]:
    """A chain of decisions with a step behind each, against as many steps: the difference is the decisions' own."""
    chain, steps = decisions(length), linear(length)
    stubs: dict[str, Any] = {name: {} for name in steps.step_names}
    took = side_by_side({"decisions": lambda: _run(chain), "steps": lambda: _run((steps, stubs))}, rounds=rounds)
    step, decision = took["steps"] / length, (took["decisions"] - took["steps"]) / length
    ratio = decision / step
    what = f"a decision, {length:,} in one task (a standard step: {spoken(step)})"
    yield Figure(what, spoken(decision), f"{ratio:.1f} steps", "at most 5", ratio <= 5)
