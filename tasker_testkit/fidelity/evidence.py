"""What a row is judged by: what either profile made of a workflow, and two runs that differ by this row alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tasker_testkit.engine.history import AttemptHistory, History, StepHistory
from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.model.template import StepTemplate, Template


@dataclass(frozen=True, slots=True)
class Seen:
    """What one profile made of a workflow: its history, or the error with which it was refused.

    ``answers`` are what further submissions met: None, or the text of the refusal.
    """

    history: History | None
    refusal: TaskerTestkitError | None = None
    answers: tuple[str | None, ...] = ()

    def step(self, name: str) -> StepHistory | None:
        """The step of that name, None if it was never created."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def steps(self) -> tuple[StepHistory, ...]:
        """All steps, in order of creation."""
        return self.history.steps if self.history else ()

    @property
    def end(self) -> str:
        """Where the task ended, in words."""
        if self.history is None:
            return "is refused"
        return f"stays {self.history.state}" if self.history.stuck else f"ends {self.history.state}"


Told = tuple[tuple[str, ...], str]
"""The steps that a row concerns, and what it did."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One row's case. ``before`` and ``after`` differ by the row alone: with the documents' way, and with 0.1.8's.

    ``documented`` and ``built`` are the two whole profiles. ``template`` is the template as 0.1.8 takes it.
    """

    template: Template
    environment: str | None
    documented: Seen
    built: Seen
    before: Seen
    after: Seen

    def definition(self, name: str) -> StepTemplate | None:
        """The step's entry in the template; for an instance such as ``work_001`` its batch worker's."""
        workers = [step for step in self.template.steps if step.type == "batch_worker"]
        return self.template.step(name) or next((w for w in workers if name.startswith(f"{w.name}_")), None)

    def pairs(self, name: str) -> Iterator[tuple[AttemptHistory, AttemptHistory]]:
        """The step's attempts that both runs of the row have, side by side."""
        before, after = self.before.step(name), self.after.step(name)
        if before and after:
            yield from zip(before.attempts, after.attempts, strict=False)


def waits(step: StepHistory | None) -> list[int]:
    """Microseconds from the end of each attempt to the start of the next one."""
    attempts = step.attempts if step else ()
    known = [(one.ended_at, two.started_at) for one, two in pairwise(attempts)]
    return [start - end for end, start in known if end is not None and start is not None]


def attempts(step: StepHistory | None) -> int:
    """How many attempts the step had."""
    return len(step.attempts) if step else 0
