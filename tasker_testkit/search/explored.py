"""What an exploration saw, as a value: its plans and their runs, what was found, how much of the space that was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, overload

from tasker_testkit.explore.simpler import Plan
from tasker_testkit.explore.space import title
from tasker_testkit.intervening import unnoticed
from tasker_testkit.model.extent import Overview, Row
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.report.exploration import exploration
from tasker_testkit.run import Run
from tasker_testkit.search.examining import Examiner, Seen
from tasker_testkit.search.findings import Finding
from tasker_testkit.search.repeating import Idempotency, idempotency_of
from tasker_testkit.simulation import Simulation

FORMAT: Final = "tasker-testkit/exploration"
VERSION: Final = 1
IN_FULL: Final = 5
"""How many failures an exploration's text reports in full."""


class Runs(Sequence[Run]):
    """The runs of an exploration, by the index of their plan. Each is made again when it is asked for."""

    def __init__(self, examiner: Examiner, plans: Sequence[Plan]) -> None:
        self._examiner = examiner
        self._plans = plans

    def __len__(self) -> int:
        return len(self._plans)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        if isinstance(index, slice):
            return Runs(self._examiner, self._plans[index])
        with unnoticed():
            return self._examiner.run(self._plans[index])


@dataclass(frozen=True, eq=False, repr=False)
class Exploration(Overview):
    """What an exploration saw; ``print(exploration)`` shows it.

    ``plans``: every plan that was run, the one without faults first; ``runs``: their runs, made again when asked for;
    ``states``: how their tasks ended, None where the run broke off; ``failures``: what didn't hold, each once, with a
    minimal plan; ``coverage``: how much of the space was seen.
    """

    plans: Sequence[FaultPlan]
    runs: Sequence[Run]
    states: Sequence[str | None]
    failures: Sequence[Finding]

    def text(self, *, width: int = 100, unicode: bool = True) -> str:
        """The exploration for people, at most ``width`` columns wide (at least 60).

        The first five failures are reported in full, the others by their plans; ``print(exploration.failures[5])``.
        """
        reports = [failure.text(width=width, unicode=unicode) for failure in self.failures[:IN_FULL]]
        others = [f"{one.invariant}: {title(tuple(one.plan))}" for one in self.failures[IN_FULL:]]
        return exploration(self, reports, others, width=width, unicode=unicode)

    def idempotency(self) -> Idempotency:
        """Which steps can be run again: how often each one's effects happen under each single fault that hits it.

        The plans with one fault run again. Raises TaskerTestkitError if none of the plans has one.
        """
        return idempotency_of(self.plans, self.runs, self.states)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Exploration of {self.title['workflow']}: {len(self.plans)} plans, {len(self.failures)} failures>"

    def to_data(self) -> dict[str, Any]:
        """The exploration as plain JSON (``format: tasker-testkit/exploration``)."""
        levels = [{"faults": one.faults, "plans": one.plans, "seen": one.seen} for one in self.coverage.levels]
        return {
            "format": FORMAT,
            "version": VERSION,
            **self.title,
            "depth": self.coverage.depth,
            "exhaustive": self.coverage.exhaustive,
            "levels": levels,
            "plans": [
                {"id": title(tuple(plan)), "faults": plan.to_data(), "state": state}
                for plan, state in zip(self.plans, self.states, strict=True)
            ],
            "failures": [failure.to_data() for failure in self.failures],
            "notes": list(self.notes),
        }


def title_of(simulation: Simulation) -> dict[str, str]:
    """What an exploration of this simulation is called: its workflow, profile and seed."""
    template = simulation.template
    workflow = f"{template.namespace_name}/{template.name} {template.version}"
    return {"workflow": workflow, "profile": simulation.profile.name, "seed": f"seed {simulation.seed}"}


def rows_of(seen: Sequence[Seen]) -> Iterator[Row]:
    """For no fault, then for each step: the plans that strike it."""
    hit: dict[str, list[Seen]] = {}
    for one in seen:
        for name in dict.fromkeys(fault.step for fault in one.plan) or ("(none)",):
            hit.setdefault(name, []).append(one)
    for name, plans in hit.items():
        ended = Counter(one.state or "broke off" for one in plans)
        yield Row(name, len(plans), ended, sum(bool(one.broken) for one in plans))
