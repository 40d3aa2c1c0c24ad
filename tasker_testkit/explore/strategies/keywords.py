"""Every keyword that asserts something, and what of an object or array its schema has judged already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema.validators import Draft202012Validator

from tasker_testkit.explore.strategies.atoms import PLAIN, Atom, Atoms, nested, plain
from tasker_testkit.explore.strategies.combining import COMBINING
from tasker_testkit.explore.strategies.members import MEMBERS, items_from, values_of
from tasker_testkit.explore.strategies.shapes import Keys, Schema

Targets = Mapping[str, Schema]
"""The schema behind every reference."""

_BESIDE: Final = ("then", "else", "minContains", "maxContains")
"""Keywords that another one reads."""

SUPPORTED: Final = frozenset(
    (*PLAIN, *COMBINING, *MEMBERS, *_BESIDE, "$ref", "unevaluatedItems", "unevaluatedProperties")
)
"""The keywords that values are drawn by."""


def unsupported(schema: dict[str, Any]) -> list[str]:
    """The keywords that the validator checks, and by which no values can be drawn. All others say nothing."""
    return [name for name in schema if name in Draft202012Validator.VALIDATORS and name not in SUPPORTED]


def atoms_of(schema: dict[str, Any], targets: Targets) -> Atoms:
    """Everything that a schema asserts, in the order of its keywords. ``targets``: what its references lead to."""
    for name, value in schema.items():
        if name in PLAIN:
            if name != "format" or value in Draft202012Validator.FORMAT_CHECKER.checkers:
                yield plain(*PLAIN[name](value))
        elif name in COMBINING or name in MEMBERS:
            yield from (COMBINING.get(name) or MEMBERS[name])(value, schema)
        elif name == "$ref":
            yield nested(targets[value])
        elif name in _UNEVALUATED:
            yield from _UNEVALUATED[name](value, schema, targets)


def _unevaluated_properties(value: Schema, schema: dict[str, Any], targets: Targets) -> Iterator[Atom]:
    """What no schema for the same object has named. A branch that isn't taken counts too, which the drawing undoes."""
    names: list[str] = []
    patterns: list[str] = []
    for one in _in_place(schema, targets):
        if "additionalProperties" in one or (one is not schema and "unevaluatedProperties" in one):
            return
        names += one.get("properties", ())
        patterns += one.get("patternProperties", ())
    yield values_of(Keys(but=tuple(dict.fromkeys(names)), nor=tuple(dict.fromkeys(patterns))), value)


def _unevaluated_items(value: Schema, schema: dict[str, Any], targets: Targets) -> Iterator[Atom]:
    """What no schema for the same array has met: items behind the longest prefix that no ``contains`` wants."""
    around = list(_in_place(schema, targets))
    if any("items" in one or (one is not schema and "unevaluatedItems" in one) for one in around):
        return
    start = max(len(one.get("prefixItems", ())) for one in around)
    wanted = [one["contains"] for one in around if "contains" in one]
    yield items_from(start, {"anyOf": [value, *wanted]} if wanted else value)


_UNEVALUATED: Final[Mapping[str, Any]] = {
    "unevaluatedProperties": _unevaluated_properties,
    "unevaluatedItems": _unevaluated_items,
}


def _in_place(schema: dict[str, Any], targets: Targets) -> Iterator[dict[str, Any]]:
    """The schema and all others that look at the same value because of it."""
    rest: list[Schema] = [schema]
    seen: set[int] = set()
    for one in rest:
        if not isinstance(one, dict) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        rest += beside(one, targets)


def beside(schema: dict[str, Any], targets: Targets) -> list[Schema]:
    """The schemas that look at the same value because of this one, but for ``not``."""
    inner = [schema[name] for name in ("if", "then", "else") if name in schema]
    inner += [one for name in ("allOf", "anyOf", "oneOf") for one in schema.get(name, ())]
    inner += schema.get("dependentSchemas", {}).values()
    return [*inner, targets[schema["$ref"]]] if "$ref" in schema else inner
