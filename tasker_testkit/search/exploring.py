"""``explore``: every plan of a few faults, over the attempts that really happen, each run checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final

from tasker_testkit.errors import FaultError, TaskerTestkitError, listed
from tasker_testkit.explore.effect_checks import not_booked
from tasker_testkit.explore.invariants import DEFAULT, Broken, Invariant, as_invariants, unreached
from tasker_testkit.explore.kinds import ALL, chosen
from tasker_testkit.explore.orderings import MOST, Orders
from tasker_testkit.explore.sameness import first_difference
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.explore.space import Rank
from tasker_testkit.intervening import instead_of, unnoticed
from tasker_testkit.model.extent import Extent
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.run import Run
from tasker_testkit.search import hearing
from tasker_testkit.search.examining import SAME_AGAIN, Examine, Examiner, Seen, unsteady
from tasker_testkit.search.executing import elsewhere, here
from tasker_testkit.search.explored import Exploration, Runs, rows_of, title_of
from tasker_testkit.search.findings import Findings
from tasker_testkit.search.learning import keys_read
from tasker_testkit.search.remembering import Memory
from tasker_testkit.search.walking import Retraced, Space, Walk
from tasker_testkit.simulation import Simulation

Check = Invariant | Callable[[Run], Any]
"""An invariant, or a function of a Run that raises or returns False if something doesn't hold."""

_NO_INPUT: Final[Mapping[str, Any]] = {}


class Explorer:
    """An exploration under way, for those who watch it. ``explore`` has the arguments."""

    def __init__(
        self,
        simulation: Simulation,
        input: Any = _NO_INPUT,
        *,
        depth: int = 1,
        kinds: str | Iterable[str] = ALL,
        check: Check | Iterable[Check] = (),
        orders: Orders = 1,
        executor: Executor | None = None,
        limit: int | None = None,
    ) -> None:
        _check_sorts(simulation, executor)
        _check_whole("depth", depth, 0)
        _check_whole("limit", limit if limit is not None else 1, 1)
        _check_whole("orders", 1 if orders == "all" else orders, 1, or_else=', or "all"')
        if len(simulation.faults):
            raise FaultError(
                f"This simulation has faults of its own, and explore plans all faults:\n{listed(simulation.faults)}\n"
                "Explore one without faults."
            )
        wanted, stand_in = chosen(kinds), instead_of(simulation, input)
        own, invariants = stand_in.with_plan((), strict=False), as_invariants((*DEFAULT, *as_invariants(check)))
        self._retraces = stand_in is not simulation
        self._examiner = Examiner(own, input, invariants, wanted, orders=1 if self._retraces else orders)
        self._space = Space(depth, wanted, Rank(own.template), limit, own.seed)
        self._walk = Retraced(tuple(stand_in.faults)) if self._retraces else Walk(self._space)
        self._memory = Memory(own, input, [one.name for one in invariants], any_order=orders != 1)
        self._executor = executor
        self._unsteady: tuple[Broken, ...] = ()
        self._pointless: tuple[str, ...] = ()
        self._seen: list[Seen] = []

    def walk(self, watch: Callable[[Extent, Seen], Any] | None = None) -> None:
        """Go through the space; ``watch``, if given, is told of each plan. What was seen before an exception is kept.

        What failed before is tried first.
        """
        self._learn()
        with self._hands() as examine:
            for seen in () if self._retraces else self._memory.try_first(examine):
                self._tell(watch, seen)
            for seen in self._walk.steps(examine):
                if seen.fired:
                    self._seen.append(seen)
                self._tell(watch, seen)

    def _tell(self, watch: Callable[[Extent, Seen], Any] | None, seen: Seen) -> None:
        if watch is not None:
            watch(self._walk.extent, seen)

    def _learn(self) -> None:
        """Make the plain run, which must be possible, and learn from it what is read of which result.

        It is the first of all runs: if the next one differs, something is kept from the first run on.
        """
        with unnoticed():
            reads, first = keys_read(self._examiner.simulation, self._examiner.input)
            self._examiner = replace(self._examiner, reads=reads)
            difference = first_difference(first.engine, self._examiner.run(()).engine)
            outside = () if difference is None else self._examiner.reads_outside(())
            self._unsteady = tuple(unsteady(difference, outside))
            warned = (f"the plain run warns: {text}." for _, text in first.engine.ledger.warnings)
            self._pointless = (*warned, *not_booked(self._examiner.invariants, first))

    def _hands(self) -> AbstractContextManager[Examine]:
        return here(self._examiner) if self._executor is None else elsewhere(self._examiner, self._executor)

    def plans(self) -> list[Plan]:
        """The plans that ``walk`` would run; those with most faults aren't run to be known."""
        self._learn()
        with self._hands() as examine:
            return list(self._walk.plans(examine))

    def exploration(self, *, shrink: bool = True) -> Exploration:
        """What was seen so far; its failures are made minimal now, unless ``shrink`` is False."""
        seen = [*self._seen, *self._memory.failing(besides=[one.plan for one in self._seen])]
        plans, invariants = [one.plan for one in seen], self._examiner.invariants
        findings = Findings(self._examiner, shrink=shrink and not self._retraces)
        findings.take(seen)
        if not self._retraces:
            findings.miss(() if any(one.invariant == SAME_AGAIN for one in findings.all) else self._unsteady)
            findings.miss(unreached(invariants, {name for one in seen for name in one.reached}, len(plans)))
        if shrink:
            self._memory.keep(findings.all)
        hearing.announce_failures(findings.all)
        return Exploration(
            plans=tuple(map(FaultPlan, plans)),
            runs=Runs(self._examiner, plans),
            states=tuple(one.state for one in seen),
            failures=tuple(findings.all),
            coverage=self._walk.extent,
            notes=tuple(self._notes(len(seen) - len(self._seen))),
            title=title_of(self._examiner.simulation),
            rows=tuple(rows_of(seen)),
        )

    def _notes(self, besides: int) -> Iterator[str]:
        """``besides``: how many plans were run that this exploration wouldn't have come to."""
        yield from self._memory.complaints
        if besides:
            yield f"failed before, and again, beside this exploration's plans: {besides:,}. The table has them too."
        if self._retraces:
            yield "a token is replayed: only its plan was run."
            return
        yield from self._pointless
        endless = [one.of for seen in self._seen[:1] for one in seen.places if one.timeout is None]
        if endless and "hang" in self._space.kinds:
            yield (
                f"nothing ends a handler that hangs in {', '.join(dict.fromkeys(endless))}; its task waits for "
                "staleness, or for ever. Under the documented profile timeout_seconds ends it."
            )
        yield from self._orders()
        if not self._walk.extent.plans > 1 and self._space.depth:
            yield f"none of these kinds of faults can happen in the plain run: {', '.join(self._space.kinds)}."

    def _orders(self) -> Iterator[str]:
        wanted, runs = self._examiner.orders, sum(one.orders for one in self._seen)
        cut = sum(one.cut for one in self._seen)
        if wanted == 1:
            return
        each = f"in {wanted} orders at most" if isinstance(wanted, int) else "in every order"
        more = f"; {cut:,} plans have more" if cut and isinstance(wanted, int) else ""
        bound = f"; {cut:,} plans have more than {MOST:,}, and only so many were run" if cut and not more else ""
        yield f"each plan ran {each} of what happens at one instant, {runs:,} in all{more}{bound}."


def explore(
    simulation: Simulation,
    input: Any = _NO_INPUT,
    *,
    depth: int = 1,
    kinds: str | Iterable[str] = ALL,
    check: Check | Iterable[Check] = (),
    orders: Orders = 1,
    executor: Executor | None = None,
    limit: int | None = None,
) -> Exploration:
    """Run every plan of up to ``depth`` faults over the attempts that really happen, and check each run.

    * ``kinds``: names of kinds of faults, or prefixes (``"crash"``); default all.
    * ``check``: invariants, and functions of a ``Run`` that raise or return False if something doesn't hold. The ready
      ones that hold of every run (``ends``, ``within_attempts``, ``after_ancestors``,
      ``nothing_after_permanent_failure``) are always checked.
    * ``orders``: in how many orders each plan runs. Which of several parallel handlers is called first, and which of
      several results is handled first, is a choice: 1 is the simulation's own order, a number a sample (of its seed)
      that begins with the order of creation, ``"all"`` every order, up to 1,000 a plan.
    * ``executor``: any ``concurrent.futures.Executor``; None: this process. What is found is the same.
    * ``limit``: run so many plans at most, few faults first, of the last level an evenly spread sample (of the
      simulation's seed).

    Every plan runs twice: two runs that differ are a failure too (``same_again``), as is a run that breaks off, under
    the name of its error. Raises FaultError for unknown kinds and a simulation with faults of its own, and what
    ``Simulation.run`` raises for the plain workflow.
    """
    explorer = Explorer(
        simulation, input, depth=depth, kinds=kinds, check=check, orders=orders, executor=executor, limit=limit
    )
    explorer.walk()
    return explorer.exploration()


def _check_whole(name: str, value: Any, least: int, *, or_else: str = "") -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise TaskerTestkitError(f"{name}={value!r:.80}: give a whole number from {least}{or_else}.")


def _check_sorts(simulation: Any, executor: Any) -> None:
    if not isinstance(simulation, Simulation):
        raise TaskerTestkitError(
            f"explore({simulation!r:.80}): give a Simulation, as in explore(Simulation(template, handlers=...), input)."
        )
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TaskerTestkitError(
            f"executor={executor!r:.80}: give a concurrent.futures.Executor such as ProcessPoolExecutor(2), or None."
        )
