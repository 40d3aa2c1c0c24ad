"""Which steps exist when: the set a task starts with. Pure functions over templates (dynamic workflows, section 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasker_testkit.model.graph import children, reachable
from tasker_testkit.model.template import StepTemplate, Template


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be created: its definition and the names of the parents it gets edges from."""

    template: StepTemplate
    parents: tuple[str, ...]


def initial_steps(template: Template) -> tuple[NewStep, ...]:
    """The steps of a new task in creation order; a dependency on a step that doesn't exist yet makes no edge."""
    chosen = {step.name: step for step in _initial(template)}
    return tuple(
        NewStep(step, tuple(name for name in step.dependencies if name in chosen)) for step in chosen.values()
    )


def _initial(template: Template) -> Iterator[StepTemplate]:
    decisions = [step.name for step in template.steps if step.type == "decision"]
    below = reachable(children({step.name: step.dependencies for step in template.steps}), decisions)
    later = {"batch_worker"} if decisions else {"batch_worker", "deferred_convergence"}
    return (step for step in template.steps if step.type not in later and step.name not in below)
