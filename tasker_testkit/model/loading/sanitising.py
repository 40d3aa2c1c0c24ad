"""What Tasker makes of a task's context: refused, or rewritten (row 14; ``docs/templates.md``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from tasker_testkit.errors import InputError, SubmissionRefused
from tasker_testkit.model.loading.inputs import object_copy
from tasker_testkit.model.loading.values import json_copy
from tasker_testkit.model.profile import Profile, find_profile

DEEPEST: Final = 10
"""Objects and lists inside each other, the context itself counted."""
MOST: Final = 1_000
"""Keys of one object, items of one list."""
LONGEST: Final = 10_000
"""Bytes of UTF-8 in a text or a key."""
LARGEST: Final = 1_048_576
"""Bytes of the whole as JSON."""

_DROPPED: Final = frozenset(("script", "eval", "function"))
_REWRITTEN: Final = (
    ("<script>", "&lt;script&gt;"),
    ("</script>", "&lt;/script&gt;"),
    ("javascript:", ""),
    ("data:text/html", "data:text/plain"),
)


def accept_context(
    input: Any, tags: Sequence[str] = (), profile: str | Profile = "documented"
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The context and the tags as the task stores them: a copy, rewritten where the profile sanitises (row 14).

    Raises InputError for what isn't JSON, SubmissionRefused (500 DATABASE_ERROR) for what the real system refuses.
    """
    copied_tags = _tags(tags)
    if not find_profile(profile).sanitises_context:
        return object_copy(input), copied_tags
    value = json_copy(input, "The input")
    if not isinstance(value, dict):
        _refuse(f"the input is {value!r:.60}, not an object")
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > LARGEST:
        _refuse(f"the input is larger than {LARGEST:,} bytes")
    return sanitised(value, "the input"), tuple(sanitised(tag, "a tag") for tag in copied_tags)


def sanitised(value: Any, path: str, depth: int = 1) -> Any:
    """A JSON value without the keys that Tasker drops and with the texts that it rewrites.

    ``depth`` counts the containers up to this value. Raises SubmissionRefused beyond Tasker's limits.
    """
    if isinstance(value, str):
        return _text(value, path)
    if not isinstance(value, (dict, list)):
        return value
    if depth > DEEPEST:
        _refuse(f"{path} is the {depth}th container inside another; {DEEPEST} are allowed, the input counted")
    if len(value) > MOST:
        _refuse(f"{path} has {len(value):,} entries; {MOST:,} are allowed")
    if isinstance(value, list):
        return [sanitised(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    return {
        _key(key, path): sanitised(item, f"{path}.{key:.40}", depth + 1)
        for key, item in value.items()
        if not is_dropped(key)
    }


def is_dropped(key: str) -> bool:
    """Whether Tasker drops this key and its value: it begins with "on", or is script, eval or function (any case)."""
    lower = key.lower()
    return lower.startswith("on") or lower in _DROPPED


def _text(value: str, path: str) -> str:
    _check_length(value, path)
    for found, instead in _REWRITTEN:
        value = value.replace(found, instead)
    return value


def _key(key: str, path: str) -> str:
    _check_length(key, f"a key of {path}")
    return key


def _check_length(text: str, path: str) -> None:
    if len(text) * 4 > LONGEST and len(text.encode()) > LONGEST:
        _refuse(f"{path} has {len(text.encode()):,} bytes; {LONGEST:,} are allowed")


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
    copied = json_copy(tags, "The list of tags")
    if not isinstance(copied, list) or not all(isinstance(tag, str) for tag in copied):
        raise InputError(f"A task's tags are a list of texts, not {tags!r:.80}.")
    return tuple(copied)


def _refuse(why: str) -> NoReturn:
    said = f"Tasker 0.1.8 refuses this submission (500 DATABASE_ERROR, 'Database operation failed'): {why}."
    raise SubmissionRefused(said, status=500, code="DATABASE_ERROR")
