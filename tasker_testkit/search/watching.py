"""A bar on the terminal while an exploration goes on: how many plans are done, failures, rate, time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from tasker_testkit.model.extent import Extent
from tasker_testkit.search.examining import Seen

if TYPE_CHECKING:
    from rich.progress import Progress

Watch = Callable[[Extent, Seen], None]
"""Is told of each plan: how far the exploration has come, and what was seen."""


@contextmanager
def watched() -> Iterator[Watch]:
    """A bar on standard error if that is a terminal, nothing otherwise."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda extent, seen: None
        return
    with _bar() as bar:
        task, began, failing = bar.add_task("", total=1, so_far="the plain run"), monotonic(), 0

        def watch(extent: Extent, seen: Seen) -> None:
            nonlocal failing
            failing += bool(seen.broken)
            rate = f"{extent.seen / max(monotonic() - began, 1e-3):,.0f}/s"
            total = sum(one.chosen for one in extent.levels)
            so_far = f"{extent.seen:,} of {total:,} plans, {failing} failing, {rate},"
            bar.update(task, completed=extent.seen, total=total, so_far=so_far)

        yield watch


def _bar() -> Progress:
    """The clock and the stream are taken now: handlers run in frozen time, and what they print goes nowhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("exploring"),
        BarColumn(),
        TextColumn("{task.fields[so_far]}"),
        TimeRemainingColumn(),
    )
    console = Console(file=sys.stderr)
    still: dict[str, Any] = {"redirect_stdout": False, "redirect_stderr": False}
    return Progress(*columns, console=console, transient=True, get_time=monotonic, **still)
