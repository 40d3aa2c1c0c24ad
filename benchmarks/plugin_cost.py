"""What a pytest session pays for the plugin if no test uses it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from benchmarks.measuring import Figure, Sizes, processes, spoken

NAME: Final = "tasker_testkit"
"""The plugin's entry point."""


def figures(sizes: Sizes) -> Iterator[Figure]:
    """The same session without the plugin and with it; without other plugins, so that nothing hides behind them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        others = sorted({point.name for point in entry_points(group="pytest11")} - {NAME})
        blocked = (part for name in ("cacheprovider", *others) for part in ("-p", f"no:{name}"))
        session = ("-m", "pytest", "-q", *blocked)
        commands = {"without": (*session, "-p", f"no:{NAME}"), "with": session}
        took = processes(commands, rounds=sizes(25, 1), cwd=Path(folder))
    more = took["with"].wall - took["without"].wall
    more_cpu = took["with"].cpu - took["without"].cpu
    for name, cost in took.items():
        ratio = cost.cpu / took["without"].cpu
        yield Figure(f"{name} the plugin", f"{spoken(cost.wall)}, {spoken(cost.cpu)} of processor", f"{ratio:.3f} x")
    measured = f"{more * 1e3:+.1f} ms, {more_cpu * 1e3:+.1f} ms of processor"
    yield Figure("the difference", measured, "", "at most 10 ms", more_cpu <= 0.010)
