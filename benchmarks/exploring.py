"""Explorations: how long all plans of one and two faults take, and what an exploration costs above its runs."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks.measuring import ROOT, Figure, Sizes, side_by_side, spoken
from benchmarks.workflows import linear
from tasker_testkit import Simulation, explore
from tasker_testkit.engine.calls import Call
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.explore.shrinking import shrunk
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.model.fault_kinds import fault
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.outcome import Ending, Silence, failure, success
from tasker_testkit.search.executing import processes
from tasker_testkit.search.exploring import Explorer

SHOP: Final = ROOT / "examples" / "ecommerce"
STEPS: Final = 5


def figures(sizes: Sizes) -> Iterator[Figure]:
    """The shop's real handlers, stubs against a bare engine, processes, and the shrinking of a plan."""
    simulation, cart = shop()
    yield from _exhaustive(simulation, cart, sizes(7, 1), depth=sizes(2, 1))
    yield from _above_the_engine(sizes(5, 1), depth=sizes(2, 1))
    yield _together(simulation, cart, limit=sizes(5_000, 60))
    yield _shrinking(simulation, cart)


def shop() -> tuple[Simulation, Any]:
    """The ecommerce example with its real handlers, and its cart."""
    sys.path.insert(0, str(SHOP))
    import gateways

    template, handlers = SHOP / "order_processing.yaml", SHOP / "handlers.py"
    return Simulation(template, handlers=handlers, setup=gateways.reset), json.loads((SHOP / "cart.json").read_text())


def _exhaustive(simulation: Simulation, cart: Any, rounds: int, *, depth: int) -> Iterator[Figure]:
    plans = [len(explore(simulation, cart, depth=faults).plans) for faults in (1, depth)]
    subjects = {
        "all plans of one fault, real handlers": lambda: explore(simulation, cart),
        "all plans of two faults, real handlers": lambda: explore(simulation, cart, depth=depth),
    }
    one, two = (took := side_by_side(subjects, rounds=rounds)).values()
    fast = two <= 3 or plans[1] / two >= 2_000
    goals = (("at most 150 ms", one <= 0.15), ("at most 3 s, or 2,000 plans/s", fast))
    for name, number, goal in zip(took, plans, goals, strict=True):
        yield Figure(name, spoken(took[name]), f"{number} plans, {number / took[name]:,.0f} plans/s", *goal)


def _above_the_engine(rounds: int, *, depth: int) -> Iterator[Figure]:
    template = linear(STEPS)
    simulation = Simulation(template, stubs={name: {"done": True} for name in template.step_names})
    plans = Explorer(simulation, depth=depth).plans()
    subjects: dict[str, Callable[[], object]] = {
        "the bare Engine, plans of two faults": lambda: engine_loop(Blueprint(template), plans),
        "explore() of the same plans, stubs": lambda: explore(simulation, depth=depth),
    }
    took = side_by_side(subjects, rounds=rounds)
    bare, whole = took.values()
    for name, seconds in took.items():
        share = bare / seconds
        goal = ("at least 0.7", share >= 0.7) if seconds is whole else ("", None)
        yield Figure(name, f"{len(plans) / seconds:,.0f} plans/s", f"{share:.2f} of the engine's", *goal)


def _together(simulation: Simulation, cart: Any, *, limit: int) -> Figure:
    """What two processes are for: the wall clock, and by processor the longest part, with starting the workers."""
    walls, parts = [], []
    for number in (1, 2):
        wall, parent, workers = time.perf_counter(), time.process_time(), _children()
        with processes(number) as executor:
            explore(simulation, cart, depth=3, limit=limit, executor=executor)
        walls.append(spoken(time.perf_counter() - wall))
        parts.append(max(time.process_time() - parent, (_children() - workers) / number))
    ratio = parts[0] / parts[1]
    measured = f"{spoken(parts[1])} against {spoken(parts[0])} (wall: {walls[1]}, {walls[0]})"
    return Figure(f"{limit:,} plans in two processes", measured, f"{ratio:.2f} x", "at least 1.7 x", ratio >= 1.7)


def _children() -> float:
    """Seconds of processor of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shrinking(simulation: Simulation, cart: Any) -> Figure:
    """Six faults, of which one keeps the order from being complete."""
    plan = tuple(
        fault(kind, step, 1, setting)
        for step, kind, setting in (
            ("validate_cart", "fail", {"error_type": "timeout", "message": "busy"}),
            ("process_payment", "crash", "after"),
            ("update_inventory", "duplicate", True),
            ("create_order", "raise", {"type": "ConnectionError", "message": "reset"}),
            ("send_confirmation", "fail", {"retryable": False, "error_code": "NO_SUCH_ADDRESS"}),
            ("update_inventory", "delay", "40s"),
        )
    )
    found = shrunk(plan, lambda smaller: simulation.with_plan(smaller, strict=False).run(cart).state != "complete")
    runs, text = found.runs, f"{len(plan)} faults to {len(found.plan)}"
    return Figure("shrinking six faults to the one that matters", f"{runs} runs", text, "at most 50", runs <= 50)


def engine_loop(blueprint: Blueprint, plans: Sequence[Plan]) -> None:
    """The same plans by hand: an engine each, and endings made before."""
    for plan in plans:
        engine = Engine(blueprint, faults=FaultPlan(plan))
        while call := engine.next_call():
            engine.report(call, _ending(call))


def _ending(call: Call) -> Ending:
    return _STRUCK[call.faults[0].kind](call.faults[0]) if call.faults else _DONE


_DONE: Final = success({"done": True})
_FAILED: Final = {flag: failure("injected fault", "handler_error", retryable=flag) for flag in (True, False)}
_STRUCK: Final[Mapping[str, Callable[[Any], Ending]]] = {
    "fail": lambda planned: _FAILED[planned.failure.retryable],
    "raise": lambda planned: _FAILED[True],
    "hang": lambda planned: Silence("hangs"),
    "crash": lambda planned: Silence("died"),
    "duplicate": lambda planned: _DONE,
}
