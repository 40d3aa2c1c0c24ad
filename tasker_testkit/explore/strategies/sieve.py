"""Strategies that drop what doesn't suit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import reject
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

TRIES: Final = 10
"""So often something is drawn again before the whole example is given up."""


@st.composite
def sifted(draw: Draw, values: st.SearchStrategy[Any], suits: Callable[[Any], bool]) -> Any:
    """Values that suit. Where none is found the example is rejected, which ``filter`` does without a way to notice."""
    for _ in range(TRIES):
        value = draw(values)
        if suits(value):
            return value
    return reject()
