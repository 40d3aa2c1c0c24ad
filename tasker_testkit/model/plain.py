"""Plain JSON data: dicts with text keys, lists, texts, numbers, truth values and None."""

from __future__ import annotations

from typing import Any


def copied(value: Any) -> Any:
    """A copy of plain JSON data that shares nothing that can be changed; much cheaper than a way through text."""
    if isinstance(value, dict):
        return {key: copied(item) if isinstance(item, (dict, list)) else item for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) if isinstance(item, (dict, list)) else item for item in value]
    return value
