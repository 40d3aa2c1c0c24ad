"""Numbers: whole ones and fractions between bounds, multiples of something or not."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any, Final

from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from tasker_testkit.explore.strategies.shapes import Shape, type_of
from tasker_testkit.explore.strategies.sieve import sifted

_LARGEST: Final = 2**63 - 1
"""Whole numbers without a bound stay in 64 bits with a sign, which every JSON library of Tasker's parts can hold."""
_FINEST: Final = 2.0**52
"""Beyond, no float has a fraction."""
_BIGGEST: Final = sys.float_info.max


def possible(shape: Shape, kind: str) -> bool:
    """Whether the shape has an ``integer`` or a ``fraction``."""
    if kind == "fraction" and not shape.multiples:
        low, high = _float_bounds(shape)
        middle = (low, high, (low + high) / 2, math.floor(low) + 0.5, 0.5, 1.1) if low <= high else ()
        return any(_is_of(value, kind, shape) for value in middle)
    return any(_is_of(value, kind, shape) for value in islice(_steps(shape, kind), 200))


def drawn(shape: Shape, kind: str) -> st.SearchStrategy[Any]:
    """Numbers of the shape, towards 0; a ``fraction`` may be a float without one where whole numbers fit too."""
    if kind == "fraction" and not shape.multiples:
        floats = st.floats(*_float_bounds(shape), allow_nan=False, allow_infinity=False)
        if "integer" not in shape.types:
            floats = floats.map(lambda value: value + 0.5 if value.is_integer() else value)
        return sifted(floats, lambda value: _is_of(value, kind, shape))
    lowest, highest, step = _range(shape, kind)
    numbers = st.integers(lowest, highest).map(lambda number: _number(number * step, kind))
    return sifted(numbers, lambda value: _is_of(value, kind, shape)) if _is_picky(shape) else numbers


def _is_picky(shape: Shape) -> bool:
    """Whether the range alone doesn't decide."""
    return bool(shape.not_multiples) or any(isinstance(step, float) for step in shape.multiples)


def _is_of(value: Any, kind: str, shape: Shape) -> bool:
    """Whether it's what the validator takes for a number of the shape; it counts in floats where steps are floats."""
    if kind == "fraction" and "integer" not in shape.types and type_of(value) == "integer":
        return False
    above = shape.low is None or value > shape.low[0] or (value == shape.low[0] and not shape.low[1])
    below = shape.high is None or value < shape.high[0] or (value == shape.high[0] and not shape.high[1])
    return (
        above
        and below
        and all(_is_multiple(value, step) for step in shape.multiples)
        and not any(_is_multiple(value, step) for step in shape.not_multiples)
    )


def _is_multiple(value: Any, step: float) -> bool:
    return Draft202012Validator({"multipleOf": step}).is_valid(value)


def _float_bounds(shape: Shape) -> tuple[float, float]:
    """Between which floats lie; without whole numbers among them, not where no float has a fraction."""
    most = _BIGGEST if "integer" in shape.types else _FINEST
    low = -most if shape.low is None else max(-most, shape.low[0])
    high = most if shape.high is None else min(most, shape.high[0])
    return float(low), float(high)


def _range(shape: Shape, kind: str) -> tuple[int, int, Fraction]:
    """Which multiples of which step are in bounds."""
    step = _common([Fraction(str(one)) for one in shape.multiples], kind)
    lowest = -_LARGEST if shape.low is None else shape.low[0]
    highest = _LARGEST if shape.high is None else shape.high[0]
    if lowest > highest:  # one bound is beyond what is the other's default
        lowest, highest = (highest - _LARGEST, highest) if shape.low is None else (lowest, lowest + _LARGEST)
    first, last = Fraction(lowest) / step, Fraction(highest) / step
    above = shape.low is not None and shape.low[1] and first.denominator == 1
    below = shape.high is not None and shape.high[1] and last.denominator == 1
    return math.ceil(first) + bool(above), math.floor(last) - bool(below), step


def _common(steps: list[Fraction], kind: str) -> Fraction:
    """The least step that is a multiple of all; for whole numbers a whole one."""
    found = Fraction(1) if kind == "integer" or not steps else steps[0]
    for step in steps:
        found = Fraction(math.lcm(found.numerator, step.numerator), math.gcd(found.denominator, step.denominator))
    return found


def _steps(shape: Shape, kind: str) -> Iterator[Any]:
    """The numbers of the range, from the one nearest to 0 upwards."""
    lowest, highest, step = _range(shape, kind)
    first = min(max(lowest, 0), highest)
    yield from (_number(number * step, kind) for number in range(first, highest + 1))
    yield from (_number(number * step, kind) for number in range(first - 1, lowest - 1, -1))


def _number(value: Fraction, kind: str) -> float:
    return int(value) if kind == "integer" else float(value)
