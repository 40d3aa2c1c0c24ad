"""Tracebacks as a file may hold them: without the frames, which are of one machine, one checkout and one version.

The SDK's function handlers put one into the metadata of a result when something is raised that they don't know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

KEYS: Final = ("traceback", "backtrace")
"""Keys of a result's metadata that hold one."""
_FRAMES: Final = re.compile(r"^(Traceback \(most recent call last\):\n)(?: .*\n)+", re.MULTILINE)
_PLACE: Final = re.compile(r'File "(?:[^"]*[/\\])?([^"/\\]*)", line \d+')


def without_frames(text: str) -> str:
    """A traceback with what was raised, and of the way there that there was one; any other text as it is."""
    return _PLACE.sub(r'File "\1"', _FRAMES.sub(r"\1  ...\n", text))


def portable(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A history's data with the tracebacks of its attempts like that."""
    return {**data, "steps": [_step(step) for step in data["steps"]]}


def _step(step: Mapping[str, Any]) -> Mapping[str, Any]:
    if not any(map(_has_one, step["attempts"])):
        return step
    return {**step, "attempts": [_attempt(one) if _has_one(one) else one for one in step["attempts"]]}


def _has_one(attempt: Mapping[str, Any]) -> bool:
    metadata = (attempt["stored"] or {}).get("metadata") or {}
    return any(key in part for part in _parts(metadata).values() for key in KEYS)


def _attempt(attempt: Mapping[str, Any]) -> dict[str, Any]:
    stored = attempt["stored"]
    metadata = {**stored["metadata"]}
    for name, part in _parts(metadata).items():
        told = {key: without_frames(text) for key in KEYS if isinstance(text := part.get(key), str)}
        metadata |= {name: {**part, **told}} if name else told
    return {**attempt, "stored": {**stored, "metadata": metadata}}


def _parts(metadata: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The metadata itself, and the two mappings in it that hold what handlers add."""
    inner = {name: metadata.get(name) for name in ("custom", "context")}
    return {"": metadata, **{name: part for name, part in inner.items() if isinstance(part, Mapping)}}
