"""A JSON value with one place changed, for the fault ``corrupt``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Final

from tasker_testkit.errors import FaultError, listed, near

_PART: Final = re.compile(r"""\.?([^.\[\]]+)|\[(\d+)\]|\[(["'])(.*?)\3\]""")


def parts(path: str) -> tuple[str, ...]:
    """The keys of a path: ``items.0.sku``, ``items[0].sku`` and ``$.items[0]["sku"]`` are the same; ``$`` is the whole.

    Raises FaultError for a text that isn't a path.
    """
    rest, found = path.removeprefix("$"), []
    while rest and (match := _PART.match(rest)):
        found.append(match[1] or match[2] or match[4] or "")
        rest = rest[match.end() :]
    if rest or not path:
        raise FaultError(f"{path!r} is not a path into a result. Write 'total' or 'items.0.sku'; '$' is the whole.")
    return tuple(found)


def corrupted(value: Any, path: str, new: Any) -> Any:
    """A deep copy of ``value`` with ``new`` at ``path``. Raises FaultError if there is nothing at that path."""
    keys = parts(path)
    if not keys:
        return deepcopy(new)
    result = deepcopy(value)
    place: Any = result
    for depth, key in enumerate(keys[:-1]):
        place = place[_index(place, key, keys[:depth], path)]
    place[_index(place, keys[-1], keys[:-1], path)] = deepcopy(new)
    return result


def _index(place: Any, key: str, before: Sequence[str], path: str) -> str | int:
    """``key`` as an index into ``place``, which is at ``before``."""
    if isinstance(place, dict) and key in place:
        return key
    if isinstance(place, list) and key.isdecimal() and int(key) < len(place):
        return int(key)
    here = ".".join(before) or "the result"
    problem = f"There is nothing to corrupt at {path!r}: {here} "
    if isinstance(place, dict):
        raise FaultError(f"{problem}has no key {key!r}.{near(key, map(str, place))} Its keys:\n{listed(place)}")
    if isinstance(place, list):
        raise FaultError(f"{problem}is a list of {len(place)}, which has no entry {key!r}.")
    raise FaultError(f"{problem}is {place!r:.80}, which has nothing inside.")
