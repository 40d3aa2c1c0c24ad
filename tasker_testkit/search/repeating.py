"""Which steps of an explored workflow can be run again: the runs with one fault each, counted and shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.explore.idempotency import Hit, rows
from tasker_testkit.intervening import unnoticed
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.idempotency import Table
from tasker_testkit.report.idempotency import idempotency
from tasker_testkit.run import Run


class Idempotency(Table):
    """A verdict on each step: ``verdicts["pay"]`` is ``idempotent``, ``repeats``, ``loses`` or ``no effects``.

    ``rows`` have the counts and, for each fault, a cell with its token; ``bad`` are the cells with too many effects or
    too few. ``print`` shows all of it.
    """

    def text(self, *, width: int = 100, unicode: bool = True) -> str:
        """The table for people, at most ``width`` columns wide (at least 60), and each bad cell with its token."""
        return idempotency(self, width=width, unicode=unicode)

    def __str__(self) -> str:
        return self.text()


def idempotency_of(plans: Sequence[FaultPlan], runs: Sequence[Run], states: Sequence[str | None]) -> Idempotency:
    """The verdicts from those plans of an exploration that have one fault; each of their runs is made again.

    Raises TaskerTestkitError if there is none.
    """
    if not any(len(plan) == 1 for plan in plans):
        raise TaskerTestkitError(
            "No plan with one fault was run, so there is nothing to judge steps by. Explore with depth=1 or more."
        )
    with unnoticed():
        return Idempotency(rows(runs[0].engine, _hits(plans, runs, states)))


def _hits(plans: Sequence[FaultPlan], runs: Sequence[Run], states: Sequence[str | None]) -> Iterator[Hit]:
    """The runs with one fault that came to an end, the last one of them at a time."""
    for index, (plan, state) in enumerate(zip(plans, states, strict=True)):
        if len(plan) == 1 and state is not None:
            run = runs[index]
            yield next(iter(plan)), run.engine, partial(getattr, run, "token")
