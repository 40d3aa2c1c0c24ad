"""A schema made ready to draw from: a copy whose references all lead to places in the copy, and its validator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from jsonschema.protocols import Validator
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing import Resource
from referencing.jsonschema import DRAFT202012

from tasker_testkit.errors import StrategyError, listed
from tasker_testkit.explore.strategies.keywords import Targets, beside, unsupported
from tasker_testkit.explore.strategies.shapes import Demand, Schema
from tasker_testkit.model.graph import cycle
from tasker_testkit.model.loading import schema_problem, validator_of
from tasker_testkit.model.loading.schema import json_path

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PLACE: Final = ("$id", "$anchor", "$dynamicAnchor", "$schema", "$vocabulary")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One schema. ``name`` is what messages call it; ``targets`` has the schema behind every reference."""

    name: str
    root: Schema
    targets: Targets
    validator: Validator

    def fits(self, schema: Schema, value: Any) -> bool:
        """Does the value fit this schema, which is a part of the source, or made of parts of it?"""
        return bool(self.validator.evolve(schema=schema).is_valid(value))

    def obeys(self, value: Any, demands: tuple[Demand, ...]) -> bool:
        """Does the value do what all these demands ask? For one way or any way of failing alike."""
        return all(self.fits(one.schema, value) == (one.mood == "fit") for one in demands)


def source_of(schema: Any, name: str) -> Source:
    """The source of a schema of draft 2020-12. Raises StrategyError for what can't be drawn from, and says where."""
    problem = schema_problem(schema)
    if problem:
        raise StrategyError(f"No values can be drawn from {name}: {problem}")
    root = json.loads(json.dumps(schema), parse_float=_number)
    places = {id(part): path for path, part in _parts(root, ()) if isinstance(part, dict)}
    found = list(_schemas(root))
    targets: dict[str, Schema] = {}
    for part, target in found:
        _check(part, name, places.get(id(part), ()))
        if isinstance(target, bool):
            part.setdefault("allOf", []).append(target)
            del part["$ref"]
        elif target is not None:
            part["$ref"] = _reference(name, part["$ref"], places.get(id(target)))
            targets[part["$ref"]] = target
    for part, _ in found:
        for key in _PLACE:
            part.pop(key, None)
    _check_ring([part for part, _ in found], targets, name, places)
    return Source(name, root, targets, validator_of(root))


def _number(text: str) -> float:
    """A whole number as one, so that ``minItems: 2.0`` can be counted with."""
    value = float(text)
    return int(value) if value.is_integer() else value


def _check(schema: dict[str, Any], name: str, path: Path) -> None:
    where = f"{name}.{json_path(path)}".rstrip(".")
    for keyword in unsupported(schema):
        raise StrategyError(
            f"{where} has {keyword}, by which no values can be drawn. Say it with other keywords (they are in "
            "docs/strategies.md), or draw with a strategy of yours."
        )
    dialect = schema.get("$schema", _DIALECT)
    if dialect.rstrip("#") != _DIALECT:
        raise StrategyError(
            f"{where} is of {dialect}. Values are drawn from draft 2020-12 only: leave $schema out and write the "
            "schema in that draft, or draw with a strategy of yours."
        )


def _check_ring(schemas: list[dict[str, Any]], targets: Targets, name: str, places: Mapping[int, Path]) -> None:
    """No schema needs itself for the very same value."""
    named = {id(one): f"{name}.{json_path(places[id(one)])}".rstrip(".") for one in schemas}
    around = ((one, [*beside(one, targets), one.get("not", True)]) for one in schemas)
    ring = cycle({named[id(one)]: [named[id(each)] for each in inner if id(each) in named] for one, inner in around})
    if ring:
        raise StrategyError(
            f"{name} refers to itself without end, for one and the same value:\n{listed(ring)}\n"
            "Refer to it from properties or items, or break the ring."
        )


def _parts(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Everything inside a JSON value with its path, itself first."""
    yield path, value
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in entries:
        yield from _parts(item, (*path, key))


def _schemas(root: Any) -> Iterator[tuple[dict[str, Any], Schema | None]]:
    """Every schema in the root that is a mapping, with the one that it refers to."""
    resource = Resource.from_contents(root, default_specification=DRAFT202012)
    rest = [(resource, REGISTRY.resolver_with_root(resource))]
    seen: set[int] = set()
    for resource, resolver in rest:
        schema = resource.contents
        if not isinstance(schema, dict) or id(schema) in seen:
            continue
        seen.add(id(schema))
        found = resolver.lookup(schema["$ref"]) if "$ref" in schema else None
        if found is not None:
            rest.append((Resource.from_contents(found.contents, default_specification=DRAFT202012), found.resolver))
        rest += [(inner, resolver.in_subresource(inner)) for inner in resource.subresources()]
        yield schema, found and found.contents


def _reference(name: str, written: str, path: Path | None) -> str:
    """The place as a JSON pointer from the root."""
    if path is None:
        raise StrategyError(f"{name} refers to {written!r}, which isn't a part of it. Copy that schema into its $defs.")
    keys = (str(key).replace("~", "~0").replace("/", "~1") for key in path)
    return "#" + "".join(f"/{quote(key, safe='~')}" for key in keys)
