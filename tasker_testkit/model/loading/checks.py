"""Rules about a whole template: one rule, one function. Source: ``docs/templates.md``; profile rows 17 and 18.

A rule says what both kinds of profile make of it: the strict ones refuse what never works, the lenient ones refuse only
what the real loader refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from tasker_testkit.errors import near
from tasker_testkit.model import graph
from tasker_testkit.model.loading.findings import Finding
from tasker_testkit.model.loading.schema import schema_problem
from tasker_testkit.model.template import Retry, Template

Rule = Callable[[Template], Iterator[Finding]]

ENVIRONMENTS: Final = ("development", "test", "staging", "production")
"""The names that Tasker's documents use for environments."""
_STORED: Final = {"name": 64, "version": 16, "description": 255}
_QUEUE: Final = re.compile(r"[A-Za-z0-9_]+")
_NO_WORKER: Final = "tasker-0.1.8 loads it, and then the whole worker fails to start."
_NO_TASK: Final = "tasker-0.1.8 loads it and refuses every submission"


def empty_identity(template: Template) -> Iterator[Finding]:
    """A template has a name, a namespace and a version."""
    for name in ("name", "namespace_name", "version"):
        if not getattr(template, name):
            yield Finding(name, "must not be empty.", "empty")


def unknown_dependencies(template: Template) -> Iterator[Finding]:
    """Every dependency names a step."""
    names = template.step_names
    known = set(names)
    for index, step in enumerate(template.steps):
        for number, name in enumerate(step.dependencies):
            if name not in known:
                said = f"step {step.name!r} depends on {name!r}, which is no step.{_candidates(name, names)}"
                yield Finding(f"steps[{index}].dependencies[{number}]", said, "unknown_dependency")


def decision_roots(template: Template) -> Iterator[Finding]:
    """A decision has something to decide on."""
    for index, step in enumerate(template.steps):
        if step.type == "decision" and not step.dependencies:
            said = f"decision step {step.name!r} must have at least one dependency."
            yield Finding(f"steps[{index}]", said, "decision_without_dependency")


def too_long(template: Template) -> Iterator[Finding]:
    """What the database has no room for."""
    for name, limit in _STORED.items():
        length = len(getattr(template, name) or "")
        if length > limit:
            yield Finding(name, f"has {length} characters; at most {limit} can be stored.", "too_long")


def namespace(template: Template) -> Iterator[Finding]:
    """The namespace is part of a queue's name."""
    name = template.namespace_name
    if name and not _QUEUE.fullmatch(name):
        said = f"{name!r} has other characters than A-Z, a-z, 0-9 and _, which no queue name can have."
        yield Finding("namespace_name", said, built="warning", consequence=_NO_WORKER)
    elif len(name) > 34:
        said = f"has {len(name)} characters; a queue name has room for 29."
        yield Finding("namespace_name", said, built="warning", consequence=_NO_WORKER)
    elif len(name) > 29 or name[:1].isdigit():
        said = "should have at most 29 characters and not begin with a digit."
        yield Finding("namespace_name", said, documented="warning", built="fine")


def no_steps(template: Template) -> Iterator[Finding]:
    """A template without steps can't be run."""
    if not template.steps:
        yield Finding("steps", "there are no steps.", built="warning", consequence=f"{_NO_TASK} (404).")


def duplicate_names(template: Template) -> Iterator[Finding]:
    """Step names are unique."""
    names = template.step_names
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if first.setdefault(name, index) != index and name:
            said = f"step {name!r} is there twice; the first is steps[{first[name]}]. Rename one."
            consequence = f"{_NO_TASK} (500), as long as no task has ever had a step of that name."
            yield Finding(f"steps[{index}].name", said, built="warning", consequence=consequence)


def self_dependencies(template: Template) -> Iterator[Finding]:
    """No step depends on itself."""
    for index, step in enumerate(template.steps):
        if step.name and step.name in step.dependencies:
            path = f"steps[{index}].dependencies[{step.dependencies.index(step.name)}]"
            said = f"step {step.name!r} depends on itself."
            yield Finding(path, said, built="warning", consequence=f"{_NO_TASK} (500).")


def repeated_dependencies(template: Template) -> Iterator[Finding]:
    """No step lists a dependency twice."""
    for index, step in enumerate(template.steps):
        for number, name in enumerate(step.dependencies):
            if name in step.dependencies[:number]:
                path = f"steps[{index}].dependencies[{number}]"
                said = f"step {step.name!r} lists {name!r} twice. Keep one."
                yield Finding(path, said, built="warning", consequence=f"{_NO_TASK} (500).")


def rings(template: Template) -> Iterator[Finding]:
    """No step waits, through others, for itself."""
    found = graph.cycle({s.name: [name for name in s.dependencies if name != s.name] for s in template.steps})
    if not found:
        return
    path = f"steps[{template.step_names.index(found[0])}]"
    said = f"the dependencies form a ring: {' -> '.join(found)}. None of these steps could ever start."
    if any(step.type == "decision" for step in template.steps):
        yield Finding(path, said, "stack_overflow")  # the real loader dies of it
    else:
        ends = "tasker-0.1.8 loads it; a task of nothing but the ring becomes complete with nothing run."
        yield Finding(path, said, "ring", built="warning", consequence=ends)


def backoff_over_cap(template: Template) -> Iterator[Finding]:
    """The first delay should be below the highest."""
    for path, retry in _retries(template):
        base, cap = retry.backoff_base_ms, retry.max_backoff_ms
        if (1_000 if base is None else base) > (30_000 if cap is None else cap):
            said = f"backoff_base_ms {base} is above max_backoff_ms {cap}: every delay is the cap."
            yield Finding(path, said, documented="warning", built="fine")


def _retries(template: Template) -> Iterator[tuple[str, Retry]]:
    yield from ((f"steps[{index}].retry", step.retry) for index, step in enumerate(template.steps))
    for name, overrides in template.environments.items():
        for index, override in enumerate(overrides):
            if override.retry:
                yield f"environments.{name}.steps[{index}].retry", override.retry


def schemas(template: Template) -> Iterator[Finding]:
    """Schemas are schemas."""
    found: list[tuple[str, Any]] = [("input_schema", template.input_schema)]
    found += [(f"domain_events[{i}].schema", event.get("schema")) for i, event in enumerate(template.domain_events)]
    for index, step in enumerate(template.steps):
        found.append((f"steps[{index}].result_schema", step.result_schema))
        events = enumerate(step.publishes_events)
        found += [(f"steps[{index}].publishes_events[{number}].schema", event.schema) for number, event in events]
    for path, schema in found:
        problem = None if schema is None else schema_problem(schema)
        if problem:
            yield Finding(path, problem, built="fine")


def required_fields(template: Template) -> Iterator[Finding]:
    """``task_handler.initialization.input_validation.required_fields`` is a list of texts."""
    value: Any = template.task_handler
    path = "task_handler"
    for key in ("initialization", "input_validation", "required_fields"):
        if not isinstance(value, dict) or value.get(key) is None:
            return
        value, path = value[key], f"{path}.{key}"
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        yield Finding(path, "must be a list of texts: the keys that the input must have.", built="fine")


def environments(template: Template) -> Iterator[Finding]:
    """Overrides are for steps and environments that exist."""
    names = template.step_names
    known = {*names, "ALL"}
    for name, overrides in template.environments.items():
        if name not in ENVIRONMENTS:
            said = f"is none of {', '.join(ENVIRONMENTS)}.{near(name, ENVIRONMENTS)}"
            yield Finding(f"environments.{name}", said, documented="warning", built="fine")
        for index, override in enumerate(overrides):
            if override.name not in known:
                said = f"there is no step {override.name!r}: no effect.{_candidates(override.name, (*names, 'ALL'))}"
                yield Finding(f"environments.{name}.steps[{index}].name", said, documented="warning", built="warning")


def _candidates(name: str, names: tuple[str, ...]) -> str:
    more = ", …" if len(names) > 12 else ""
    return near(name, names) or f" Steps: {', '.join(names[:12])}{more}."


RULES: Final[tuple[Rule, ...]] = (
    empty_identity,
    unknown_dependencies,
    decision_roots,
    too_long,
    namespace,
    no_steps,
    duplicate_names,
    self_dependencies,
    repeated_dependencies,
    rings,
    backoff_over_cap,
    schemas,
    required_fields,
    environments,
)
"""In the order in which the real loader would meet them."""
