"""JSON Schema, as templates carry it: is it one, and what does a value violate. Nothing is ever fetched."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from jsonschema.exceptions import SchemaError, ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing import Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from tasker_testkit.errors import near

Schema = dict[str, Any] | bool

_TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


def json_path(keys: Iterable[str | int]) -> str:
    """Where a value is inside another: ``items[0].sku``; empty for the whole."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def schema_problem(schema: Any) -> str | None:
    """Why a template's schema can't be used, in one sentence; None if it can. Nothing is ever fetched."""
    if not isinstance(schema, (dict, bool)):
        return f"a JSON Schema is a mapping, true or false, not {schema!r:.80}."
    dialect = _dialect(schema)
    if dialect is None:
        return "its $schema isn't known. Leave it out for draft 2020-12."
    try:
        dialect.check_schema(schema, format_checker=dialect.FORMAT_CHECKER)
        return _dangling(schema)
    except SchemaError as error:
        return _told(error)
    except RecursionError:
        return "this JSON Schema is nested too deeply to be checked."


@cache
def shipped_schema(name: str) -> dict[str, Any]:
    """A schema of a kind of files that comes with the package: of ``scenario`` or ``template``."""
    text = files("tasker_testkit.model.loading").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@cache
def shipped_validator(name: str) -> Validator:
    """The validator of a ``shipped_schema``."""
    return validator_of(shipped_schema(name))


def validator_of(schema: Schema) -> Validator:
    """A validator for a schema without ``schema_problem``; it checks ``format`` too."""
    dialect = _dialect(schema) or Draft202012Validator
    validator: Validator = dialect(schema, registry=REGISTRY, format_checker=dialect.FORMAT_CHECKER)
    return validator


def fits(schema: Any, value: Any) -> bool:
    """Does the value fit the schema? Nothing fits what isn't a schema."""
    validator = _compiled(json.dumps(schema))
    return validator is not None and not violations(validator, value)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Validator | None:
    schema = json.loads(text)
    return None if schema_problem(schema) else validator_of(schema)


def violations(validator: Validator, value: Any) -> list[tuple[str, str]]:
    """Everything that is wrong with a value, as (path, sentence), in the order of the paths."""
    try:
        errors = sorted(validator.iter_errors(value), key=lambda error: [str(key) for key in error.absolute_path])
    except RecursionError:
        return [("", "can't be checked: the schema refers to itself without end, or the value is too deep for it.")]
    return [_violation(error) for error in errors]


def _violation(error: ValidationError) -> tuple[str, str]:
    path = list(error.absolute_path)
    if error.validator == "required":
        names: Any = error.validator_value
        missing = [name for name in names if error.message.startswith(repr(name))]
        return json_path([*path, *missing]), "is missing."
    closest = best_match([error])
    inner = "" if closest is error else f" ({json_path(closest.absolute_path) or 'it'}: {closest.message:.150})"
    return json_path(path), f"{error.message:.200}{inner}."


def _dialect(schema: Schema) -> Any:
    """The validator class of the schema's draft; None for a draft that doesn't exist."""
    named = schema.get("$schema") if isinstance(schema, dict) else None
    if named is None:
        return Draft202012Validator
    absent: Any = None
    return validator_for(schema, default=absent) if isinstance(named, str) else None


def _told(error: SchemaError) -> str:
    path = json_path(error.absolute_path)
    if path.endswith("type") and isinstance(error.instance, str):
        said = f"not a JSON Schema: {path} {error.instance!r} isn't known.{near(error.instance, _TYPES)}"
        return f"{said} Possible: {', '.join(_TYPES)}."
    return f"not a JSON Schema: {path + ': ' if path else ''}{error.message:.200}."


def _dangling(schema: Schema) -> str | None:
    """The first reference that leads nowhere."""
    root = Resource.from_contents(schema, default_specification=DRAFT202012)
    rest = [(root, REGISTRY.resolver_with_root(root))]
    for resource, resolver in rest:
        contents = resource.contents
        reference = contents.get("$ref") if isinstance(contents, dict) else None
        try:
            if reference is not None:
                resolver.lookup(reference)
        except (Unresolvable, ValueError, TypeError, LookupError):
            return f"the reference {reference!r:.80} leads nowhere. Only references into the schema itself work."
        rest += [(inner, resolver.in_subresource(inner)) for inner in resource.subresources()]
    return None
