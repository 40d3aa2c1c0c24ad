"""Our own JSON Schema of a template file: the declared ranges, for editors and for loading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tasker_testkit.model.loading.findings import Finding
from tasker_testkit.model.loading.schema import json_path
from tasker_testkit.model.template import StepOverride, Template

Rule = dict[str, Any]
Breach = tuple[list[str | int], Rule, Any]
"""Where, what the schema says of that place, and the value found there."""

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


@cache
def template_schema() -> dict[str, Any]:
    """The schema of a template file, as editors can use it."""
    text = files("tasker_testkit.model.loading").joinpath("template.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def out_of_range(template: Template) -> Iterator[Finding]:
    """What the template's own values violate in its schema: ranges and lengths, which the real loader never checks."""
    for place, rule, value in _breaches(template_schema(), template_data(template), []):
        said = "must not be empty." if value == "" else f"must {_wanted(rule)}, not {_found(value)}."
        consequence = rule.get("x-as-built", _SILENTLY)
        yield Finding(json_path(place), said, "range", built="warning", consequence=consequence)


def _breaches(rule: Rule, value: Any, place: list[str | int]) -> Iterator[Breach]:
    """Only ranges and lengths, so that no template waits for a JSON Schema library; the rest is for editors."""
    rule = template_schema()["$defs"][rule["$ref"].rpartition("/")[2]] if "$ref" in rule else rule
    if not _within(rule, value):
        yield place, rule, value
    for key, inner, item in _inside(rule, value):
        yield from _breaches(inner, item, [*place, key])


def _within(rule: Rule, value: Any) -> bool:
    if isinstance(value, str):
        return bool(rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", len(value)))
    if isinstance(value, (int, float)):
        return bool(rule.get("minimum", value) <= value <= rule.get("maximum", value))
    return True


def _inside(rule: Rule, value: Any) -> Iterator[tuple[str | int, Rule, Any]]:
    """The parts of a value of which the schema says anything."""
    if isinstance(value, list) and "items" in rule:
        yield from ((index, rule["items"], item) for index, item in enumerate(value))
    elif isinstance(value, dict):
        others = rule.get("additionalProperties")
        for key, item in value.items():
            inner = rule.get("properties", {}).get(key, others)
            if isinstance(inner, dict):
                yield key, inner, item


def _wanted(rule: Rule) -> str:
    if "minimum" in rule:
        return f"be from {rule['minimum']:,} to {rule['maximum']:,}"
    return f"have {rule['minLength']} to {rule['maxLength']} characters"


def _found(value: Any) -> str:
    return f"{len(value)}" if isinstance(value, str) else f"{value!s:.40}"
