"""Readers: from nodes to typed values, exactly as the real loader's typed reading does it.

A reader takes a node, its path and the notes. What it can't read it notes, and gives ``UNREAD`` instead of a value, so
that one pass finds everything. Source: ``docs/templates.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from tasker_testkit.errors import near
from tasker_testkit.model.loading.findings import Finding, Notes
from tasker_testkit.model.loading.nodes import Listing, Node, Scalar, Table, shown
from tasker_testkit.model.loading.scalars import BIGGEST, SMALLEST, boolean, is_null, meaning, whole

Reader = Callable[[Node, str, Notes], Any]
UNREAD: Final[Any] = object()
_CORE_TAG: Final = "tag:yaml.org,2002:"


def text(node: Node, path: str, notes: Notes) -> Any:
    """The raw text of any scalar: ``1.10`` stays ``1.10``, ``null`` is the text null."""
    if not isinstance(node, Scalar):
        return wrong(node, path, notes, "a text")
    _own_tag(node, path, notes, "fine")
    return node.text


def moment(node: Node, path: str, notes: Notes) -> Any:
    """The text of an RFC 3339 instant; it must have a zone."""
    value = text(node, path, notes)
    try:
        zoned = value is UNREAD or (len(value) > 10 and datetime.fromisoformat(value).tzinfo is not None)
    except ValueError:
        zoned = False
    return value if zoned else wrong(node, path, notes, "an instant with a zone, such as 2026-01-01T00:00:00Z")


def truth(node: Node, path: str, notes: Notes) -> Any:
    """An unquoted ``true`` or ``false``."""
    value = boolean(node.text) if isinstance(node, Scalar) and node.plain else None
    return wrong(node, path, notes, "true or false") if value is None else value


def number(lowest: int, highest: int) -> Reader:
    """An unquoted whole number in the range that the real loader's type has."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        value = whole(node.text) if isinstance(node, Scalar) and node.plain else None
        if value is None or not lowest <= value <= highest:
            return wrong(node, path, notes, f"a whole number from {lowest} to {highest}")
        return value

    return read


def choice(*names: str) -> Reader:
    """One of the names, in exactly this spelling."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if not isinstance(node, Scalar):
            return wrong(node, path, notes, f"one of {', '.join(names)}")
        if node.text in names:
            return node.text
        said = f"{shown(node)} isn't known.{near(node.text.lower(), names)} Possible: {', '.join(names)}."
        notes.add(Finding(path, said, "unknown_variant"))
        return UNREAD

    return read


def optional(reader: Reader) -> Reader:
    """The same, or None for an unquoted null or nothing."""
    return lambda node, path, notes: None if _is_null(node) else reader(node, path, notes)


def list_of(reader: Reader, make: Callable[[Iterable[Any]], Any] = tuple) -> Reader:
    """A list; blank is empty, an explicit null is refused. Items that can't be read are left out."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if is_blank(node):
            return make(())
        if not isinstance(node, Listing):
            return wrong(node, path, notes, "a list")
        values = []
        for index, item in enumerate(node.items):
            here = f"{path}[{index}]"
            if item.place:
                notes.places[here] = item.place
            values.append(reader(item, here, notes))
        return make(value for value in values if value is not UNREAD)

    return read


def map_of(reader: Reader) -> Reader:
    """A mapping with free keys, which become texts; of a repeated key the last counts. Blank is empty."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if is_blank(node):
            return {}
        if not isinstance(node, Table):
            return wrong(node, path, notes, "a mapping")
        values = {}
        for key_node, item in node.entries:
            key = key_text(key_node, path, notes)
            here = below(path, key)
            if key_node.place:
                notes.places[here] = key_node.place
            values[key] = reader(item, here, notes)
        return {key: value for key, value in values.items() if value is not UNREAD}

    return read


def free(node: Node, path: str, notes: Notes) -> Any:
    """Any JSON value, as YAML 1.2 scalars, lists and mappings."""
    _own_tag(node, path, notes, "refused")
    if isinstance(node, Listing):
        return list_of(free, list)(node, path, notes)
    if isinstance(node, Table):
        return map_of(free)(node, path, notes)
    core = node.tag.removeprefix(_CORE_TAG) if node.tag else None
    if core in ("str", "!") or not (node.plain or core in ("int", "float", "bool", "null")):
        return node.text
    value = meaning(node.text)
    if isinstance(value, int) and not SMALLEST <= value <= BIGGEST:
        return wrong(node, path, notes, f"a number up to {BIGGEST}")
    return value


def below(path: str, name: str) -> str:
    """The path of a key inside a mapping."""
    return f"{path}.{name}" if path else name


def key_text(node: Node, path: str, notes: Notes) -> str:
    """The text of a key; any scalar may be one."""
    if isinstance(node, Scalar):
        return node.text
    notes.add(Finding(path, f"a key must be a text, not {shown(node)}.", "wrong_type"))
    return "?"


def wrong(node: Node, path: str, notes: Notes, wanted: str) -> Any:
    """Note that the node isn't what is wanted, and give UNREAD."""
    notes.add(Finding(path, f"must be {wanted}, not {shown(node)}.", "wrong_type"))
    return UNREAD


def _own_tag(node: Node, path: str, notes: Notes, built: Any) -> None:
    if node.tag and node.tag != "!" and not node.tag.startswith(_CORE_TAG):
        notes.add(Finding(path, f"the tag {node.tag} means nothing to Tasker. Drop it.", "tag", built=built))


def is_blank(node: Node) -> bool:
    """Nothing is written there; an explicit null isn't blank."""
    return isinstance(node, Scalar) and node.plain and not node.text


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and is_null(node.text)
