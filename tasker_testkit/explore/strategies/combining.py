"""Keywords that combine schemas for the same value: ``allOf``, ``anyOf``, ``oneOf``, ``not``, ``if``."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any, Final

from tasker_testkit.explore.strategies.atoms import Alternative, Atom, Atoms, Keyword, nested
from tasker_testkit.explore.strategies.shapes import Demand, Demands, Mood, Schema


def _all_of(schemas: list[Schema], around: dict[str, Any]) -> Atoms:
    yield from map(nested, schemas)


def _any_of(schemas: list[Schema], around: dict[str, Any]) -> Atoms:
    yield Atom(tuple((Demand(one),) for one in schemas), lambda mood: _none(schemas, mood))


def _one_of(schemas: list[Schema], around: dict[str, Any]) -> Atoms:
    """Broken where none fits, or two do."""
    alone = tuple((Demand(one), *_failing(schemas, but=number)) for number, one in enumerate(schemas))
    two = tuple((Demand(one), Demand(other)) for one, other in combinations(schemas, 2))
    yield Atom(alone, lambda mood: (*_none(schemas, mood), *two))


def _none(schemas: list[Schema], mood: Mood) -> tuple[Alternative, ...]:
    """None of the schemas fits; in a near miss, one of them nearly."""
    near = tuple((Demand(one, "miss"), *_failing(schemas, but=number)) for number, one in enumerate(schemas))
    return (*(near if mood == "miss" else ()), _failing(schemas))


def _failing(schemas: list[Schema], *, but: int | None = None) -> Demands:
    return tuple(Demand(schema, "fail") for number, schema in enumerate(schemas) if number != but)


def _not(schema: Schema, around: dict[str, Any]) -> Atoms:
    yield Atom(((Demand(schema, "fail"),),), lambda mood: ((Demand(schema),),))


def _if(schema: Schema, around: dict[str, Any]) -> Atoms:
    then, otherwise = around.get("then", True), around.get("else", True)
    yes, no = Demand(schema), Demand(schema, "fail")
    yield Atom(
        ((yes, Demand(then)), (no, Demand(otherwise))),
        lambda mood: ((yes, Demand(then, mood)), (no, Demand(otherwise, mood))),
    )


COMBINING: Final[Mapping[str, Keyword]] = {
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
