"""What a value must be, said by keywords that all hold at once: facets, which meet facet by facet."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal

Schema = dict[str, Any] | bool
Mood = Literal["fit", "fail", "miss"]
"""Fit a schema; violate it anyhow; violate it in exactly one way."""

TYPES: Final = ("null", "boolean", "integer", "fraction", "string", "array", "object")
"""The types of JSON, simplest first; a number is an ``integer`` (``1.0`` too) or a ``fraction``."""
NUMBERS: Final = frozenset(("integer", "fraction"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Demand:
    """What a value has to do with a schema. Two are equal if they are about the same place of the same schema."""

    schema: Schema
    mood: Mood = "fit"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Demand) and self.schema is other.schema and self.mood == other.mood

    def __hash__(self) -> int:
        return hash((id(self.schema), self.mood))

    def __repr__(self) -> str:
        return f"<{self.mood} {self.schema!r:.60}>"


Demands = tuple[Demand, ...]


@dataclass(frozen=True, slots=True)
class ItemRule:
    """Every item from index ``start`` on and before ``stop`` obeys the demand."""

    start: int
    stop: float
    demand: Demand


@dataclass(frozen=True, slots=True)
class Quota:
    """Of the items from index ``start`` on, ``least`` to ``most`` are ``inside``; all others are ``outside``."""

    start: int
    inside: Demands
    outside: Demands
    least: int
    most: float


@dataclass(frozen=True, slots=True)
class Keys:
    """Some keys of objects: one name, or those that match a pattern, or (without both) what is left by others."""

    name: str | None = None
    pattern: str | None = None
    but: tuple[str, ...] = ()
    nor: tuple[str, ...] = ()

    def __contains__(self, key: str) -> bool:
        if self.name is not None:
            return key == self.name
        if self.pattern is not None:
            return re.search(self.pattern, key) is not None
        return key not in self.but and not any(re.search(pattern, key) for pattern in self.nor)


@dataclass(frozen=True, slots=True)
class Rule:
    """The value of every one of these keys obeys the demand."""

    keys: Keys
    demand: Demand


@dataclass(frozen=True, slots=True)
class Odd:
    """One key more, of ``keys``, which obeys ``name``, with a value that obeys ``value``.

    ``exempt`` is what the key itself is excepted from: a rule, or a demand on keys.
    """

    keys: Keys
    name: Demands = ()
    value: Demands = ()
    exempt: Rule | Demand | None = None


def fingerprint(value: Any) -> Any:
    """The same hashable thing for values that are equal in JSON: 1 and 1.0 are, 1 and true aren't."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return ("object", frozenset((key, fingerprint(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("array", tuple(fingerprint(item) for item in value))
    return value


def type_of(value: Any) -> str:
    """Which of TYPES a JSON value has."""
    if isinstance(value, float):
        return "integer" if value.is_integer() else "fraction"
    return _PYTHON[type(value)]


_PYTHON: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    str: "string",
    list: "array",
    dict: "object",
}


def _both(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*ours, *theirs)))


def _added(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> tuple[Any, ...]:
    return ours + theirs


def _shared(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> tuple[Any, ...]:
    known = {fingerprint(value) for value in theirs}
    return tuple(value for value in ours if fingerprint(value) in known)


_ALL: Final = {"meet": frozenset.__and__}
_SHARED: Final = {"meet": _shared}
_BOTH: Final = {"meet": _both}
_ADDED: Final = {"meet": _added}
_EITHER: Final = {"meet": bool.__or__}
_LARGER: Final = {"meet": max}
_SMALLER: Final = {"meet": min}


@dataclass(frozen=True, slots=True)
class Shape:
    """One conjunction of facets. A facet of a type says nothing about values of other types.

    ``low`` and ``high`` are (bound, 1 or -1 if the bound itself is out, else 0).
    """

    types: frozenset[str] = field(default=frozenset(TYPES), metadata=_ALL, repr=False)
    values: tuple[Any, ...] | None = field(default=None, metadata=_SHARED, repr=False)
    excluded: tuple[Any, ...] = field(default=(), metadata=_ADDED, repr=False)
    low: tuple[float, int] | None = field(default=None, metadata=_LARGER, repr=False)
    high: tuple[float, int] | None = field(default=None, metadata=_SMALLER, repr=False)
    multiples: tuple[float, ...] = field(default=(), metadata=_BOTH, repr=False)
    not_multiples: tuple[float, ...] = field(default=(), metadata=_BOTH, repr=False)
    shortest: int = field(default=0, metadata=_LARGER, repr=False)
    longest: float = field(default=math.inf, metadata=_SMALLER, repr=False)
    patterns: tuple[str, ...] = field(default=(), metadata=_BOTH, repr=False)
    not_patterns: tuple[str, ...] = field(default=(), metadata=_BOTH, repr=False)
    formats: tuple[str, ...] = field(default=(), metadata=_BOTH, repr=False)
    not_formats: tuple[str, ...] = field(default=(), metadata=_BOTH, repr=False)
    fewest_items: int = field(default=0, metadata=_LARGER, repr=False)
    most_items: float = field(default=math.inf, metadata=_SMALLER, repr=False)
    unique: bool = field(default=False, metadata=_EITHER, repr=False)
    twins: bool = field(default=False, metadata=_EITHER, repr=False)
    items: tuple[ItemRule, ...] = field(default=(), metadata=_BOTH, repr=False)
    quotas: tuple[Quota, ...] = field(default=(), metadata=_BOTH, repr=False)
    fewest_keys: int = field(default=0, metadata=_LARGER, repr=False)
    most_keys: float = field(default=math.inf, metadata=_SMALLER, repr=False)
    required: tuple[str, ...] = field(default=(), metadata=_BOTH, repr=False)
    absent: tuple[str, ...] = field(default=(), metadata=_BOTH, repr=False)
    names: Demands = field(default=(), metadata=_BOTH, repr=False)
    rules: tuple[Rule, ...] = field(default=(), metadata=_BOTH, repr=False)
    odds: tuple[Odd, ...] = field(default=(), metadata=_ADDED, repr=False)

    def meet(self, other: Shape) -> Shape | None:
        """What obeys both; None if that is nothing, as far as it shows."""
        changed = {}
        for name, default, combined in _FACETS:
            theirs = getattr(other, name)
            if theirs is not default:
                ours = getattr(self, name)
                changed[name] = theirs if ours is default else combined(ours, theirs)
        return _narrowed(replace(self, **changed))


_FACETS: Final = tuple((facet.name, facet.default, facet.metadata["meet"]) for facet in fields(Shape))


def _no_number(shape: Shape) -> bool:
    if shape.low is None or shape.high is None:
        return False
    (low, above), (high, below) = shape.low, shape.high
    return low > high or (low == high and bool(above or below))


def _no_object(shape: Shape) -> bool:
    return max(shape.fewest_keys, len(shape.required)) > shape.most_keys or bool({*shape.required} & {*shape.absent})


_RULED_OUT: Final[tuple[tuple[frozenset[str], Callable[[Shape], bool]], ...]] = (
    (NUMBERS, _no_number),
    (frozenset(("string",)), lambda shape: shape.shortest > shape.longest),
    (frozenset(("array",)), lambda shape: shape.fewest_items > shape.most_items or (shape.unique and shape.twins)),
    (frozenset(("object",)), _no_object),
)
"""Types whose own facets leave nothing of them."""


def _narrowed(shape: Shape) -> Shape | None:
    types = shape.types
    for out, is_out in _RULED_OUT:
        if types & out and is_out(shape):
            types -= out
    if not types or shape.values == ():
        return None
    return shape if types == shape.types else replace(shape, types=types)
