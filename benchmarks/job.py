"""The job: five linear steps, each fails once and then succeeds; ten attempts with their full history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any, Final

from benchmarks.measuring import Figure, Sizes, side_by_side, spoken
from benchmarks.workflows import linear
from tasker_testkit import Failure, Simulation
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.model.outcome import failure, success
from tasker_testkit.worker.sdk import load

STEPS: Final = 5
INPUT: Final = {"customer": "a@example.com", "items": [{"sku": "A-1", "quantity": 2, "price": 29.99}]}


def figures(sizes: Sizes) -> Iterator[Figure]:
    """Workflows a second with stubs; what real handlers cost above the SDK's own share."""
    yield from _stubbed(sizes(1_000, 2), sizes(7, 1))
    yield from _real(sizes(200, 2), sizes(7, 1))


def _stubbed(runs: int, rounds: int) -> Iterator[Figure]:
    template = linear(STEPS)
    simulation = Simulation(template, stubs={name: [Failure("busy"), {"done": True}] for name in template.step_names})
    subjects: dict[str, Callable[[], object]] = {
        "a hand-written heap loop, 20 records a workflow": heap_loop,
        "the bare Engine": engine_loop(Blueprint(template)),
        "Simulation.run()": lambda: simulation.run(INPUT),
        "Simulation.run() and its history": lambda: simulation.run(INPUT).history,
    }
    took = side_by_side({name: _repeated(subject, runs) for name, subject in subjects.items()}, rounds=rounds)
    by_hand = next(iter(took.values()))
    for name, seconds in took.items():
        share = by_hand / seconds
        goal = ("at least 0.25 (about 10,000/s)", share >= 0.25) if name == "Simulation.run()" else ("", None)
        yield Figure(name, f"{runs / seconds:,.0f} workflows/s", f"{share:.2f} of the loop's", *goal)


def _real(runs: int, rounds: int) -> Iterator[Figure]:
    events: list[Any] = []
    handler = flaky_handler(events)
    simulation = Simulation(linear(STEPS), handlers={"work": handler})
    simulation.run(INPUT)
    fields = [event.model_dump() for event in events]
    quiet = Simulation(linear(STEPS), handlers={"work": flaky_handler(None)})
    only = contexts_and_calls(fields, flaky_handler(None)())
    subjects: dict[str, Callable[[], object]] = {
        "only the same 10 contexts and calls": only,
        "Simulation.run() of real handlers, with its history": lambda: quiet.run(INPUT).history,
    }
    took = side_by_side({name: _repeated(subject, runs) for name, subject in subjects.items()}, rounds=rounds)
    least, whole = took.values()
    for name, seconds in took.items():
        ratio = f"{seconds / least:.2f} x"
        goal = ("at most 3 x", whole <= 3 * least) if seconds is whole else ("", None)
        yield Figure(name, f"{spoken(seconds / runs)} a workflow", ratio, *goal)


def _repeated(subject: Callable[[], object], runs: int) -> Callable[[], object]:
    def repeated() -> None:
        for _ in range(runs):
            subject()

    return repeated


def heap_loop() -> list[dict[str, Any]]:
    """What somebody would write by hand: a heap of starts and ends, a function call, two records an attempt."""
    trace: list[dict[str, Any]] = []
    heap = [(0, 0, 1, "start")]
    while heap:
        at, step, attempt, what = heappop(heap)
        if what == "start":
            trace.append({"at": at, "step": f"step_{step}", "attempt": attempt, "state": "in_progress"})
            heappush(heap, (at, step, attempt, "end"))
        elif _work(step, attempt)["success"]:
            trace.append({"at": at, "step": f"step_{step}", "attempt": attempt, "state": "complete"})
            if step + 1 < STEPS:
                heappush(heap, (at, step + 1, 1, "start"))
        else:
            trace.append({"at": at, "step": f"step_{step}", "attempt": attempt, "state": "waiting_for_retry"})
            heappush(heap, (at + 1_000_000, step, attempt + 1, "start"))
    return trace


def _work(step: int, attempt: int) -> dict[str, Any]:
    if attempt == 1:
        return {"success": False, "error": "busy"}
    return {"success": True, "result": {"done": True, "step": step}}


def engine_loop(blueprint: Blueprint) -> Callable[[], object]:
    """The engine with endings made before."""
    endings = {1: failure("busy", "handler_error", retryable=True), 2: success({"done": True})}

    def loop() -> Engine:
        engine = Engine(blueprint)
        while call := engine.next_call():
            engine.report(call, endings[call.attempt])
        return engine

    return loop


def flaky_handler(seen: list[Any] | None) -> type[Any]:
    """A handler class that fails on the first attempt; it keeps the events of its contexts in ``seen``."""
    base: Any = load().StepHandler

    class Flaky(base):  # type: ignore[misc]
        handler_name = "work"

        def call(self, context: Any) -> Any:
            if seen is not None:
                seen.append(context.event)
            if context.retry_count == 0:
                return self.failure("busy", "handler_error", retryable=True)
            return self.success({"done": True, "items": context.input_data["items"]})

    return Flaky


def contexts_and_calls(fields: list[dict[str, Any]], handler: Any) -> Callable[[], object]:
    """Nothing but the SDK's part of a run: each event, its context, and the handler's call."""
    event, context = load().FfiStepEvent, load().StepContext

    def loop() -> None:
        for one in fields:
            handler.call(context.from_ffi_event(event(**one), "work"))

    return loop
