"""JSON values given as Python objects: a copy that shares nothing, or everything in it that isn't JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from tasker_testkit.errors import InputError, listed

DEEPEST: Final = 128
"""Lists and mappings inside each other."""


def json_copy(value: Any, what: str) -> Any:
    """A deep copy as plain JSON; tuples become lists. Raises InputError that lists everything in it that isn't JSON."""
    problems: list[str] = []
    copy = _copied(value, "", problems, 0)
    if problems:
        raise InputError(f"{what} isn't JSON:\n{listed(problems)}", problems=problems)
    return copy


def _copied(value: Any, path: str, problems: list[str], depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return value
    if isinstance(value, str):
        return _text(value, path, problems)
    if isinstance(value, float):
        if not math.isfinite(value):
            problems.append(f"{_at(path)} is {value}, which JSON can't hold.")
        return float(value)
    if isinstance(value, int):
        return int(value)
    if depth == DEEPEST:
        problems.append(f"{_at(path[:60])}… is nested more than {DEEPEST} deep.")
        return None
    if isinstance(value, Mapping):
        return {
            _key(key, path, problems): _copied(item, f"{path}.{key!s:.40}", problems, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_copied(item, f"{path}[{index}]", problems, depth + 1) for index, item in enumerate(value)]
    problems.append(f"{_at(path)} is {value!r:.60}, a {kind.__name__}.")
    return None


def _key(key: Any, path: str, problems: list[str]) -> str:
    if isinstance(key, str):
        return _text(key, f"{path}.{key!r:.40}", problems)
    problems.append(f"{_at(path)} has the key {key!r:.60}, a {type(key).__name__}; keys are texts.")
    return str(key)


def _text(value: str, path: str, problems: list[str]) -> str:
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        problems.append(f"{_at(path)} has half a surrogate pair, which UTF-8 can't hold.")
    return str.__str__(value)


def _at(path: str) -> str:
    return path.removeprefix(".") or "the whole"
