"""What a template knows of a task that Tasker has done and its source doesn't show: types and parents of steps."""

from __future__ import annotations

from collections.abc import Iterator
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
    steps = tuple(_filled(step, task, template) for step in task.steps)
    if steps == task.steps:
        return task
    said = f"types and parents of steps that it doesn't show are from the template, {name}, as it is now"
    return replace(task, steps=steps, gaps=(*task.gaps, said))


def _check_template(task: RecordedTask, template: Template, name: str) -> None:
    now = {"namespace": template.namespace_name, "name": template.name, "version": template.version}
    if task.template != now:
        sides = [f"{one['namespace']}/{one['name']} {one['version']}" for one in (task.template, now)]
        raise HistoryError(f"The task is of template {sides[0]}, and {name} is {sides[1]}. Give its own template.")
    strange = [step.name for step in task.steps if definition_of(template, step.name) is None]
    if strange:
        raise HistoryError(
            f"The task has steps that {name} doesn't have:\n{listed(strange)}\nIt was changed and kept its version. "
            f"Give the template as it was then. The steps of this one:\n{listed(template.step_names)}"
        )


def _filled(step: RecordedStep, task: RecordedTask, template: Template) -> RecordedStep:
    definition = template.step(definition_of(template, step.name) or step.name)
    if definition is None:
        return step
    parents = tuple(_parents(definition, task, template))
    known = step.parents or (parents if len(parents) == step.parent_count else ())
    return replace(step, type=step.type or definition.type, parents=known)


def _parents(step: StepTemplate, task: RecordedTask, template: Template) -> Iterator[str]:
    """The created steps that it depends on: in the template's order, workers of one batch in that of creation."""
    for dependency in step.dependencies:
        yield from (one.name for one in task.steps if definition_of(template, one.name) == dependency)
