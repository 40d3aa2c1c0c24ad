"""Is a task's input what the template asks for? (profile row 13; ``docs/templates.md``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jsonschema.protocols import Validator

from tasker_testkit.errors import InputError, listed
from tasker_testkit.model.loading.schema import schema_problem, validator_of, violations
from tasker_testkit.model.loading.values import json_copy
from tasker_testkit.model.profile import Profile, find_profile
from tasker_testkit.model.template import Template

_MISSING: Final = "is missing."


@dataclass(slots=True)
class _Requirements:
    """What one template asks of its input, ready to be asked often; ``passed`` is the last input that met it."""

    template: Template
    fields: tuple[str, ...]
    validator: Validator | None
    passed: str | None = field(default=None)


_READY: Final[dict[int, _Requirements]] = {}


def check_input(template: Template, input: Any, profile: str | Profile = "documented") -> None:
    """Raise InputError that lists everything the template doesn't accept in ``input``, each with its path.

    Asked in this order: is it JSON, is it an object, ``required_fields`` of the task handler (null counts as missing),
    ``input_schema`` with its formats. Profiles without ``checks_input`` accept anything.
    """
    if not find_profile(profile).checks_input:
        return
    asked = _requirements(template)
    written = _written(input)
    if written is not None and written == asked.passed:
        return
    value = object_copy(input)
    problems = [f"{name}: {_MISSING}" for name in asked.fields if value.get(name) is None]
    found = violations(asked.validator, value) if asked.validator else []
    problems += [f"{path or 'the input'}: {said}" for path, said in found]
    if problems:
        raise _refusal(template, tuple(dict.fromkeys(problems)))
    asked.passed = written


def object_copy(input: Any) -> dict[str, Any]:
    """A copy of an input. Raises InputError if it isn't JSON, or no object."""
    value = json_copy(input, "The input")
    if not isinstance(value, dict):
        raise InputError(f"A task's input is a JSON object (a dict), not {input!r:.80}, a {type(input).__name__}.")
    return value


def _refusal(template: Template, problems: tuple[str, ...]) -> InputError:
    plural = "s" if len(problems) > 1 else ""
    return InputError(
        f"Template {template.name!r} doesn't accept this input, {len(problems)} problem{plural}:\n{listed(problems)}\n"
        "Change the input, or input_schema and required_fields of the template.",
        problems=problems,
    )


def _written(input: Any) -> str | None:
    """A text that only the same input has; it saves checking one input a thousand times."""
    try:
        return repr(input)
    except RecursionError:
        return None


def _requirements(template: Template) -> _Requirements:
    """The template's requirements, made once for each template."""
    ready = _READY.get(id(template))
    if ready is None or ready.template is not template:
        if len(_READY) >= 64:
            _READY.clear()
        ready = _READY[id(template)] = _Requirements(template, required_fields(template), _validator(template))
    return ready


def required_fields(template: Template) -> tuple[str, ...]:
    """``task_handler.initialization.input_validation.required_fields``; empty without."""
    value = template.task_handler
    for key in ("initialization", "input_validation", "required_fields"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def _validator(template: Template) -> Validator | None:
    if template.input_schema is None:
        return None
    problem = schema_problem(template.input_schema)
    if problem:
        raise InputError(f"The input of template {template.name!r} can't be checked: input_schema: {problem}")
    return validator_of(template.input_schema)
