"""Recordings: writing and reading a large one, and running those of the ecommerce example again under pytest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.measuring import ROOT, Figure, Sizes, processes, spoken
from benchmarks.workflows import linear
from tasker_testkit import Failure, Simulation
from tasker_testkit.replay.files import load_history

_EXAMPLE: Final = ROOT / "examples" / "ecommerce"
_GOAL: Final = 0.3
_SESSION: Final = ("-m", "pytest", "-q", "-p", "no:cacheprovider")


def figures(sizes: Sizes) -> Iterator[Figure]:
    """Seconds of processor, medians."""
    yield from _files(sizes)
    yield from _sessions(sizes)


def _files(sizes: Sizes) -> Iterator[Figure]:
    template = linear(sizes(625, 5))
    stubs = {name: [Failure("busy"), {"done": True}] for name in template.step_names}
    run = Simulation(template, stubs=stubs).run({"customer": "a@example.com"})
    number = sum(len(step.transitions) for step in run.history.steps) + len(run.history.transitions)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.history.json"
        works: dict[str, Callable[[], object]] = {"save": lambda: run.save(path), "load": lambda: load_history(path)}
        for name, work in works.items():
            took = median(_timed(work) for _ in range(sizes(5, 1)))
            what = f"{name}: {number:,} transitions, {len(run.history.steps)} steps"
            yield Figure(what, spoken(took), "", "at most 0.3 s", took <= _GOAL)


def _timed(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def _sessions(sizes: Sizes) -> Iterator[Figure]:
    number = len(list((_EXAMPLE / "recordings").glob("*.history.json")))
    commands = {
        "import tasker_core": ("-c", "import tasker_core"),
        f"pytest, {number} recordings of the ecommerce example": (*_SESSION, "recordings"),
    }
    took = processes(commands, rounds=sizes(5, 1), cwd=_EXAMPLE)
    sdk, session = took.values()
    for name, cost in took.items():
        yield Figure(name, f"{spoken(cost.wall)}, {spoken(cost.cpu)} of processor")
    ours = session.cpu - sdk.cpu
    ratio = f"{session.cpu / sdk.cpu:.2f} x"
    yield Figure("the difference", f"{spoken(ours)} of processor", ratio, "at most 1 s", ours <= 1)
