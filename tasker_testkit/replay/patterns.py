"""Places in a history as patterns: ``steps.charge.attempts.*.stored.result.at``, ``input.customer.**``.

A part is a key, an index, a step's name, ``*`` for any one of these or ``**`` for any number of them. As in JSONPath
``a[0]`` is ``a.0``, ``a..b`` is ``a.**.b``, and ``$.`` in front may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tasker_testkit.errors import HistoryError

Names = tuple[str, ...]
"""How one part of a place can be named: a key; an item by its index and, if it is a step, by its name."""
Place = tuple[Names, ...]
Pattern = tuple[str, ...]


def read_patterns(texts: Iterable[str]) -> tuple[Pattern, ...]:
    """The patterns of these texts. Raises HistoryError for one that is empty or has an empty part."""
    return tuple(_read(text) for text in texts)


def _read(text: str) -> Pattern:
    plain = re.sub(r"\[['\"]?([^\]'\"]*)['\"]?\]", r".\1", text.strip().removeprefix("$"))
    deep = re.sub(r"(?<!\.)\.\.(?!\.)", ".**.", plain)
    parts = tuple(deep.removeprefix(".").split("."))
    if not all(parts):
        raise HistoryError(
            f"{text!r} is no pattern of a place: a part of it is empty. "
            "Write parts with dots between them, such as steps.*.attempts.*.stored.result.created_at."
        )
    return parts


def fits(place: Place, patterns: Iterable[Pattern]) -> bool:
    """Whether one of the patterns is of this very place."""
    return any(_fits(place, pattern) for pattern in patterns)


def _fits(place: Sequence[Names], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not place
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        return any(_fits(place[skipped:], rest) for skipped in range(len(place) + 1))
    return bool(place) and (first == "*" or first in place[0]) and _fits(place[1:], rest)


def item_names(index: int, item: object) -> Names:
    """How an item of a list can be named."""
    name = item.get("name") if isinstance(item, dict) else None
    return (str(index), name) if isinstance(name, str) else (str(index),)
