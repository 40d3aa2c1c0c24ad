"""Arrays and objects, filled item by item and key by key."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from hypothesis import reject
from hypothesis import strategies as st

from tasker_testkit.explore.strategies.arrays import joined, layout, pairs, shortest
from tasker_testkit.explore.strategies.objects import allowed, demands_of, families, known, name_demands
from tasker_testkit.explore.strategies.shapes import Demands, Keys, Odd, Shape, fingerprint
from tasker_testkit.explore.strategies.sieve import TRIES, Draw

if TYPE_CHECKING:
    from tasker_testkit.explore.strategies.drawing import Drawing

_SPARE: Final = (1, 1, 2, 3, 5)
"""So many more items or keys than needed, at most, by how many containers may still follow."""


@st.composite
def arrays_of(draw: Draw, drawing: Drawing, shape: Shape, depth: int) -> list[Any]:
    """Arrays of a shape, towards short ones of simple items; ``depth`` containers may follow inside."""
    can_be = drawing.solver.asking(depth)
    least = shortest(shape, can_be) or 0
    spare = 1 if shape.unique and shape.quotas else _spare(depth)
    length = draw(st.integers(least, int(min(least + spare, max(shape.most_items, least)))))
    slots = layout(shape, length, can_be, lambda *given: _chosen(draw, *given)) or layout(shape, least, can_be) or []
    items = _items(draw, drawing, slots, shape.unique, depth)
    if len(items) < (len(slots) if shape.quotas else least):
        reject()
    if shape.twins:
        one, other = draw(st.sampled_from(pairs(slots, can_be)))
        items[one] = draw(drawing.place(joined(slots[one], slots[other]), depth))
        items[other] = deepcopy(items[one])
    return items


def _items(draw: Draw, drawing: Drawing, slots: Sequence[Demands], unique: bool, depth: int) -> list[Any]:
    """An item for each slot; where they have to be unique, as many as are found."""
    items: list[Any] = []
    seen = set()
    for slot in slots:
        for _ in range(TRIES):
            item = draw(drawing.place(slot, depth))
            if not unique or fingerprint(item) not in seen:
                break
        else:
            break
        seen.add(fingerprint(item))
        items.append(item)
    return items


def _chosen(draw: Draw, indexes: Sequence[int], least: int, most: int) -> set[int]:
    if not indexes or most <= 0:
        return set()
    return set(draw(st.lists(st.sampled_from(indexes), min_size=least, max_size=most, unique=True)))


@st.composite
def objects_of(draw: Draw, drawing: Drawing, shape: Shape, depth: int) -> dict[str, Any]:
    """Objects of a shape, towards few keys; ``depth`` containers may follow inside."""
    values = _Keys(draw, drawing, shape, depth).chosen()
    ordered = dict.fromkeys((*(key for key in known(shape) if key in values), *values))
    return {key: draw(drawing.place(values[key], depth)) for key in ordered}


class _Keys:
    """The keys of one object under way, with what their values have to meet."""

    def __init__(self, draw: Draw, drawing: Drawing, shape: Shape, depth: int) -> None:
        self._draw, self._drawing, self._shape, self._depth = draw, drawing, shape, depth
        self._can_be = drawing.solver.asking(depth)
        self._usable = allowed(shape, self._can_be, drawing.source)
        self._values: dict[str, Demands] = {}

    def chosen(self) -> dict[str, Demands]:
        """Odd keys, required ones, some of the others, and further ones."""
        for odd in self._shape.odds:
            self._add(self._odd(odd), odd)
        rest = [key for key in self._usable if key not in self._values]
        for key in rest:
            if key in self._shape.required or (self._room() > self._needed() and self._draw(st.booleans())):
                self._add(key)
        for key in rest:
            if self._missing() > 0 and key not in self._values:
                self._add(key)
        self._further()
        if self._missing() > 0 or self._room() < 0 or not {*self._shape.required} <= {*self._values}:
            reject()
        return self._values

    def _add(self, key: str, odd: Odd | None = None) -> None:
        self._values[key] = demands_of(self._shape, key, odd)

    def _room(self) -> float:
        return self._shape.most_keys - len(self._values)

    def _missing(self) -> int:
        return self._shape.fewest_keys - len(self._values)

    def _needed(self) -> int:
        return sum(key not in self._values for key in self._shape.required)

    def _odd(self, odd: Odd) -> str:
        """A key that is different: one of the known, or one more."""
        known_ones = [key for key in allowed(self._shape, self._can_be, self._drawing.source, odd)]
        kinds: list[str | Keys] = [*families(self._shape, self._can_be, odd), *known_ones]
        kinds = [kind for kind in kinds if kind not in self._values]
        kind = self._draw(st.sampled_from(kinds)) if kinds else reject()
        return kind if isinstance(kind, str) else self._one_more(kind, odd) or reject()

    def _further(self) -> None:
        """Keys that nobody names: as many as are missing, and a few."""
        kinds = families(self._shape, self._can_be)
        least = max(self._missing(), 0)
        few = 1 if self._usable or self._shape.odds else _spare(self._depth)
        most = int(min(least + few, max(self._room(), least)))
        for _ in range(self._draw(st.integers(least, most)) if kinds and most > 0 else 0):
            key = self._one_more(self._draw(st.sampled_from(kinds)))
            if key is not None:
                self._add(key)

    def _one_more(self, keys: Keys, odd: Odd | None = None) -> str | None:
        """A key that isn't known, with a value that can be; None if none is found."""
        shape = self._shape
        names = self._drawing.place(name_demands(shape, keys, odd), 0)
        out = {*known(shape), *shape.absent, *self._values}
        for _ in range(TRIES):
            key: str = self._draw(names)
            if key not in out and key in keys and self._can_be(demands_of(shape, key, odd)):
                return key
        return None


def _spare(depth: int) -> int:
    return _SPARE[min(depth, len(_SPARE) - 1)]
