"""What a template knows of a task that Tasker has done and its source doesn't show: types and parents of steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tasker_testkit.errors import HistoryError, listed
from tasker_testkit.model.template import StepTemplate, Template
from tasker_testkit.replay.production import RecordedStep, RecordedTask
from tasker_testkit.stubs import definition_of


def filled(task: RecordedTask, template: Template, name: str) -> RecordedTask:
    """The task with types and parents from its template, where its source doesn't show them.

    Parents are filled in where the template leads to as many as the source counts. ``name`` is what messages call the
    template. Raises HistoryError if the task is of another template.
    """
    _check_template(task, template, name)
    definitions = {step.name: template.step(definition_of(template, step.name) or "") for step in task.steps}
    _check_steps(definitions, template, name)
    created: defaultdict[str, list[str]] = defaultdict(list)
    for step, definition in definitions.items():
        created[definition.name if definition else ""].append(step)
    steps = tuple(_filled(step, definitions[step.name], created) for step in task.steps)
    if steps == task.steps:
        return task
    said = f"types and parents of steps that it doesn't show are from the template, {name}, as it is now"
    return replace(task, steps=steps, gaps=(*task.gaps, said))


def _check_template(task: RecordedTask, template: Template, name: str) -> None:
    now = {"namespace": template.namespace_name, "name": template.name, "version": template.version}
    if task.template != now:
        sides = [f"{one['namespace']}/{one['name']} {one['version']}" for one in (task.template, now)]
        raise HistoryError(f"The task is of template {sides[0]}, and {name} is {sides[1]}. Give its own template.")


def _check_steps(definitions: Mapping[str, StepTemplate | None], template: Template, name: str) -> None:
    strange = [step for step, definition in definitions.items() if definition is None]
    if strange:
        raise HistoryError(
            f"The task has steps that {name} doesn't have:\n{listed(strange)}\nIt was changed and kept its version. "
            f"Give the template as it was then. The steps of this one:\n{listed(template.step_names)}"
        )


def _filled(step: RecordedStep, definition: StepTemplate | None, created: Mapping[str, Sequence[str]]) -> RecordedStep:
    """The step with what its definition says; ``created``: the steps that there are of each definition."""
    if definition is None:
        return step
    parents = tuple(name for dependency in definition.dependencies for name in created.get(dependency, ()))
    known = step.parents or (parents if len(parents) == step.parent_count else ())
    return replace(step, type=step.type or definition.type, parents=known)
