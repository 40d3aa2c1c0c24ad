"""One plan of an exploration: run it, run it again, and say what was seen. The part that other processes do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Protocol

from tasker_testkit.engine.orders import Asked
from tasker_testkit.errors import TaskerTestkitError, listed
from tasker_testkit.explore.invariants import Broken, Invariant, judged
from tasker_testkit.explore.kinds import ALL
from tasker_testkit.explore.orderings import Order, Orderings, Orders
from tasker_testkit.explore.places import Place, Reads, places
from tasker_testkit.explore.sameness import first_difference
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.explore.space import title, within
from tasker_testkit.intervening import unnoticed
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.run import Run
from tasker_testkit.simulation import Simulation
from tasker_testkit.worker.guard import watching

SAME_AGAIN: Final = "same_again"
"""The name under which two runs of one plan that differ are a failure."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a plan, in all orders that were run.

    ``state``: how its task ended in the first of them, None if the run broke off; ``fired``: all its faults struck;
    ``places``: where more can strike; ``broken``: what didn't hold, ``under``: the order in which that was so, if it
    wasn't the first; ``reached``: the names of the goals (``sometimes``) that it reached; ``orders``: how many were
    run, ``cut``: there are more.
    """

    plan: Plan
    state: str | None = None
    fired: bool = True
    places: tuple[Place, ...] = ()
    broken: tuple[Broken, ...] = ()
    reached: frozenset[str] = frozenset()
    under: Mapping[str, Order] = field(default_factory=dict)
    orders: int = 1
    cut: bool = False


class Examine(Protocol):
    """Examines plans and gives what was seen of each, in their order; ``deeper``: where more could strike too."""

    def __call__(self, plans: Sequence[Plan], *, deeper: bool = False) -> Iterator[Seen]:
        """What is seen of each plan."""


@dataclass(frozen=True)
class Examiner:
    """Runs plans of one simulation and input, and checks each run. Can be pickled if what it is made of can."""

    simulation: Simulation
    input: Any
    invariants: Sequence[Invariant]
    kinds: Collection[str] = ALL
    reads: Reads = field(default_factory=dict)
    orders: Orders = 1

    def under(self, order: Order | None) -> Examiner:
        """The same for one order, None: the simulation's own."""
        ordered = self.simulation if order is None else self.simulation.with_plan((), order=order, strict=False)
        return replace(self, simulation=ordered, orders=1)

    def run(self, plan: Plan) -> Run:
        """The plan's run, unchecked; faults that don't strike are no error. Raises what ``Simulation.run`` raises."""
        return self.simulation.with_plan(plan, strict=False).run(self.input)

    def _played(self, plan: Plan) -> Run:
        """The same without a simulation of its own: the next plan takes its place."""
        self.simulation.faults = FaultPlan(plan)
        return self.simulation.run(self.input)

    def examine(self, plan: Plan, *, deeper: bool = False) -> Seen:
        """Run the plan and check it, in as many orders as are wanted, twice in each.

        ``deeper``: see where more can strike. Raises TaskerTestkitError for a check that doesn't answer like one.
        """
        if self.orders == 1:
            return self._examined(plan, deeper)[0]
        seen: list[Seen] = []
        orderings = Orderings(self.orders, self.simulation.seed, title(plan))

        def play(order: Order) -> Asked:
            one, asked = self.under(order)._examined(plan, deeper and not order)
            seen.append(replace(one, under=dict.fromkeys((each.invariant for each in one.broken), order)))
            return asked

        for _ in orderings.through(play):
            pass
        return _merged(seen, cut=orderings.cut)

    def _examined(self, plan: Plan, deeper: bool = False) -> tuple[Seen, Asked]:
        """What is seen in the simulation's order, and what the run was asked."""
        try:
            run = self._played(plan)
            difference = first_difference(run.engine, self._played(plan).engine) if self._runs_code else None
            reads = () if difference is None else self.reads_outside(plan)
        except TaskerTestkitError as error:
            return Seen(plan, broken=(Broken(type(error).__name__, str(error)),)), ()
        verdict, found = judged(run, self.invariants), places(run.engine, self.reads) if deeper else ()
        broken = (*unsteady(difference, reads), *verdict.broken)
        return Seen(plan, run.state, _all_fired(plan, run), found, broken, verdict.reached), run.engine.asked

    def reads_outside(self, plan: Plan) -> tuple[str, ...]:
        """What handlers read from outside in one more run of the plan, a line each."""
        with watching(self.simulation._world) as reads, suppress(TaskerTestkitError):
            self.simulation.with_plan(plan, strict=False).run(self.input)
        return reads.texts

    def breach(self, plan: Plan, name: str) -> tuple[Broken, Order | None] | None:
        """How the plan breaks what has that name, and in which order; None if it holds.

        It counts as holding if a fault isn't of the wanted kinds, or doesn't strike.
        """
        if not within(plan, self.kinds):
            return None
        if self.orders == 1:
            broken, _ = self._broken(plan, name)
            return None if broken is None else (broken, None)
        found: list[Broken] = []
        orderings = Orderings(self.orders, self.simulation.seed, title(plan))

        def play(order: Order) -> Asked:
            broken, asked = self.under(order)._broken(plan, name)
            found.extend(() if broken is None else (broken,))
            return asked

        return next(((found[0], order or None) for order in orderings.through(play) if found), None)

    @cached_property
    def _runs_code(self) -> bool:
        """Whether anything of the user's runs that could differ from run to run; of plain data there is nothing to."""
        simulation = self.simulation
        behind = (*simulation.stubs.values(), *simulation.durations.values())
        return simulation._calls_handlers or not all(map(_is_plain, behind))

    def _broken(self, plan: Plan, name: str) -> tuple[Broken | None, Asked]:
        """The same for the simulation's order alone, and what the run was asked."""
        if name == SAME_AGAIN:
            seen, asked = self._examined(plan)
            return next((one for one in seen.broken if one.invariant == name and seen.fired), None), asked
        try:
            run = self._played(plan)
        except TaskerTestkitError as error:
            return Broken(name, str(error)) if type(error).__name__ == name else None, ()
        found = judged(run, [one for one in self.invariants if one.name == name]).broken
        return found[0] if found and _all_fired(plan, run) else None, run.engine.asked


def _merged(seen: Sequence[Seen], *, cut: bool) -> Seen:
    """What was seen of one plan in several orders as one: of each invariant the first order in which it didn't hold."""
    broken: dict[str, tuple[Broken, Order]] = {}
    for one in seen:
        for each in one.broken if one.fired else ():
            broken.setdefault(each.invariant, (each, one.under[each.invariant]))
    return replace(
        seen[0],
        broken=tuple(each for each, _ in broken.values()),
        under={name: order for name, (_, order) in broken.items() if order},
        reached=frozenset[str]().union(*(one.reached for one in seen)),
        orders=len(seen),
        cut=cut,
    )


def _is_plain(stub: Any) -> bool:
    if isinstance(stub, (list, tuple)):
        return all(map(_is_plain, stub))
    return not callable(stub) or isinstance(stub, type)


def unsteady(difference: str | None, reads: Sequence[str] = ()) -> Iterator[Broken]:
    """What there is to say of two runs of one plan that differ there; nothing if they don't.

    ``reads``: what handlers read from outside in such a run.
    """
    if difference is not None:
        read = f"Read from outside in such a run:\n{listed(reads)}\n" if reads else ""
        yield Broken(
            SAME_AGAIN,
            f"the same plan gave two different runs: {difference}.\n{read}"
            "Something is kept from run to run, or read from outside. Reset the doubles with setup= (--setup in a "
            "shell), take identifiers from the context, keep nothing on classes or modules.",
        )


def _all_fired(plan: Plan, run: Run) -> bool:
    steps = run.engine.ledger.by_name
    return all(
        fault.step in steps and any(fault in attempt.fired for attempt in steps[fault.step].log) for fault in plan
    )


@contextmanager
def at_work(examiner: Examiner) -> Iterator[None]:
    """Meanwhile its runs are nobody's business, and the clock stays frozen from one to the next."""
    with unnoticed(), examiner.simulation.kept_frozen():
        yield
