"""Keywords about what is inside arrays and objects: their items, keys and the values behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from tasker_testkit.explore.strategies.atoms import ARRAY, OBJECT, Alternative, Atom, Atoms, Keyword, plain
from tasker_testkit.explore.strategies.shapes import (
    Demand,
    ItemRule,
    Keys,
    Mood,
    Odd,
    Quota,
    Rule,
    Schema,
    Shape,
)


def items_from(start: int, schema: Schema) -> Atom:
    """All items from an index on fit the schema; in a near miss all but one do."""
    fit = Demand(schema)

    def broken(mood: Mood) -> tuple[Alternative, ...]:
        bad = (Demand(schema, mood),)
        odd = Quota(start, bad, (fit,), 1, 1) if mood == "miss" else Quota(start, bad, (), 1, math.inf)
        return ((Shape(types=ARRAY, quotas=(odd,)),),)

    return Atom(((Shape(items=(ItemRule(start, math.inf, fit),)),),), broken)


def values_of(keys: Keys, schema: Schema) -> Atom:
    """The values of these keys fit the schema; in a near miss all but one do."""
    rule = Rule(keys, Demand(schema))

    def broken(mood: Mood) -> tuple[Alternative, ...]:
        bad = (Demand(schema, mood),)
        if mood == "fail":
            return ((Shape(types=OBJECT, odds=(Odd(keys, value=bad),)),),)
        return ((Shape(types=OBJECT, rules=(rule,), odds=(Odd(keys, value=bad, exempt=rule),)),),)

    return Atom(((Shape(rules=(rule,)),),), broken)


def _prefix_items(schemas: list[Schema], around: dict[str, Any]) -> Atoms:
    for index, schema in enumerate(schemas):
        yield _item(index, schema)


def _item(index: int, schema: Schema) -> Atom:
    def shape(mood: Mood) -> Shape:
        return Shape(items=(ItemRule(index, index + 1, Demand(schema, mood)),))

    there = Shape(types=ARRAY, fewest_items=index + 1)
    return Atom(((shape("fit"),),), lambda mood: ((there, shape(mood)),))


def _items(schema: Schema, around: dict[str, Any]) -> Atoms:
    yield items_from(len(around.get("prefixItems", ())), schema)


def _contains(schema: Schema, around: dict[str, Any]) -> Atoms:
    """So many items fit; ``minContains`` and ``maxContains`` stand beside it."""
    least, most = around.get("minContains", 1), around.get("maxContains", math.inf)
    inside, outside = (Demand(schema),), (Demand(schema, "fail"),)

    def so_many(low: int, high: float) -> Shape:
        return Shape(quotas=(Quota(0, inside, () if high == math.inf else outside, low, high),))

    def broken(mood: Mood) -> tuple[Alternative, ...]:
        few = ((array, so_many(0, least - 1)),) if least else ()
        return (*few, (array, so_many(int(most) + 1, math.inf))) if most < math.inf else few

    array = Shape(types=ARRAY)
    yield Atom(((so_many(least, most),) if least <= most else (Shape(most_items=-1),),), broken)


def _properties(schemas: dict[str, Schema], around: dict[str, Any]) -> Atoms:
    for name, schema in schemas.items():
        yield _property(name, schema)


def _property(name: str, schema: Schema) -> Atom:
    def shape(mood: Mood) -> Shape:
        return Shape(rules=(Rule(Keys(name), Demand(schema, mood)),))

    there = Shape(types=OBJECT, required=(name,))
    return Atom(((shape("fit"),),), lambda mood: ((there, shape(mood)),))


def _pattern_properties(schemas: dict[str, Schema], around: dict[str, Any]) -> Atoms:
    for pattern, schema in schemas.items():
        yield values_of(Keys(pattern=pattern), schema)


def _additional_properties(schema: Schema, around: dict[str, Any]) -> Atoms:
    rest = Keys(but=(*around.get("properties", ()),), nor=(*around.get("patternProperties", ()),))
    yield values_of(rest, schema)


def _property_names(schema: Schema, around: dict[str, Any]) -> Atoms:
    fit = Demand(schema)

    def broken(mood: Mood) -> tuple[Alternative, ...]:
        bad = (Demand(schema, mood),)
        if mood == "fail":
            return ((Shape(types=OBJECT, odds=(Odd(Keys(), name=bad),)),),)
        return ((Shape(types=OBJECT, names=(fit,), odds=(Odd(Keys(), name=bad, exempt=fit),)),),)

    yield Atom(((Shape(names=(fit,)),),), broken)


def _required(names: list[str], around: dict[str, Any]) -> Atoms:
    for name in dict.fromkeys(names):
        yield plain(Shape(required=(name,)), Shape(types=OBJECT, absent=(name,)))


def _dependent_required(table: dict[str, list[str]], around: dict[str, Any]) -> Atoms:
    for name, others in table.items():
        for other in others:
            yield _pair(name, other)


def _pair(name: str, other: str) -> Atom:
    """With one key comes another."""
    broken = Shape(types=OBJECT, required=(name,), absent=(other,))
    return Atom(((Shape(absent=(name,)),), (Shape(required=(name, other)),)), lambda mood: ((broken,),))


def _dependent_schemas(schemas: dict[str, Schema], around: dict[str, Any]) -> Atoms:
    for name, schema in schemas.items():
        yield _dependent(name, schema)


def _dependent(name: str, schema: Schema) -> Atom:
    there = Shape(required=(name,))
    return Atom(
        ((Shape(absent=(name,)),), (there, Demand(schema))),
        lambda mood: ((Shape(types=OBJECT), there, Demand(schema, mood)),),
    )


MEMBERS: Final[Mapping[str, Keyword]] = {
    "prefixItems": _prefix_items,
    "items": _items,
    "contains": _contains,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "propertyNames": _property_names,
    "required": _required,
    "dependentRequired": _dependent_required,
    "dependentSchemas": _dependent_schemas,
}
