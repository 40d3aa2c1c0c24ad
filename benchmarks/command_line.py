"""The whole process of ``tasker-testkit run``, and how much of it isn't the SDK's import."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.measuring import Figure, Sizes, processes, spoken

FOLDER: Final = "examples/ecommerce"
RUN: Final = (
    *("-m", "tasker_testkit", "run", f"{FOLDER}/order_processing.yaml"),
    *("--handlers", f"{FOLDER}/handlers.py", "--input", f"{FOLDER}/cart.json"),
)
COMMANDS: Final = {
    "python, nothing": ("-c", "pass"),
    "import tasker_core": ("-c", "import tasker_core"),
    "import tasker_core, jsonschema, yaml, freezegun": ("-c", "import tasker_core, jsonschema, yaml, freezegun"),
    "tasker-testkit run": RUN,
}


def figures(sizes: Sizes) -> Iterator[Figure]:
    """Whole processes in turns: ours is what the run takes longer than a process that only imports the SDK.

    Goals are held against seconds of processor, which hardly depend on what else the machine does.
    """
    took = processes(COMMANDS, rounds=sizes(11, 1))
    sdk, run = took["import tasker_core"], took["tasker-testkit run"]
    for name, cost in took.items():
        goal = ("at most 1.5 s", cost.cpu <= 1.5) if cost is run else ("", None)
        measured = f"{spoken(cost.wall)}, {spoken(cost.cpu)} of processor"
        yield Figure(name, measured, f"{cost.cpu / sdk.cpu:.2f} x", *goal)
    ours, ours_cpu = run.wall - sdk.wall, run.cpu - sdk.cpu
    measured = f"{spoken(ours)}, {spoken(ours_cpu)} of processor"
    yield Figure("ours, the difference", measured, f"{ours_cpu / sdk.cpu:.2f} x", "at most 0.3 s", ours_cpu <= 0.3)
