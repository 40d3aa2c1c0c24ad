"""Names, numbers and waits as a sentence has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tasker_testkit.model.durations import spoken

_MOST: Final = 3


def named(names: Iterable[object]) -> str:
    """The names in backquotes, at most three of them: `` `a` ``, `` `a` and `b` ``, `` `a`, `b`, `c` and 9 more``."""
    everything = list(dict.fromkeys(names))
    shown = [f"`{name}`" for name in everything[:_MOST]]
    if len(everything) > _MOST:
        return f"{', '.join(shown)} and {len(everything) - _MOST} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 attempt``, ``2 attempts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def later(wait: int) -> str:
    """``at once``, or ``after 5 s``."""
    return f"after {spoken(wait)}" if wait else "at once"
