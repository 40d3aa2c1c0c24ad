"""Objects: which keys one can have, and what the value behind each has to meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tasker_testkit.explore.strategies.arrays import joined
from tasker_testkit.explore.strategies.shapes import Demand, Demands, Keys, Odd, Shape
from tasker_testkit.explore.strategies.sources import Source

Possible = Callable[[Demands], bool]

TEXT: Final = Demand({"type": "string"})
"""What every key is."""


def demands_of(shape: Shape, key: str, odd: Odd | None = None) -> Demands:
    """What the value behind a key has to meet; ``odd``: as the one key that is different."""
    rules = tuple(rule.demand for rule in shape.rules if key in rule.keys and (odd is None or rule != odd.exempt))
    return joined(rules, odd.value if odd else ())


def names_of(shape: Shape, odd: Odd | None = None) -> Demands:
    """What a key itself has to meet."""
    return joined(tuple(one for one in shape.names if odd is None or one != odd.exempt), odd.name if odd else ())


def known(shape: Shape) -> list[str]:
    """The keys that the shape names, without those that must be absent, in its order."""
    named = [rule.keys.name for rule in shape.rules if rule.keys.name is not None]
    return [key for key in dict.fromkeys((*named, *shape.required)) if key not in shape.absent]


def allowed(shape: Shape, can_be: Possible, source: Source, odd: Odd | None = None) -> list[str]:
    """Those of the known keys that can be there; ``odd``: that can be the one that is different."""
    names = names_of(shape, odd)
    return [
        key
        for key in known(shape)
        if (odd is None or key in odd.keys) and source.obeys(key, names) and can_be(demands_of(shape, key, odd))
    ]


def families(shape: Shape, can_be: Possible, odd: Odd | None = None) -> list[Keys]:
    """The kinds of further keys that can be there: any, or those of a pattern; ``odd``: those that can be it."""
    wanted = [Keys(), *(rule.keys for rule in shape.rules if rule.keys.pattern is not None)]
    if odd is not None and (odd.keys.pattern or odd.keys.but or odd.keys.nor):
        wanted = [odd.keys]
    return [
        keys
        for keys in dict.fromkeys(wanted)
        if can_be(joined(_typical(shape, keys, odd), odd.value if odd else ()))
        and can_be(name_demands(shape, keys, odd))
    ]


def name_demands(shape: Shape, keys: Keys, odd: Odd | None = None) -> Demands:
    """What a further key of that kind has to meet."""
    return joined((TEXT,), names_of(shape, odd), (_matching(keys.pattern),) if keys.pattern else ())


def possible(shape: Shape, can_be: Possible, source: Source) -> bool:
    """Whether there is an object of the shape: its required and odd keys can be there, and enough others."""
    usable = allowed(shape, can_be, source)
    odd_keys = [odd for odd in shape.odds if allowed(shape, can_be, source, odd) or families(shape, can_be, odd)]
    if len(odd_keys) < len(shape.odds) or not {*shape.required} <= {*usable, *_odd_names(shape, can_be, source)}:
        return False
    fewest = max(len(shape.required), min(len(shape.odds), 1))
    enough = len(usable) + len(shape.odds) >= shape.fewest_keys or bool(families(shape, can_be))
    return fewest <= shape.most_keys and enough


def _odd_names(shape: Shape, can_be: Possible, source: Source) -> Iterator[str]:
    """The keys that can be there as odd ones."""
    for odd in shape.odds:
        yield from allowed(shape, can_be, source, odd)


def _typical(shape: Shape, keys: Keys, odd: Odd | None) -> Demands:
    """What the value of a key has to meet that no rule names; of patterns only its own."""
    pattern = keys.pattern
    return joined(
        tuple(
            rule.demand
            for rule in shape.rules
            if rule.keys.name is None
            and (odd is None or rule != odd.exempt)
            and (rule.keys.pattern == pattern if rule.keys.pattern is not None else pattern not in rule.keys.nor)
        )
    )


_MATCHING: Final[dict[str, Demand]] = {}


def _matching(pattern: str) -> Demand:
    """The demand to match a pattern, the same one whenever it's asked for."""
    return _MATCHING.setdefault(pattern, Demand({"type": "string", "pattern": pattern}))
