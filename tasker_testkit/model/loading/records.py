"""Readers of mappings with fixed keys: what is needed, what is unknown, what was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

from tasker_testkit.errors import near
from tasker_testkit.model.loading.findings import Finding, Notes
from tasker_testkit.model.loading.nodes import Node, Table
from tasker_testkit.model.loading.reading import UNREAD, Reader, below, is_blank, key_text, wrong

SYNONYMS: Final = {
    "namespace": "namespace_name",
    "limit": "max_attempts",
    "max_retries": "max_attempts",
    "retry_limit": "max_attempts",
    "depends_on_step": "dependencies",
    "depends_on_steps": "dependencies",
    "handler_method": "method",
    "handler_class": "handler",
}
"""Keys seen in the wild that Tasker doesn't know, and what their authors meant."""
_DROPPED: Final = "tasker-0.1.8 drops it silently."


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a record: who reads it, its other names, and what stands in for a needed one that can't be read.

    ``promised``: documented, but unknown to the real loader, which never looks at it.
    """

    name: str
    read: Reader
    needed: bool = False
    also: tuple[str, ...] = ()
    stand_in: Any = ""
    promised: bool = False


def record(make: Callable[..., Any], *keys: Key) -> Reader:
    """A mapping with fixed keys; ``make`` gets those that were given. Blank has none; unknown keys are noted."""
    known = {name: key for key in keys for name in (key.name, *key.also)}

    def read(node: Node, path: str, notes: Notes) -> Any:
        if not isinstance(node, Table) and not is_blank(node):
            return wrong(node, path, notes, f"a mapping with the keys {', '.join(key.name for key in keys)}")
        values, unknown = _entries(node, path, notes, known)
        for key in keys:
            if key.needed and key.name not in values:
                notes.add(Finding(below(path, key.name), _missing(key.name, unknown), "missing_field"))
            if key.needed and values.get(key.name, UNREAD) is UNREAD:
                values[key.name] = key.stand_in
        return make(**{name: value for name, value in values.items() if value is not UNREAD})

    return read


def _entries(node: Node, path: str, notes: Notes, known: Mapping[str, Key]) -> tuple[dict[str, Any], list[str]]:
    """The values of the known keys, and the names of the unknown ones."""
    values: dict[str, Any] = {}
    unknown: list[str] = []
    for key_node, item in node.entries if isinstance(node, Table) else ():
        name = key_text(key_node, path, notes)
        key = known.get(name)
        here = below(path, key.name if key else name)
        if key_node.place:
            notes.places[here] = key_node.place
        if key is None:
            unknown.append(name)
            notes.add(_unknown_key(here, name, known))
        elif key.name in values:
            notes.add(_repeated(here, key))
        else:
            values[key.name] = _value(key, item, here, notes)
    return values, unknown


def _value(key: Key, node: Node, path: str, notes: Notes) -> Any:
    if not key.promised:
        return key.read(node, path, notes)
    notes.add(Finding(path, "unknown key.", "unknown_key", "fine", "warning", _DROPPED))
    apart = Notes(notes.document, places=notes.places)
    value = key.read(node, path, apart)
    for finding in apart.findings:
        notes.add(replace(finding, built="fine"))
    return value


def _unknown_key(path: str, name: str, known: Collection[str]) -> Finding:
    meant = SYNONYMS.get(name, "")
    if name == "<<":
        said = "'<<' isn't merged: Tasker's YAML doesn't know it. Write the keys out."
    elif meant in known:
        said = f"unknown key. Did you mean {meant!r}?"
    else:
        said = f"unknown key.{near(name, known) or ' Known keys: ' + ', '.join(known) + '.'}"
    return Finding(path, said, "unknown_key", "warning", "warning", _DROPPED)


def _repeated(path: str, key: Key) -> Finding:
    names = " or ".join(repr(name) for name in (key.name, *key.also))
    said = f"{names} is given more than once. Keep one."
    return Finding(path, said, "duplicate_field", built="fine" if key.promised else "refused")


def _missing(name: str, unknown: list[str]) -> str:
    match = next((key for key in unknown if SYNONYMS.get(key) == name), None)
    match = match or next(iter(get_close_matches(name, unknown, n=1)), None)
    return "is missing." + (f" Is {match!r} meant to be it?" if match else "")
