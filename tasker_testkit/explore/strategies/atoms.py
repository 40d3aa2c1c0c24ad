"""What a schema asserts, one atom at a time: how each holds, and how it is broken.

Whoever wants all of a schema lets all its atoms hold; whoever wants a near miss breaks one and lets the others hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from tasker_testkit.explore.strategies.shapes import NUMBERS, TYPES, Demand, Mood, Schema, Shape


class Choice(NamedTuple):
    """At least one of the alternatives holds, all its parts at once; without any, nothing does."""

    alternatives: tuple[Alternative, ...]


Part = Shape | Demand | Choice
Alternative = tuple[Part, ...]


class Atom(NamedTuple):
    """One assertion: the ways in which it holds, and those in which it's broken, in the wanted mood of failing."""

    holds: tuple[Alternative, ...]
    broken: Callable[[Mood], tuple[Alternative, ...]]


Atoms = Iterator[Atom]
Keyword = Callable[[Any, dict[str, Any]], Atoms]
"""From a keyword's value and the schema around it to what it asserts."""

STRING: Final = frozenset(("string",))
ARRAY: Final = frozenset(("array",))
OBJECT: Final = frozenset(("object",))


def plain(holds: Shape, broken: Shape) -> Atom:
    """An atom that is one shape, and another where it's broken."""
    return Atom(((holds,),), lambda mood: ((broken,),))


def nested(schema: Schema) -> Atom:
    """What a schema for the same value asserts, in one piece."""
    return Atom(((Demand(schema),),), lambda mood: ((Demand(schema, mood),),))


def _types(value: str | list[str]) -> tuple[Shape, Shape]:
    names = {value} if isinstance(value, str) else {*value}
    types = names & {*TYPES} | (NUMBERS if "number" in names else set())
    return Shape(types=frozenset(types)), Shape(types=frozenset(TYPES) - types)


PLAIN: Final[Mapping[str, Callable[[Any], tuple[Shape, Shape]]]] = {
    "type": _types,
    "enum": lambda values: (Shape(values=(*values,)), Shape(excluded=(*values,))),
    "const": lambda value: (Shape(values=(value,)), Shape(excluded=(value,))),
    "minimum": lambda bound: (Shape(low=(bound, 0)), Shape(types=NUMBERS, high=(bound, -1))),
    "maximum": lambda bound: (Shape(high=(bound, 0)), Shape(types=NUMBERS, low=(bound, 1))),
    "exclusiveMinimum": lambda bound: (Shape(low=(bound, 1)), Shape(types=NUMBERS, high=(bound, 0))),
    "exclusiveMaximum": lambda bound: (Shape(high=(bound, -1)), Shape(types=NUMBERS, low=(bound, 0))),
    "multipleOf": lambda step: (Shape(multiples=(step,)), Shape(types=NUMBERS, not_multiples=(step,))),
    "minLength": lambda least: (Shape(shortest=least), Shape(types=STRING, longest=least - 1)),
    "maxLength": lambda most: (Shape(longest=most), Shape(types=STRING, shortest=most + 1)),
    "pattern": lambda text: (Shape(patterns=(text,)), Shape(types=STRING, not_patterns=(text,))),
    "format": lambda name: (Shape(formats=(name,)), Shape(types=STRING, not_formats=(name,))),
    "minItems": lambda least: (Shape(fewest_items=least), Shape(types=ARRAY, most_items=least - 1)),
    "maxItems": lambda most: (Shape(most_items=most), Shape(types=ARRAY, fewest_items=most + 1)),
    "uniqueItems": lambda on: (Shape(unique=on), Shape(types=ARRAY if on else frozenset(), twins=True)),
    "minProperties": lambda least: (Shape(fewest_keys=least), Shape(types=OBJECT, most_keys=least - 1)),
    "maxProperties": lambda most: (Shape(most_keys=most), Shape(types=OBJECT, fewest_keys=most + 1)),
}
"""Keywords that are one atom each, of two shapes: where the keyword holds, and where it's broken."""
