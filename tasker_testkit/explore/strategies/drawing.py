"""Values of schemas as Hypothesis strategies."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from hypothesis import reject
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, UnsatisfiedAssumption

from tasker_testkit.errors import StrategyError
from tasker_testkit.explore.strategies import filling, numbers, texts
from tasker_testkit.explore.strategies.shapes import Demands, Shape, fingerprint
from tasker_testkit.explore.strategies.sieve import TRIES, Draw, sifted
from tasker_testkit.explore.strategies.solving import Solver, constants
from tasker_testkit.explore.strategies.sources import Source
from tasker_testkit.model.loading.sanitising import DEEPEST
from tasker_testkit.model.loading.values import DEEPEST as DEEPEST_JSON

Judge = Callable[[Any], bool]

_DEPTHS: Final = (5, DEEPEST, DEEPEST_JSON)
"""Containers inside each other: as many as is readable, as Tasker takes, as JSON may have; the first that will do."""
_ANYTHING: Final = 2
"""So many where nothing is demanded."""
_MANY: Final = 32
"""From so many shapes on, a place's strategy works one out for each value."""
_PATIENCE: Final = 30
"""So often nothing fits in a row until the schema is said to be too hard; Hypothesis itself gives up at 50."""


class Drawing:
    """Values that meet demands, from one source; the strategy of each place in it is made once."""

    def __init__(self, source: Source) -> None:
        self.solver = Solver(source)
        self.source = source
        self._made: dict[tuple[Demands, int], st.SearchStrategy[Any]] = {}

    def values(self, demands: Demands, judge: Judge) -> st.SearchStrategy[Any]:
        """Values that meet the demands and that ``judge`` accepts. Raises StrategyError if there seem to be none."""
        depth = self._depth(demands)
        if depth is None:
            raise StrategyError(
                f"There seems to be no value for {self}: its keywords exclude each other, or want values inside values "
                "without end. Change the schema, or draw with a strategy of yours."
            )
        return values_of(_Search(self.source.name, self.place(demands, depth), judge))

    def can_be(self, demands: Demands) -> bool:
        """Whether there seem to be values that meet the demands."""
        return self._depth(demands) is not None

    def _depth(self, demands: Demands) -> int | None:
        """How deep values may be; asked from below, so that each answer rests on the one before."""
        least = next((depth for depth in range(DEEPEST_JSON + 1) if self.solver.possible(demands, depth)), None)
        return None if least is None else next(depth for depth in _DEPTHS if depth >= least)

    def place(self, demands: Demands, depth: int) -> st.SearchStrategy[Any]:
        """Values that meet the demands, with at most ``depth`` containers inside each other."""
        key = (demands, depth if demands else min(depth, _ANYTHING))
        if key not in self._made:
            few = self._few(*key)
            self._made[key] = _place(self, *key) if few is None else _evenly(few)
        return self._made[key]

    def of_shape(self, shape: Shape, demands: Demands, depth: int) -> st.SearchStrategy[Any] | None:
        """Values of a shape, of the simplest kind first; None if it has none."""
        kinds = self.solver.kinds(shape, demands, depth)
        return st.one_of([self._of_kind(kind, shape, demands, depth) for kind in kinds]) if kinds else None

    def _few(self, demands: Demands, depth: int) -> list[st.SearchStrategy[Any]] | None:
        """The values of each shape of a place; None if it has so many that one is better worked out for each value."""
        shapes = list(islice(self.solver.shapes(demands), _MANY))
        if len(shapes) == _MANY:
            return None
        made = (self.of_shape(shape, demands, depth) for shape in shapes)
        return [values for values in made if values is not None]

    def _of_kind(self, kind: str, shape: Shape, demands: Demands, depth: int) -> st.SearchStrategy[Any]:
        if kind == "values":
            return st.sampled_from(self.solver.listed(shape, demands)).map(copied)
        if kind in ("null", "boolean"):
            return st.sampled_from(constants(kind, shape))
        values = self._many(kind, shape, depth)
        out = {fingerprint(value) for value in shape.excluded}
        return sifted(values, lambda value: fingerprint(value) not in out) if out else values

    def _many(self, kind: str, shape: Shape, depth: int) -> st.SearchStrategy[Any]:
        """Values of a kind that has many."""
        match kind:
            case "string":
                return texts.drawn(shape)
            case "array":
                return filling.arrays_of(self, shape, depth - 1)
            case "object":
                return filling.objects_of(self, shape, depth - 1)
        return numbers.drawn(shape, kind)

    def __repr__(self) -> str:
        return self.source.name


class _TooHard(StrategyError, FailedHealthCheck):
    """What Hypothesis tells at once, and doesn't try to shrink."""


class _Search:
    """Values of one place that a judge accepts, and how often none was found before the first."""

    def __init__(self, name: str, values: st.SearchStrategy[Any], judge: Judge) -> None:
        self.name, self.values, self.judge = name, values, judge
        self.failed, self.found = 0, False

    def __repr__(self) -> str:
        return self.name

    def give_up(self) -> None:
        """Count a failure. Raises StrategyError if there were many, and never a value."""
        self.failed += 1
        if self.failed >= _PATIENCE and not self.found:
            raise _TooHard(
                f"{self} is too hard: {_PATIENCE} times no value was found for it. What can't be built is drawn and "
                "dropped until it fits: texts for a pattern with a length or a format, or for two patterns. "
                "Write them as one pattern, or draw with a strategy of yours."
            )


@st.composite
def values_of(draw: Draw, search: _Search) -> Any:
    """What the search is for."""
    with suppress(UnsatisfiedAssumption):
        for _ in range(TRIES):
            value = draw(search.values)
            if search.judge(value):
                search.found = True
                return value
    search.give_up()
    return reject()


def _evenly(several: list[st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """Each as likely as the others, also if it has several kinds of values, which ``one_of`` would count one by one."""
    return several[0] if len(several) == 1 else st.sampled_from(several).flatmap(lambda values: values)


@st.composite
def _place(draw: Draw, drawing: Drawing, demands: Demands, depth: int) -> Any:
    for shape in drawing.solver.shapes(demands, lambda number: int(draw(st.integers(0, number - 1)))):
        values = drawing.of_shape(shape, demands, depth)
        if values is not None:
            return draw(values)
    return reject()


def copied(value: Any) -> Any:
    """A copy of a JSON value that shares nothing."""
    return json.loads(json.dumps(value))
