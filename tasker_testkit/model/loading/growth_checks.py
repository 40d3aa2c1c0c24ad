"""Rules about batches and convergences: what can never grow, or wouldn't wait for what has grown.

Source: ``docs/templates.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tasker_testkit.errors import near
from tasker_testkit.model import graph
from tasker_testkit.model.loading.checks import Rule
from tasker_testkit.model.loading.findings import Finding
from tasker_testkit.model.template import StepTemplate, Template

_MISSING: Final = "tasker-0.1.8 loads it; what can't grow is silently missing."


def workers(template: Template) -> Iterator[Finding]:
    """A batch worker needs its own batch_config, and something to make instances of it."""
    for index, step in enumerate(template.steps):
        if step.type != "batch_worker":
            continue
        behind = any(_type_of(template, name) == "batchable" for name in step.dependencies)
        if step.batch_config is None:
            said = f"batch_worker step {step.name!r} has no batch_config, so no batch can grow from it."
            yield _finding(f"steps[{index}]", said, refused=behind)
        if not behind:
            said = f"batch_worker step {step.name!r} depends on no batchable step."
            yield _finding(f"steps[{index}]", said)


def analyzers(template: Template) -> Iterator[Finding]:
    """A batchable step needs a batch worker; its batch_config is expected, though the worker's counts."""
    names = [step.name for step in template.steps if step.type == "batch_worker"]
    for index, step in enumerate(template.steps):
        if step.type != "batchable":
            continue
        if not names:
            said = f"batchable step {step.name!r} has no batch_worker step to make instances of."
            yield _finding(f"steps[{index}]", said, refused=True)
        if step.batch_config is None:
            yield _finding(f"steps[{index}]", f"batchable step {step.name!r} has no batch_config.")
        yield from _worker_named(f"steps[{index}]", step, names)


def _worker_named(path: str, step: StepTemplate, names: list[str]) -> Iterator[Finding]:
    name = step.handler.initialization.get("worker_template_name")
    if name is None:
        said = f"batchable step {step.name!r} has no initialization.worker_template_name: 'no_batches' can't grow."
        yield _finding(f"{path}.handler", said)
    elif names and name not in names:
        said = f"{name!r} is no batch_worker step.{near(name, names)}"
        yield _finding(f"{path}.handler.initialization.worker_template_name", said)


def worker_templates(template: Template) -> Iterator[Finding]:
    """``batch_config.worker_template`` names a batch worker."""
    names = [step.name for step in template.steps if step.type == "batch_worker"]
    for index, step in enumerate(template.steps):
        config = step.batch_config
        if config is not None and config.worker_template not in names:
            said = f"{config.worker_template!r} is no batch_worker step.{near(config.worker_template, names)}"
            yield _finding(f"steps[{index}].batch_config.worker_template", said)


def convergences(template: Template) -> Iterator[Finding]:
    """A convergence waits for something, and something makes it."""
    for index, step in enumerate(template.steps):
        if step.type == "deferred_convergence" and not step.dependencies:
            yield _finding(f"steps[{index}]", f"deferred_convergence step {step.name!r} has no dependencies.")
        elif step.type == "deferred_convergence" and _never_made(template, step):
            said = f"nothing ever makes deferred_convergence step {step.name!r}: no decision and no batch is before it."
            yield _finding(f"steps[{index}]", said)


def lost_dependencies(template: Template) -> Iterator[Finding]:
    """An ordinary step can't wait for what a batch makes."""
    for index, step in enumerate(template.steps):
        if step.type in ("deferred_convergence", "batch_worker"):
            continue
        for number, name in enumerate(step.dependencies):
            parent = template.step(name)
            if parent is not None and _made_by_batch(template, parent):
                said = (
                    f"{step.type} step {step.name!r} can't wait for {parent.type} step {name!r}, which doesn't exist "
                    "when the task is created. Do its work in the convergence, or make it a deferred_convergence."
                )
                starts = "tasker-0.1.8 drops the dependency: the step doesn't wait for it."
                path = f"steps[{index}].dependencies[{number}]"
                yield Finding(path, said, built="warning", consequence=starts)


def _made_by_batch(template: Template, step: StepTemplate) -> bool:
    if step.type == "batch_worker":
        return True
    return step.type == "deferred_convergence" and (_behind_worker(template, step) or _never_made(template, step))


def _behind_worker(template: Template, step: StepTemplate) -> bool:
    before = graph.ancestors({one.name: one.dependencies for one in template.steps}, step.name)
    return any(one.type == "batch_worker" and one.name in before for one in template.steps)


def _never_made(template: Template, step: StepTemplate) -> bool:
    decided = any(one.type == "decision" for one in template.steps)
    return bool(step.dependencies) and not decided and not _behind_worker(template, step)


def _type_of(template: Template, name: str) -> str | None:
    found = template.step(name)
    return found.type if found else None


def _finding(path: str, said: str, *, refused: bool = False) -> Finding:
    return Finding(path, said, "growth", "refused" if refused else "warning", "warning", _MISSING)


RULES: Final[tuple[Rule, ...]] = (workers, analyzers, worker_templates, convergences, lost_dependencies)
