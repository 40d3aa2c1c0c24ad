"""Arrays: how long one can be, and what each of its items has to meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tasker_testkit.explore.strategies.shapes import Demands, Quota, Shape

Possible = Callable[[Demands], bool]
Choose = Callable[[Sequence[int], int, int], set[int]]
"""From indexes, some of them: at least so many, at most so many."""


def shortest(shape: Shape, can_be: Possible) -> int | None:
    """The least length that an array of the shape can have, None if there is none."""
    first = max(shape.fewest_items, 2 if shape.twins else 0, *(one.start + one.least for one in shape.quotas), 0)
    breaks = [rule.start for rule in shape.items] + [quota.start for quota in shape.quotas]
    last = min(shape.most_items, max(first, *breaks, 0) + len(shape.quotas) + 1)
    for length in range(first, int(last) + 1):
        if layout(shape, length, can_be) is not None:
            return length
    return None


def layout(shape: Shape, length: int, can_be: Possible, choose: Choose | None = None) -> list[Demands] | None:
    """What each item of an array so long has to meet, the quotas dealt out; None if it can't be."""
    slots = [_demands_at(shape, index) for index in range(length)]
    for quota in shape.quotas:
        chosen = _dealt(quota, slots, can_be, choose or _first)
        if chosen is None:
            return None
        for index in range(quota.start, length):
            slots[index] = joined(slots[index], quota.inside if index in chosen else quota.outside)
    if not all(map(can_be, slots)) or (shape.twins and not pairs(slots, can_be)):
        return None
    return slots


def pairs(slots: list[Demands], can_be: Possible) -> list[tuple[int, int]]:
    """Which two items can be the same."""
    able = [(one, other) for other in range(len(slots)) for one in range(other)]
    return [pair for pair in able if can_be(joined(slots[pair[0]], slots[pair[1]]))]


def joined(*several: Demands) -> Demands:
    """All these demands, each once."""
    return tuple(dict.fromkeys(one for demands in several for one in demands))


def _demands_at(shape: Shape, index: int) -> Demands:
    return joined(tuple(rule.demand for rule in shape.items if rule.start <= index < rule.stop))


def _dealt(quota: Quota, slots: list[Demands], can_be: Possible, choose: Choose) -> set[int] | None:
    """Which items are inside the quota; those that can't be outside must be."""
    places = range(quota.start, len(slots))
    able = [index for index in places if can_be(joined(slots[index], quota.inside))]
    forced = [index for index in places if not can_be(joined(slots[index], quota.outside))]
    most = int(min(quota.most, len(able)))
    if not {*forced} <= {*able} or max(len(forced), quota.least) > most:
        return None
    free = [index for index in able if index not in forced]
    return {*forced, *choose(free, max(quota.least - len(forced), 0), most - len(forced))}


def _first(indexes: Sequence[int], least: int, most: int) -> set[int]:
    return set(indexes[:least])
