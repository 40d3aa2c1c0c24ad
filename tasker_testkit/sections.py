"""What a failing test's report says about the runs that were made in it, and how to make them again."""

from __future__ import annotations

import os
import shlex
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasker_testkit import observing

if TYPE_CHECKING:
    from tasker_testkit.run import Run
    from tasker_testkit.search.findings import Finding

SHOWN: Final = 5
FAILURES_SHOWN: Final = 3


class LatestRuns(deque["Run"]):
    """The latest runs of a test, and how many there were (``total``)."""

    def __init__(self) -> None:
        super().__init__(maxlen=SHOWN)
        self.total = 0

    def append(self, run: Run) -> None:
        """Keep this run, and let go of the oldest if there are too many."""
        self.total += 1
        super().append(run)

    def clear(self) -> None:
        """Forget all of them."""
        self.total = 0
        super().clear()


@contextmanager
def listening() -> Iterator[LatestRuns]:
    """Notice every run that this process makes meanwhile; whoever listened before doesn't hear of them."""
    runs = LatestRuns()
    with observing.heard_by(runs.append):
        yield runs


def timelines(runs: LatestRuns) -> str:
    """The timelines of the runs, oldest first, with a line that says how many were left out."""
    left_out = runs.total - len(runs)
    head = [f"({left_out} earlier run{'s' if left_out > 1 else ''} left out)"] if left_out else []
    return "\n\n".join([*head, *(run.timeline() for run in runs)])


def failures(found: Sequence[Finding], said: str) -> str:
    """The reports of what explorations found last, but for those whose token was ``said`` already."""
    left_out = len(found) - FAILURES_SHOWN
    head = [f"({left_out} earlier failure{'s' if left_out > 1 else ''} left out)"] if left_out > 0 else []
    new = [str(one) for one in found[-FAILURES_SHOWN:] if one.token not in said]
    return "\n\n".join([*head, *new]) if new else ""


def reproduction(nodeid: str, options: Iterable[str], *, root: Path, here: Path) -> str:
    """The command that runs this one test again from ``here``, quoted for a POSIX shell; node ids start at ``root``."""
    path, *names = nodeid.split("::")
    return shlex.join(["pytest", "::".join([os.path.relpath(root / path, here), *names]), *options])
