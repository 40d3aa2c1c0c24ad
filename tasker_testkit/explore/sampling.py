"""An evenly spread sample: the same for the same seed, on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def spread(items: Sequence[T], size: int, seed: int) -> list[T]:
    """``size`` of the items in their order, one from each of ``size`` equal stretches; all if there are no more.

    Where in its stretch an item lies depends on the seed alone.
    """
    total = len(items)
    if size >= total:
        return list(items)
    random = Random(repr((seed, "sample", total, size)))
    return [items[_within(random, number * total // size, (number + 1) * total // size)] for number in range(size)]


def _within(random: Random, start: int, end: int) -> int:
    return start + int(random.random() * (end - start))
