"""Which of a test's runs are recorded, and into which files (``--tasker-record``)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tasker_testkit.errors import HistoryError, TaskerTestkitError, listed, near
from tasker_testkit.recipes import why_unrepeatable
from tasker_testkit.replay.files import SUFFIX, write_whole

if TYPE_CHECKING:
    from tasker_testkit.run import Run

MODES: Final = ("none", "once", "all")
"""Write nothing; what isn't there yet; everything."""
FOLDER: Final = "recordings"
_MOST: Final = 10
"""So many runs of one test are recorded."""
_ODD: Final = re.compile(r"[^A-Za-z0-9_.-]+")


def check_mode(mode: str) -> str:
    """The mode. Raises HistoryError for one that there isn't."""
    if mode not in MODES:
        raise HistoryError(f"--tasker-record={mode}: there is no such mode.{near(mode, MODES)} Modes:\n{listed(MODES)}")
    return mode


class Recorder:
    """Writes runs down by their test's name; ``written``: how many files; ``left_out``: what wasn't, and why."""

    def __init__(self, mode: str) -> None:
        self._mode = check_mode(mode)
        self.written = 0
        self.left_out: list[str] = []

    def record(self, runs: Iterable[Run], test: str, names: Iterable[str], folder: Path) -> None:
        """Write a test's runs below ``folder``. ``names``: the test's file and its name in it. Raises HistoryError."""
        start = ".".join(_safe(name) for name in names)
        for number, run in enumerate(runs, 1):
            if number > _MOST:
                self.left_out.append(f"{test}: more than {_MOST} runs, the first {_MOST} are recorded")
                return
            path = folder / f"{start}{f'-{number}' if number > 1 else ''}{SUFFIX}"
            if self._mode == "all" or not path.exists():
                self._write(run, path, test)

    def _write(self, run: Run, path: Path, test: str) -> None:
        lost = why_unrepeatable(run.recipe(path.parent))
        if lost:
            self.left_out.append(f"{test}: {'; '.join(lost)}")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, run.recording(path.parent))
        self.written += 1

    def complain(self, test: str, error: TaskerTestkitError) -> None:
        """Note a run that couldn't be written."""
        self.left_out.append(f"{test}: {error}")

    def summary(self) -> list[str]:
        """What was recorded and what wasn't, a line each; none if there was nothing to record."""
        told = [f"{self.written} recording{'' if self.written == 1 else 's'} written"] if self.written else []
        return told + [f"not recorded: {one}" for one in self.left_out]


def _safe(name: str) -> str:
    """The name for a file; what had to be changed is told apart by a few digits of its hash."""
    plain = _ODD.sub("-", name).strip("-")
    plain = plain if len(plain) <= 100 else plain[:100]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
