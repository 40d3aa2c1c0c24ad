"""The template's ``environments``: what one of them changes (``docs/templates.md``; profile row 15)."""

from __future__ import annotations

from dataclasses import replace

from tasker_testkit.errors import TaskerTestkitError, listed, near
from tasker_testkit.model.profile import Profile, find_profile
from tasker_testkit.model.template import StepOverride, StepTemplate, Template


def apply_environment(template: Template, environment: str | None, profile: str | Profile = "documented") -> Template:
    """The template with the overrides of one environment; unchanged for None, and where the profile ignores them all.

    Entries apply in order, ``ALL`` to every step. Keys of ``initialization`` are replaced one by one, ``retry`` as
    a whole. Raises TaskerTestkitError for an environment that the template doesn't have: naming it is a mistake.
    """
    if environment is None or not find_profile(profile).honours_environments:
        return template
    if environment not in template.environments:
        known = template.environments
        raise TaskerTestkitError(
            f"Template {template.name!r} has no environment {environment!r}.{near(environment, known)} "
            f"It has:\n{listed(known)}"
        )
    steps = list(template.steps)
    for override in template.environments[environment]:
        for index in _meant(steps, override.name):
            steps[index] = _overridden(steps[index], override)
    return replace(template, steps=tuple(steps))


def _meant(steps: list[StepTemplate], name: str) -> list[int]:
    """The steps that an entry is for: all, or the first of that name."""
    if name == "ALL":
        return list(range(len(steps)))
    return [index for index, step in enumerate(steps) if step.name == name][:1]


def _overridden(step: StepTemplate, override: StepOverride) -> StepTemplate:
    handler, timeout = step.handler, override.timeout_seconds
    if override.initialization is not None:
        handler = replace(handler, initialization={**handler.initialization, **override.initialization})
    return replace(
        step,
        handler=handler,
        timeout_seconds=step.timeout_seconds if timeout is None else timeout,
        retry=override.retry or step.retry,
    )
