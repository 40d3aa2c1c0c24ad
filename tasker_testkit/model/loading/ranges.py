"""Our own JSON Schema of a template file: the declared ranges, for editors and for loading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from jsonschema.exceptions import ValidationError

from tasker_testkit.model.loading.findings import Finding
from tasker_testkit.model.loading.schema import json_path, shipped_schema, shipped_validator
from tasker_testkit.model.template import StepOverride, Template

_RANGES: Final = ("minimum", "maximum", "minLength", "maxLength")
_SILENTLY: Final = "tasker-0.1.8 accepts it silently."


def template_data(template: Template) -> dict[str, Any]:
    """The template as plain JSON data in the shape of a template file, every default written out."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(template)))
    del data["source"], data["warnings"]
    data["environments"] = {
        name: {"steps": [_override_data(override) for override in overrides]}
        for name, overrides in template.environments.items()
    }
    return data


def _override_data(override: StepOverride) -> dict[str, Any]:
    return {
        "name": override.name,
        "handler": {"initialization": override.initialization} if override.has_handler else None,
        "timeout_seconds": override.timeout_seconds,
        "retry": asdict(override.retry) if override.retry else None,
    }


def template_schema() -> dict[str, Any]:
    """The schema of a template file, as editors can use it."""
    return shipped_schema("template")


def out_of_range(template: Template) -> Iterator[Finding]:
    """What the template's own values violate in its schema: ranges and lengths, which the real loader never checks."""
    for error in shipped_validator("template").iter_errors(_given(template_data(template))):
        if error.validator not in _RANGES:
            continue  # what else the schema says for editors, reading and the rules have judged
        rule: Any = error.schema
        said = "must not be empty." if error.instance == "" else f"must {_wanted(rule)}, not {_found(error)}."
        consequence = rule.get("x-as-built", _SILENTLY)
        yield Finding(json_path(error.absolute_path), said, "range", built="warning", consequence=consequence)


def _given(value: Any) -> Any:
    """The data without what is null or empty, which no range can be violated by; it saves most of the time."""
    if isinstance(value, list):
        return [_given(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _given(item) for key, item in value.items() if item is not None and item != [] and item != {}}


def _wanted(rule: dict[str, Any]) -> str:
    if "minimum" in rule:
        return f"be from {rule['minimum']:,} to {rule['maximum']:,}"
    return f"have {rule['minLength']} to {rule['maxLength']} characters"


def _found(error: ValidationError) -> str:
    return f"{len(error.instance)}" if isinstance(error.instance, str) else f"{error.instance!s:.40}"
