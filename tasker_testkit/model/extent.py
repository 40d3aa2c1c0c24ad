"""How much of a space of plans an exploration has seen, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """All plans of so many ``faults``: how many there are, and how many of them were chosen, and were run.

    ``whole`` is False if not all plans with a fault less were run: then there may be more than ``plans``.
    """

    faults: int
    plans: int
    chosen: int
    seen: int = 0
    whole: bool = True

    def __str__(self) -> str:
        faults = ("no fault", "1 fault")[self.faults] if self.faults < 2 else f"{self.faults} faults"
        many = "" if self.whole else "at least "
        share = f" ({self.seen / self.plans:.1%})" if self.seen < self.plans else ""
        return f"{self.seen:,} of {many}{self.plans:,} plans with {faults}{share}"


@dataclass(frozen=True, slots=True)
class Extent:
    """What was seen of a space of plans with up to ``depth`` faults, level by level."""

    depth: int
    levels: Sequence[Level]

    @property
    def plans(self) -> int:
        """How many plans are known to exist."""
        return sum(level.plans for level in self.levels)

    @property
    def seen(self) -> int:
        """How many of them were run."""
        return sum(level.seen for level in self.levels)

    @property
    def exhaustive(self) -> bool:
        """Whether every plan was run that there is."""
        ended = len(self.levels) > self.depth or any(not level.plans for level in self.levels)
        return ended and all(level.whole and level.seen == level.plans for level in self.levels)

    @property
    def share(self) -> float:
        """The part of the known plans that was run, from 0 to 1."""
        return self.seen / self.plans if self.plans else 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """The plans that strike one step: how many, how many of their tasks ended in each state, how many were failing."""

    step: str
    plans: int
    ended: Mapping[str, int]
    failing: int


@dataclass(frozen=True, eq=False)
class Overview:
    """An exploration but for what it found: ``title`` (workflow, profile, seed), how much it saw, and of which steps.

    ``notes`` are what is worth knowing beside, a sentence each.
    """

    title: Mapping[str, str]
    coverage: Extent
    rows: Sequence[Row]
    notes: Sequence[str]
