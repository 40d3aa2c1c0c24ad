"""How things are measured: side by side in turns (A B A B), warmed up, medians; and how that is printed."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table: what was measured, what it came to, the ratio that matters, and the goal for it."""

    what: str
    measured: str
    ratio: str = ""
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: in full, or so little that it only shows that everything runs."""

    tiny: bool

    def __call__(self, full: int, tiny: int) -> int:
        """The one or the other."""
        return tiny if self.tiny else full


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took: seconds on the wall, and seconds of processor."""

    wall: float
    cpu: float


def side_by_side(subjects: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The median seconds of processor of each subject; they take turns, after one turn that isn't counted."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, subject in subjects.items():
            before = time.process_time()
            subject()
            if number:
                taken[name].append(time.process_time() - before)
    return {name: median(values) for name, values in taken.items()}


def processes(
    commands: Mapping[str, Sequence[str]], *, rounds: int, cwd: Path = ROOT, **environment: str
) -> dict[str, Cost]:
    """The median cost of each Python command line; they take turns, after one turn that also compiles."""
    taken: dict[str, list[Cost]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as compiled:
        setting = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "RUST_LOG": "off", **environment}
        setting.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(rounds + 1):
            for name, command in commands.items():
                cost = _process(command, setting, cwd)
                if number:
                    taken[name].append(cost)
    return {name: Cost(median(c.wall for c in costs), median(c.cpu for c in costs)) for name, costs in taken.items()}


def _process(command: Sequence[str], setting: Mapping[str, str], cwd: Path) -> Cost:
    before, used = time.perf_counter(), _children()
    done = subprocess.run([sys.executable, *command], cwd=cwd, env=setting, capture_output=True, text=True, check=False)
    cost = Cost(time.perf_counter() - before, _children() - used)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return cost


def _children() -> float:
    """Seconds of processor that ended child processes have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(figures: Iterable[Figure]) -> str:
    """The figures as Markdown."""
    verdicts = {None: "", True: "yes", False: "**no**"}
    lines = ["| what | measured | ratio | goal | met |", "|---|--:|--:|--:|---|"]
    lines += [f"| {f.what} | {f.measured} | {f.ratio} | {f.goal} | {verdicts[f.met]} |" for f in figures]
    return "\n".join(lines)


def spoken(seconds: float) -> str:
    """Seconds for people, three digits."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
