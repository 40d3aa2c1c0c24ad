"""Plain JSON data, frozen once and copied for each receiver: nobody shares what another could change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
    if kind is dict or isinstance(value, Mapping):
        return _dict(value, lazy)
    if kind is list or isinstance(value, (list, tuple)):
        return _list(value, lazy)
    if kind in _LEAVES:
        return (lambda: value), 0
    return _form(json.loads(json.dumps(value)), lazy)  # an enum, or another kind of text or number


def _dict(value: Mapping[str, Any], lazy: bool) -> _Form:
    kept = dict(value)
    inner = [(key, _form(one, lazy)) for key, one in kept.items() if type(one) not in _LEAVES]
    if not inner:
        return kept.copy, len(kept)
    size = len(kept) + sum([many for _, (_, many) in inner])
    large = [(key, copy) for key, (copy, many) in inner if many >= LARGE] if lazy and size >= LARGE else []
    if large:
        kept.update((key, Unread(copy)) for key, copy in large)
        parts = [(key, copy) for key, (copy, many) in inner if many < LARGE]
        return (lambda: _filled(Thawing(kept), parts)), size
    return _whole(kept, inner), size


def _list(value: Sequence[Any], lazy: bool) -> _Form:
    kept = list(value)
    inner = [(index, _form(one, lazy)) for index, one in enumerate(kept) if type(one) not in _LEAVES]
    if not inner:
        return kept.copy, len(kept)
    size = len(kept) + sum([many for _, (_, many) in inner])
    if len(inner) == len(kept):
        copies = [copy for _, (copy, _) in inner]
        return (lambda: [copy() for copy in copies]), size
    return _whole(kept, inner), size


def _whole(kept: Any, inner: list[tuple[Any, _Form]]) -> Frozen:
    parts = [(key, copy) for key, (copy, _) in inner]
    for key, _ in parts:
        kept[key] = None
    return lambda: _filled(kept.copy(), parts)


def _filled(made: Any, parts: list[tuple[Any, Frozen]]) -> Any:
    for key, copy in parts:
        made[key] = copy()
    return made
