"""In what two JSON values differ, place by place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

Path = tuple[object, ...]
"""Keys and indexes: ``("steps", "charge", "attempts", 0, "stored", "result", "id")``."""

MISSING: Final = object()
"""What stands for a value that one of the two doesn't have."""


def changes(one: Any, other: Any, path: Path = (), *, item_by_item: bool = False) -> Iterator[Path]:
    """Every place in which two JSON values differ, below ``path``.

    Lists of different lengths differ as a whole, unless ``item_by_item``: then in those items that differ or lack.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in dict.fromkeys((*one, *other)):
            pair = one.get(key, MISSING), other.get(key, MISSING)
            yield from changes(*pair, (*path, key), item_by_item=item_by_item)
    elif isinstance(one, list) and isinstance(other, list) and (item_by_item or len(one) == len(other)):
        for index, pair in enumerate(zip_longest(one, other, fillvalue=MISSING)):
            yield from changes(*pair, (*path, index), item_by_item=item_by_item)
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield path


def quiet(paths: Iterable[Path], noise: Collection[Path]) -> Iterator[Path]:
    """The paths that are neither noise nor below it."""
    for path in paths:
        if not noise or not any(path[:length] in noise for length in range(1, len(path) + 1)):
            yield path


def value_at(value: Any, path: Path) -> Any:
    """What is at that place; ``MISSING`` if nothing is."""
    for key in path:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def in_words(path: Path) -> str:
    """The place as people write it: ``steps.charge.attempts[0].stored``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
