"""What a history file says of its own content, part by part, so that a changed part can be named.

A part is a key of the file, or one of its steps. The digest is of what JSON means, not of how it is laid out: line ends
and indents may change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

KEY: Final = "digest"
_LENGTH: Final = 12


def digests(data: Mapping[str, Any]) -> dict[str, str]:
    """The digest of each part of a history's data: ``{"input": "9f86d0818884", "steps.charge": ...}``."""
    return {name: _digest(part) for name, part in _parts(data)}


def changed_parts(data: Mapping[str, Any]) -> list[str]:
    """The parts that aren't what the data's own digest says, in the order of the file; none without a digest."""
    if KEY not in data:
        return []
    said, found = data[KEY], digests(data)
    known = said if isinstance(said, Mapping) else {}
    names = dict.fromkeys((*found, *map(str, known)))
    return [name for name in names if known.get(name) != found.get(name)]


def _parts(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in sorted(data.items()):
        if key == "steps" and isinstance(value, list):
            yield from ((f"steps.{_name(step, index)}", step) for index, step in enumerate(value))
            yield "steps", [_name(step, index) for index, step in enumerate(value)]
        elif key != KEY:
            yield key, value


def _name(step: Any, index: int) -> str:
    return str(step.get("name", index)) if isinstance(step, Mapping) else str(index)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:_LENGTH]
