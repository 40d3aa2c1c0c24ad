"""A document before it means anything: texts, lists and tables that know where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Place(NamedTuple):
    """Where something stands in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A text; ``plain`` if it wasn't quoted, so that it may mean a number, a truth value or null."""

    text: str
    plain: bool = True
    tag: str | None = None
    place: Place | None = None
    size: int = 1
    height: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """A list. ``size``: how many nodes it holds with every alias written out, itself counted; ``height``: how deep."""

    items: tuple[Node, ...]
    tag: str | None
    place: Place | None
    size: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A mapping, its entries in the order of the file, repeated keys included."""

    entries: tuple[tuple[Node, Node], ...]
    tag: str | None
    place: Place | None
    size: int
    height: int


Node = Scalar | Listing | Table


def listing(items: list[Node], tag: str | None = None, place: Place | None = None) -> Listing:
    """A list of these items."""
    return Listing(tuple(items), tag, place, *_measured(items))


def table(parts: list[Node], tag: str | None = None, place: Place | None = None) -> Table:
    """A mapping of key, value, key, value …"""
    return Table(tuple(zip(parts[::2], parts[1::2], strict=True)), tag, place, *_measured(parts))


def _measured(children: list[Node]) -> tuple[int, int]:
    return 1 + sum(child.size for child in children), 1 + max((child.height for child in children), default=0)


def shown(node: Node) -> str:
    """A node for a message: its text, in quotes if it has them, or what it is."""
    if isinstance(node, Scalar):
        text = node.text if len(node.text) <= 40 else node.text[:40] + "…"
        return (text or "blank") if node.plain else repr(text)
    return "a list" if isinstance(node, Listing) else "a mapping"
