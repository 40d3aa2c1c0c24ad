"""Plain JSON data, frozen once and copied for each receiver: nobody shares what another could change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import isfinite
from typing import Any, Final

from tasker_testkit.model.unread import Thawing, Unread

Frozen = Callable[[], Any]
"""Data as it was when it was frozen; each call gives a copy of its own, much cheaper than ``deepcopy``."""

LARGE: Final = 500
"""Keys and items, all inner ones counted, from which a value is large."""

_LEAVES: Final = frozenset((str, int, bool, float, type(None)))


def frozen(value: Any) -> Frozen:
    """The data as it is now; what isn't plain JSON becomes what ``json`` makes of it."""
    return _form(value, False)[0]


def frozen_in_parts(value: Any) -> Frozen:
    """The same, but a large value in a dict is copied when somebody reads it, not before."""
    return _form(value, True)[0]


def copied(value: Any) -> Any:
    """A copy that shares nothing."""
    return value if value is None else frozen(value)()


def is_plain(value: Any) -> bool:
    """Is it made of dicts with texts as keys, lists, texts, numbers, booleans and None, and of nothing else?"""
    kind = type(value)
    if kind is dict:
        return all([type(key) is str and is_plain(one) for key, one in value.items()])
    if kind is list:
        return all([is_plain(one) for one in value])
    return isfinite(value) if kind is float else kind in _LEAVES


_Form = tuple[Frozen, int]
"""How to copy a value, and its size."""


def _form(value: Any, lazy: bool) -> _Form:
    kind = type(value)
    if kind is dict:
        return _dict(value, lazy)
    if kind is list:
        return _list(value, lazy)
    if kind in _LEAVES:
        return (lambda: value), 0
    if isinstance(value, Mapping):  # which takes as long as all the rest
        return _dict(value, lazy)
    if isinstance(value, (list, tuple)):
        return _list(value, lazy)
    return _form(json.loads(json.dumps(value)), lazy)  # an enum, or another kind of text or number


def _dict(value: Mapping[str, Any], lazy: bool) -> _Form:
    kept = dict(value)
    parts, sizes = _parts(kept.items(), lazy)
    if not parts:
        return kept.copy, len(kept)
    large = lazy and max(sizes) >= LARGE
    return _in_parts(kept, parts, sizes) if large else _whole(kept, parts), len(kept) + sum(sizes)


def _list(value: Sequence[Any], lazy: bool) -> _Form:
    kept = list(value)
    parts, sizes = _parts(enumerate(kept), lazy)
    if not parts:
        return kept.copy, len(kept)
    each = len(parts) == len(kept)
    return partial(_each, parts) if each else _whole(kept, parts), len(kept) + sum(sizes)


_Parts = list[tuple[Any, Frozen]]
"""Key or index, and how to copy what is there."""


def _parts(entries: Iterable[tuple[Any, Any]], lazy: bool) -> tuple[_Parts, list[int]]:
    """Those of the entries that aren't leaves, and their sizes."""
    parts: _Parts = []
    sizes: list[int] = []
    for key, one in entries:
        if type(one) not in _LEAVES:
            copy, size = _form(one, lazy)
            parts.append((key, copy))
            sizes.append(size)
    return parts, sizes


def _in_parts(kept: dict[str, Any], parts: _Parts, sizes: list[int]) -> Frozen:
    sized = list(zip(parts, sizes, strict=True))
    kept.update((key, Unread(copy)) for (key, copy), size in sized if size >= LARGE)
    return partial(_thawing, kept, [part for part, size in sized if size < LARGE])


def _whole(kept: Any, parts: _Parts) -> Frozen:
    for key, _ in parts:
        kept[key] = None
    return partial(_filled, kept, parts)


def _filled(kept: Any, parts: _Parts) -> Any:
    made = kept.copy()
    for key, copy in parts:
        made[key] = copy()
    return made


def _thawing(kept: dict[str, Any], parts: _Parts) -> Thawing:
    made = Thawing(kept)
    for key, copy in parts:
        made[key] = copy()
    return made


def _each(parts: _Parts) -> list[Any]:
    return [copy() for _, copy in parts]
