"""What earlier explorations of a workflow found: tried first, kept while it fails, forgotten when it doesn't."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit import errors
from tasker_testkit.errors import FaultError, TaskerTestkitError
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.explore.tokens import Token, read_token
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.replaying import is_input_of
from tasker_testkit.search.examining import SAME_AGAIN, Seen
from tasker_testkit.search.executing import PROCESS_SURVIVES
from tasker_testkit.search.kept_failures import Kept, forget, keep, kept

if TYPE_CHECKING:
    from tasker_testkit.search.findings import Finding
    from tasker_testkit.simulation import Simulation

_ALWAYS_ASKED: Final = frozenset({SAME_AGAIN, PROCESS_SURVIVES, *vars(errors)})
"""What every exploration finds: runs that differ, that kill their process, or that end with an error of ours."""


class Memory:
    """The kept failures that one exploration can see again; ``complaints``: what is wrong with files, a sentence each.

    Those of another profile or seed aren't tried, nor those of another order unless ``any_order`` is looked at, nor
    those of checks that aren't among ``invariants``; what the template can't have any more is forgotten.
    """

    def __init__(
        self, simulation: Simulation, input: Any, invariants: Iterable[str], *, any_order: bool = False
    ) -> None:
        self._simulation = simulation
        self._any_order = any_order
        self._input = input
        self._asked = _ALWAYS_ASKED.union(invariants)
        self._seen: list[Seen] = []
        self.complaints: list[str] = []

    @cached_property
    def _kept(self) -> tuple[Kept, ...]:
        found, complaints = kept(self._simulation.template.name)
        self.complaints += complaints
        return tuple(one for one in found if self._is_ours(one.token, one.invariant) and self._can_be(one))

    def _is_ours(self, token: Token, invariant: str) -> bool:
        ours = self._simulation
        order = ours.order if isinstance(ours.order, str) else tuple(ours.order)
        same = (token.profile, token.seed) == (ours.profile, ours.seed)
        return same and (self._any_order or token.order == order) and invariant in self._asked

    def _can_be(self, one: Kept) -> bool:
        try:
            FaultPlan(one.token.faults).check(self._simulation.template, profile=self._simulation.profile)
        except FaultError:
            forget(one)
            return False
        return True

    def try_first(self, examine: Callable[[Sequence[Plan]], Iterable[Seen]]) -> Iterator[Seen]:
        """What is seen of the kept plans; what passes now is forgotten."""
        plans = tuple({repr(one.token.faults): one.token.faults for one in self._kept}.values())
        for seen in examine(plans) if plans else ():
            self._seen.append(seen)
            self._settle(seen)
            yield seen

    def _settle(self, seen: Seen) -> None:
        broken = {one.invariant for one in seen.broken} if seen.fired else frozenset()
        for one in self._kept:
            passes = one.token.faults == seen.plan and one.invariant not in broken
            if passes and is_input_of(one.token, self._simulation, self._input):
                forget(one)

    def failing(self, besides: Iterable[Plan]) -> list[Seen]:
        """What was seen of those that fail, besides these plans."""
        failing = [one for one in self._seen if one.broken and one.fired]
        others = {repr(plan) for plan in besides} if failing else set()
        return [one for one in failing if repr(one.plan) not in others]

    def keep(self, findings: Iterable[Finding]) -> None:
        """Keep these, to be tried first next time; what needs no fault comes first anyway."""
        for one in findings:
            if not len(one.plan):
                continue
            try:
                one.kept = keep(read_token(one.token), invariant=one.invariant, message=one.message, input=self._input)
            except TaskerTestkitError as error:
                self.complaints.append(str(error))
