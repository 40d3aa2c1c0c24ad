"""Which orders of one plan are run: what goes first at one instant is a choice, and every run tells what was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, Literal

from tasker_testkit.engine.orders import Asked

Order = tuple[int, ...]
"""Choices, question by question; beyond their end the first one goes first. ``()`` is the order of creation."""

Orders = int | Literal["all"]
"""How many orders of a plan are run."""

MOST: Final = 1_000
"""So many orders of a plan are run, and no more, where all are asked for."""


class Orderings:
    """The orders of one plan, that of creation first; each run opens the way to those that part from it.

    If all are wanted, those that part early come first, up to ``MOST``; of so many, a sample that depends on the seed.
    """

    def __init__(self, orders: Orders, *seed: object) -> None:
        self._left = MOST if orders == "all" else orders
        self._open: list[Order] = [()]
        self._random = None if orders == "all" else Random(repr(seed))

    @property
    def cut(self) -> bool:
        """Whether there are more."""
        return bool(self._open)

    def through(self, play: Callable[[Order], Asked]) -> Iterator[Order]:
        """Each order once it was played; ``play`` says what its run was asked."""
        while self._open and self._left:
            self._left -= 1
            order = self._open.pop(self._next())
            self._open += _parting(order, play(order))
            yield order

    def _next(self) -> int:
        return self._random.randrange(len(self._open)) if self._random else 0


def _parting(order: Order, asked: Asked) -> Iterator[Order]:
    """The orders that answer one question otherwise, the first one after those that the order itself answers."""
    chosen = tuple(choice for choice, _ in asked)
    for place in range(len(order), len(asked)):
        yield from ((*chosen[:place], other) for other in range(1, asked[place][1]))
