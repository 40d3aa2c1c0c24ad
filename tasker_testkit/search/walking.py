"""The walk through the space of plans: level by level, few faults first, each level from the runs of the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasker_testkit.explore.sampling import spread
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.explore.space import Rank, children
from tasker_testkit.model.extent import Extent, Level
from tasker_testkit.search.examining import Examine, Seen


@dataclass(frozen=True, slots=True)
class Space:
    """Which plans there are: up to ``depth`` faults of these ``kinds``; at most ``limit`` of them are run."""

    depth: int
    kinds: tuple[str, ...]
    rank: Rank
    limit: int | None = None
    seed: int = 0


class Walk:
    """One way through the space; ``extent`` says how far it has come."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._left = space.limit
        self._levels: list[Level] = []
        self._seen: list[int] = []

    @property
    def extent(self) -> Extent:
        """What has been seen so far, level by level."""
        pairs = zip(self._levels, self._seen, strict=True)
        return Extent(self._space.depth, tuple(replace(level, seen=seen) for level, seen in pairs))

    def steps(self, examine: Examine) -> Iterator[Seen]:
        """What is seen of each plan, the one without faults first."""
        level: list[Plan] = [()]
        for faults in range(self._space.depth + 1):
            found: list[Plan] = []
            for seen in examine(self._entered(faults, level), deeper=faults < self._space.depth):
                self._seen[-1] += 1
                if faults < self._space.depth:
                    found += self._children(seen)
                yield seen
            level = sorted(dict.fromkeys(found), key=self._space.rank.of_plan)

    def plans(self, examine: Examine) -> Iterator[Plan]:
        """The plans alone, in the same order; those of the last level needn't be examined to be known."""
        level: list[Plan] = [()]
        for faults in range(self._space.depth + 1):
            taken = self._entered(faults, level)
            yield from taken
            if faults < self._space.depth:
                found = (child for seen in examine(taken, deeper=True) for child in self._children(seen))
                level = sorted(dict.fromkeys(found), key=self._space.rank.of_plan)

    def _entered(self, faults: int, level: list[Plan]) -> list[Plan]:
        """Those of a level's plans that are run: all, or as many as the limit leaves."""
        taken = level if self._left is None else spread(level, self._left, self._space.seed)
        if self._left is not None:
            self._left -= len(taken)
        whole = all(above.seen == above.plans and above.whole for above in self.extent.levels)
        self._levels.append(Level(faults, len(level), len(taken), whole=whole))
        self._seen.append(0)
        return taken

    def _children(self, seen: Seen) -> Iterator[Plan]:
        """The plans with a fault more; none if a fault of the plan didn't strike."""
        if seen.fired:
            yield from children(seen.plan, seen.places, self._space.kinds, self._space.rank)


class Retraced:
    """A way with a single stop, a plan that somebody has seen before; ``extent`` says whether it was seen again."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._times = 0

    @property
    def extent(self) -> Extent:
        """One plan of one."""
        faults = len(self._plan)
        return Extent(faults, (Level(faults, 1, 1, self._times),))

    def steps(self, examine: Examine) -> Iterator[Seen]:
        """What is seen of the plan."""
        for seen in examine(self.plans(examine)):
            self._times += 1
            yield seen

    def plans(self, examine: Examine) -> Sequence[Plan]:
        """The plan."""
        return (self._plan,)
