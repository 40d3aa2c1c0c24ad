"""From demands on one value to the shapes that meet them all, and the question whether there is such a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from tasker_testkit.explore.strategies import arrays, numbers, objects, texts
from tasker_testkit.explore.strategies.atoms import Choice, Part
from tasker_testkit.explore.strategies.keywords import atoms_of
from tasker_testkit.explore.strategies.shapes import TYPES, Demand, Demands, Shape, fingerprint, type_of
from tasker_testkit.explore.strategies.sources import Source

Pick = Callable[[int], int]
"""Which of so many alternatives to try first."""

_PATIENCE: Final = 3_000
"""So many combinations of alternatives are tried until nothing seems to fit."""


class Solver:
    """What can be drawn from one source; what was worked out once is kept."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._parts: dict[Demand, tuple[Part, ...]] = {}
        self._possible: dict[tuple[Demands, int], bool] = {}

    def shapes(self, demands: Demands, pick: Pick = lambda number: 0) -> Iterator[Shape]:
        """The shapes of values that meet all demands; the first ones first, or those that ``pick`` prefers."""
        return self._unfolded(Shape(), demands, (), pick, count())

    def possible(self, demands: Demands, depth: int) -> bool:
        """Whether a value with at most so many containers inside each other meets the demands, as far as it shows."""
        if not demands:
            return True
        key = (demands, depth)
        if key not in self._possible:
            self._possible[key] = any(self.kinds(shape, demands, depth) for shape in self.shapes(demands))
        return self._possible[key]

    def kinds(self, shape: Shape, demands: Demands, depth: int) -> tuple[str, ...]:
        """Which TYPES a value of the shape can have; ``values`` where only listed ones are possible."""
        if shape.values is not None:
            return ("values",) if self.listed(shape, demands) else ()
        return tuple(kind for kind in TYPES if kind in shape.types and self._can_be(kind, shape, depth))

    def listed(self, shape: Shape, demands: Demands) -> list[object]:
        """Which of the shape's listed values meet everything."""
        out = {fingerprint(value) for value in shape.excluded}
        return [
            value
            for value in shape.values or ()
            if type_of(value) in shape.types and fingerprint(value) not in out and self.source.obeys(value, demands)
        ]

    def _can_be(self, kind: str, shape: Shape, depth: int) -> bool:
        if kind in ("null", "boolean"):
            return bool(constants(kind, shape))
        if kind == "string":
            return texts.possible(shape)
        if kind == "array":
            return depth > 0 and arrays.shortest(shape, self.asking(depth - 1)) is not None
        if kind == "object":
            return depth > 0 and objects.possible(shape, self.asking(depth - 1), self.source)
        return numbers.possible(shape, kind)

    def asking(self, depth: int) -> Callable[[Demands], bool]:
        """The question whether demands are possible, for that many containers."""
        return lambda demands: self.possible(demands, depth)

    def _unfolded(
        self,
        shape: Shape,
        parts: tuple[Part, ...],
        choices: tuple[Choice, ...],
        pick: Pick,
        steps: Iterator[int],
    ) -> Iterator[Shape]:
        """Settle what leaves no choice, then try one choice after the other."""
        stack = list(reversed(parts))
        while stack:
            part = stack.pop()
            if isinstance(part, Shape):
                met = shape.meet(part)
                if met is None:
                    return
                shape = met
            elif isinstance(part, Choice):
                choices = (*choices, part)
            else:
                stack += reversed(self._parts_of(part))
        if not choices:
            yield shape
            return
        options = choices[0].alternatives
        first = pick(len(options)) if len(options) > 1 else 0
        for option in options[first:] + options[:first]:
            if next(steps) < _PATIENCE:
                yield from self._unfolded(shape, option, choices[1:], pick, steps)

    def _parts_of(self, demand: Demand) -> tuple[Part, ...]:
        if demand not in self._parts:
            self._parts[demand] = self._taken_apart(demand)
        return self._parts[demand]

    def _taken_apart(self, demand: Demand) -> tuple[Part, ...]:
        schema, mood = demand.schema, demand.mood
        if isinstance(schema, bool):
            return () if schema == (mood == "fit") else (Choice(()),)
        atoms = list(atoms_of(schema, self.source.targets))
        holding = [_held(atom.holds) for atom in atoms]
        if mood == "fit":
            return tuple(part for parts in holding for part in parts)
        broken = [[*atom.broken(mood)] for atom in atoms]
        if mood == "fail":
            return (Choice(tuple(option for options in broken for option in options)),)
        others = [
            tuple(part for other, parts in enumerate(holding) if other != number for part in parts)
            for number in range(len(atoms))
        ]
        return (
            Choice(tuple((*option, *rest) for options, rest in zip(broken, others, strict=True) for option in options)),
        )


def constants(kind: str, shape: Shape) -> list[bool | None]:
    """null, or false and true, without what is excluded."""
    out = {fingerprint(value) for value in shape.excluded}
    known: list[bool | None] = [None] if kind == "null" else [False, True]
    return [value for value in known if fingerprint(value) not in out]


def _held(options: tuple[tuple[Part, ...], ...]) -> tuple[Part, ...]:
    return options[0] if len(options) == 1 else (Choice(options),)
