"""The space of plans: a tree. A plan's children have one fault more, at an attempt that comes later in the plan's run.

Up to that attempt a child's run is its parent's, so the parent's faults strike in it too, and the attempt happens. And
every plan whose faults all strike is reached: without its last fault it is a plan of that kind too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tasker_testkit.explore.http_kinds import detail_of_request, kind_of_request
from tasker_testkit.explore.kinds import KINDS, faults_at
from tasker_testkit.explore.places import Place
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.model.durations import exactly
from tasker_testkit.model.faults import Fault
from tasker_testkit.model.template import Template


def children(plan: Plan, places: Sequence[Place], kinds: tuple[str, ...], rank: Rank) -> Iterator[Plan]:
    """The plans with one fault more, of these kinds, at a place behind the plan's own faults in its run."""
    for place in places[first_open(plan, places) :]:
        for fault in faults_at(place, kinds):
            yield tuple(sorted((*plan, fault), key=rank))


def first_open(plan: Plan, places: Sequence[Place]) -> int:
    """The index of the first place behind all those that the plan's faults are aimed at."""
    aimed = {(fault.step, number) for fault in plan for number in fault.attempts or ()}
    return 1 + max((index for index, place in enumerate(places) if (place.step, place.attempt) in aimed), default=-1)


class Rank:
    """Where a fault stands in a plan, and a plan among others: by step (in the template's order), attempt and kind."""

    def __init__(self, template: Template) -> None:
        self._steps = {name: index for index, name in enumerate(template.step_names)}
        self._kinds = {name: index for index, name in enumerate(KINDS)}
        self._kinds["delay"] = self._kinds["delay_under"]
        self._known: dict[Fault, tuple[Any, ...]] = {}

    def __call__(self, fault: Fault) -> tuple[Any, ...]:
        """The fault's key."""
        known = self._known.get(fault)
        if known is None:
            kind = self._kinds.get(kind_of(fault), len(self._kinds))
            place = (*self._step(fault.step), fault.attempts or ())
            known = self._known[fault] = (*place, kind, fault.by, fault.path, str(fault.wire or ""))
        return known

    def of_plan(self, plan: Plan) -> tuple[Any, ...]:
        """The plan's key: few faults first, then fault by fault."""
        return (len(plan), *map(self, plan))

    def _step(self, name: str) -> tuple[int, str]:
        """A batch worker's instances stand where the template has the worker."""
        if name in self._steps:
            return self._steps[name], name
        workers = [worker for worker in self._steps if name.startswith(f"{worker}_")]
        return self._steps[max(workers, key=len)] if workers else len(self._steps), name


def kind_of(fault: Fault) -> str:
    """The explorer's name for what the fault does, whoever planned it: ``fail_permanent``, ``crash_after``, ..."""
    if fault.kind == "fail":
        return "fail_retryable" if fault.failure.retryable else "fail_permanent"
    if fault.wire:
        return kind_of_request(fault.wire)
    return f"crash_{fault.when}" if fault.kind == "crash" else fault.kind


def within(plan: Plan, kinds: Collection[str]) -> bool:
    """Whether all its faults are of these kinds: a finding shrinks to what was asked for, and to nothing else."""
    return all(any(kind == of or kind.startswith(f"{of}_") for kind in kinds) for of in map(kind_of, plan))


def label(fault: Fault) -> str:
    """The fault in a test's id: ``process_payment-1-crash_after``, ``ship-2-delay_29999ms``, ``p-1-corrupt.total``."""
    attempts = ".".join(map(str, fault.attempts)) if fault.attempts else "every"
    detail = {"delay": f"_{exactly(fault.by)}", "corrupt": f".{fault.path}"}.get(fault.kind, "")
    detail = detail_of_request(fault.wire) if fault.wire else detail
    return f"{fault.step or 'any'}-{attempts}-{kind_of(fault)}{detail}"


def title(plan: Plan) -> str:
    """The plan in a test's id: its faults with ``+`` between; ``no_fault`` without any."""
    return "+".join(map(label, plan)) or "no_fault"
