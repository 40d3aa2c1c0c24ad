"""What an exploration found: each way in which something doesn't hold once, with the smallest plan that does it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tasker_testkit import observing
from tasker_testkit.engine.history import History
from tasker_testkit.errors import RunError, TaskerTestkitError
from tasker_testkit.explore.invariants import Broken
from tasker_testkit.explore.orderings import Order
from tasker_testkit.explore.shrinking import shrunk
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.explore.space import title
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.replaying import token_of
from tasker_testkit.report.finding import finding
from tasker_testkit.run import Run
from tasker_testkit.search.examining import Examiner, Seen, at_work
from tasker_testkit.search.executing import PROCESS_SURVIVES
from tasker_testkit.search.telling import source_of, told

MOST_TRIED: Final = 200
"""How many smaller plans are tried for one finding."""


_SLOW: Final = ("HandlerHangs", PROCESS_SURVIVES)
"""What takes real time, or a process, to see again isn't shrunk."""


class Finding:
    """One way in which something doesn't hold: ``invariant``, its ``message``, and a minimal ``plan`` that shows it.

    ``found`` is the plan as the exploration came upon it, ``times`` in how many plans the same was seen, ``order`` what
    went first in its run: ``"creation"``, ``"seeded"``, or the choices.
    """

    def __init__(self, broken: Broken, plan: Plan, found: Plan, examiner: Examiner) -> None:
        self.invariant = broken.invariant
        self.message = broken.message
        self.plan = FaultPlan(plan)
        self.found = FaultPlan(found)
        self.times = 1
        self.order = examiner.simulation.order
        self.kept: Path | None = None
        """The file in which it is kept, to be tried first next time."""
        self._examiner = examiner

    @cached_property
    def run(self) -> Run:
        """The minimal plan's run, made when first asked for; of one that breaks off, what there was until then.

        Raises RunError for a plan that kills the process it runs in.
        """
        if self._made is None:
            raise RunError("This plan kills the process it runs in, so it isn't run in this one. Replay its token.")
        observing.announce(self._made)
        return self._made

    @property
    def history(self) -> History | None:
        """The run's history; None for a plan that kills the process it runs in."""
        return None if self._made is None else self._made.history

    @cached_property
    def _made(self) -> Run | None:
        if self.invariant == PROCESS_SURVIVES:
            return None
        runs: list[Run] = []
        with at_work(self._examiner), observing.heard_by(runs.append), suppress(TaskerTestkitError):
            self._examiner.run(tuple(self.plan))
        return runs[-1]

    @property
    def token(self) -> str:
        """What makes this run again: ``tasker-testkit replay TOKEN``, ``--tasker-replay=TOKEN``."""
        if self._made is None:
            return token_of(self._examiner.simulation, self.plan, input=self._examiner.input).text
        return self._made.token

    def to_data(self) -> dict[str, Any]:
        """The finding as plain JSON."""
        return {
            "invariant": self.invariant,
            "message": self.message,
            "id": title(tuple(self.plan)),
            "faults": self.plan.to_data(),
            "found": self.found.to_data(),
            "times": self.times,
            "token": self.token,
        }

    def text(self, *, width: int = 100, unicode: bool = True) -> str:
        """The report: what doesn't hold, the plan in words, its timeline, the token, commands, and a test to paste."""
        return finding(told(self, self._examiner), width=width, unicode=unicode)

    def as_test(self) -> str:
        """The source of a test that makes the plan's run and holds it to what didn't hold, to be pasted into a file."""
        return source_of(self, self._examiner)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Finding {self.invariant}: {title(tuple(self.plan))}>"


class Findings:
    """Grows with what was seen of each plan; plans that only add faults to a known one count as the same."""

    def __init__(self, examiner: Examiner, *, shrink: bool = True) -> None:
        self.all: list[Finding] = []
        self._examiner = examiner
        self._shrink = shrink
        self._seen: list[tuple[Plan, Finding]] = []

    def take(self, seen: Iterable[Seen]) -> None:
        """Add what doesn't hold in these."""
        for one in seen:
            for broken in one.broken:
                known = self._known(broken.invariant, one.plan)
                if known is None:
                    self._add(broken, one)
                else:
                    known.times += 1

    def miss(self, broken: Iterable[Broken]) -> None:
        """Add goals that no run reached; the plain workflow stands for all of them."""
        self.all += [Finding(one, (), (), self._examiner) for one in broken]

    def _known(self, invariant: str, plan: Plan) -> Finding | None:
        faults = set(plan)
        return next((f for part, f in self._seen if f.invariant == invariant and faults.issuperset(part)), None)

    def _add(self, broken: Broken, seen: Seen) -> None:
        plan = seen.plan
        smallest, said, order = self._shrunk(broken, plan, seen.under.get(broken.invariant))
        same = next((f for f in self.all if f.invariant == broken.invariant and tuple(f.plan) == smallest), None)
        if same is None:
            same = Finding(said, smallest, plan, self._examiner.under(order))
            self.all.append(same)
        else:
            same.times += 1
        self._seen += [(plan, same), (smallest, same)]

    def _shrunk(self, broken: Broken, plan: Plan, order: Order | None) -> tuple[Plan, Broken, Order | None]:
        """The minimal plan, what is said of it, and in which order it is so."""
        said = {plan: (broken, order)}
        if broken.invariant in _SLOW or not self._shrink:
            return plan, broken, order

        def fails(smaller: Plan) -> bool:
            found = self._examiner.breach(smaller, broken.invariant)
            if found is not None:
                said[smaller] = found
            return found is not None

        with at_work(self._examiner):
            smallest = shrunk(plan, fails, most=MOST_TRIED).plan
        return smallest, *said[smallest]
