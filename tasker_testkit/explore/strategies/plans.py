"""Fault plans for a template: at its steps, at attempts that they can have, of the explorer's kinds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from hypothesis import strategies as st

from tasker_testkit.errors import StrategyError, listed, near
from tasker_testkit.explore.kinds import faults_at
from tasker_testkit.explore.places import Place
from tasker_testkit.explore.space import Rank
from tasker_testkit.explore.strategies.sieve import Draw
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.fault_kinds import fault
from tasker_testkit.model.faults import Fault, FaultPlan
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import StepTemplate, Template

_LATEST: Final = 90
"""Seconds by which a result is late, at most, where no timeout says what is late."""


class Faults:
    """The faults that can be planned for a template, by step and attempt.

    ``steps``: names of steps, or of instances of batch workers (``work_001``); None: every step but batch workers,
    whose instances have names that only a run knows. Raises StrategyError for a step that the template doesn't have.
    """

    def __init__(
        self, template: Template, profile: Profile, kinds: tuple[str, ...], steps: Iterable[str] | None = None
    ) -> None:
        own = [step.name for step in template.steps if step.type != "batch_worker"]
        self._named = {name: _definition(template, name) for name in (own if steps is None else steps)}
        self._profile, self._kinds = profile, kinds
        self.rank = Rank(template)
        self.steps = tuple(name for name in self._named if not self.at(name, 1).is_empty)
        if not self.steps:
            raise StrategyError(
                f"No step of template {template.name!r} can have a fault of these kinds:\n{listed(kinds)}\n"
                "A corrupt needs a key that result_schema requires; a crash_checkpoint is planned by hand. Name more."
            )

    def attempts(self, step: str) -> int:
        """How many attempts the step can have."""
        retry = self._named[step].retry
        return max(retry.max_attempts, 1) if retry.retryable else 1

    def at(self, step: str, attempt: int) -> st.SearchStrategy[Fault]:
        """The faults of one attempt, in the order of the explorer's kinds."""
        kinds = list(self._kinds_at(self._place(step, attempt)))
        return st.sampled_from(kinds).flatmap(lambda faults: faults) if kinds else st.nothing()

    def _kinds_at(self, place: Place) -> Iterator[st.SearchStrategy[Fault]]:
        """The faults of each kind at a place; a delay is one of whole seconds where no timeout says what is late."""
        for kind in self._kinds:
            if kind.startswith("delay") and place.timeout is None:
                yield st.integers(1, _LATEST).map(lambda late: fault("delay", place.step, place.attempt, late))
            elif found := faults_at(place, (kind,)):
                yield st.sampled_from(found)

    def _place(self, step: str, attempt: int) -> Place:
        """The attempt as it will be, as far as the template says; results have the keys that their schema requires."""
        declared = self._named[step]
        timeout = declared.timeout_seconds if self._profile.honours_timeout else None
        return Place(
            step=step,
            of=declared.name,
            attempt=attempt,
            retries=attempt < self.attempts(step),
            timeout=None if timeout is None else timeout * SECOND,
            took=0,
            yields=False,
            keys=_required_keys(declared.result_schema),
            called=True,
            processes=self._profile.eager_claims,
        )


@st.composite
def plans_of(draw: Draw, faults: Faults, most: int) -> FaultPlan:
    """Plans of up to so many faults, one an attempt; towards few faults, early steps and attempts, simple kinds."""
    planned: dict[tuple[str, int], Fault] = {}
    for _ in range(draw(st.integers(0, most))):
        step = draw(st.sampled_from(faults.steps))
        attempt = draw(_attempts(step, faults, planned))
        one = draw(faults.at(step, attempt))
        planned.setdefault((step, attempt), one)
    return FaultPlan(sorted(planned.values(), key=faults.rank))


def _attempts(step: str, faults: Faults, planned: dict[tuple[str, int], Fault]) -> st.SearchStrategy[int]:
    """In half of all cases the first attempt that isn't hit yet: it is sure to come if the step runs at all."""
    numbers = range(1, faults.attempts(step) + 1)
    first = next((number for number in numbers if (step, number) not in planned), 1)
    return st.one_of(st.just(first), st.sampled_from(numbers))


def _definition(template: Template, name: str) -> StepTemplate:
    """The step of that name, or the batch worker that it is an instance of."""
    workers = [step for step in template.steps if step.type == "batch_worker" and name.startswith(f"{step.name}_")]
    found = template.step(name) or max(workers, key=lambda step: len(step.name), default=None)
    if found is None or (found.name == name and found.type == "batch_worker"):
        known = [step.name for step in template.steps if step.type != "batch_worker"]
        instance = f" Its instances run: name one, {name}_001." if found else ""
        raise StrategyError(
            f"No fault can strike a step {name!r} of template {template.name!r}.{instance or near(name, known)} "
            f"Its steps:\n{listed(known)}"
        )
    return found


def _required_keys(schema: Any) -> tuple[str, ...]:
    required = schema.get("required", ()) if isinstance(schema, dict) else ()
    return tuple(required)
