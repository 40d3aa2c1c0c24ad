"""From YAML text to nodes, guarded: no text is too odd for one clear TemplateError."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading.nodes import Node, Place, Scalar, listing, table

DEEPEST: Final = 128
"""Lists and mappings inside each other; Tasker's own loader refuses more."""
LARGEST: Final = 8_000_000
"""Bytes of a file; ours."""
_ALIASED: Final = 10_000
"""So many nodes may any document become with its aliases written out; beyond, ten times what is written."""
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """One document: what messages call it, and its root; None if it is empty."""

    name: str
    root: Node | None = None

    def where(self, place: Place | None) -> str:
        """The start of a message about a place: ``order.yaml:12:9``."""
        return f"{self.name}:{place.line}:{place.column}" if place else self.name


def compose_text(name: str, text: str) -> Document:
    """The only document of a YAML text. Raises TemplateError."""
    document = Document(name)
    if len(text) > LARGEST:
        raise refusal(document, None, f"larger than {LARGEST:,} characters. Is it the right text?")
    try:
        root, written = _composed(document, yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else None
        raise refusal(document, place, f"not valid YAML: {error.problem or error.context}.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"not valid YAML: a character that YAML forbids (U+{error.character:04X})."
        raise refusal(document, Place(line, 1), problem) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise refusal(document, None, f"not valid YAML: {error!s:.200}.") from None
    return bounded(Document(name, root), written)


class _Open:
    """A list or mapping whose end hasn't been read yet."""

    __slots__ = ("children", "start")

    def __init__(self, start: yaml.CollectionStartEvent) -> None:
        self.start = start
        self.children: list[Node] = []

    def closed(self) -> Node:
        make = listing if isinstance(self.start, yaml.SequenceStartEvent) else table
        return make(self.children, self.start.tag, _place(self.start))


def _composed(document: Document, events: Iterable[yaml.Event]) -> tuple[Node | None, int]:
    """The root of the only document among the events, and how many nodes are written in it."""
    root: Node | None = None
    written = 0
    stack: list[_Open] = []
    anchors: dict[str, Node] = {}
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            if len(stack) == DEEPEST:
                raise too_deep(document, _place(event))
            stack.append(_Open(event))
            continue
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise refusal(document, _place(event), _SECOND_DOCUMENT, "several_documents")
        if not isinstance(event, (yaml.NodeEvent, yaml.CollectionEndEvent)):
            continue
        anchor = stack[-1].start.anchor if isinstance(event, yaml.CollectionEndEvent) else event.anchor
        node = _closed(document, event, stack, anchors)
        written += 1
        if anchor is not None:
            anchors[anchor] = node
        if stack:
            stack[-1].children.append(node)
        else:
            root = node
    return root, written


_SECOND_DOCUMENT: Final = "a second document starts here ('---'). Tasker reads one template a file: split the file."


def _closed(document: Document, event: yaml.Event, stack: list[_Open], anchors: Mapping[str, Node]) -> Node:
    """The node that the event completes."""
    if isinstance(event, yaml.AliasEvent):
        name = event.anchor or ""
        if name not in anchors:
            raise refusal(document, _place(event), f"the alias *{name} has no anchor &{name} before it.")
        return anchors[name]
    if isinstance(event, yaml.ScalarEvent):
        return Scalar(event.value, event.style in (None, ""), event.tag, _place(event))
    node = stack.pop().closed()
    if len(stack) + node.height > DEEPEST:
        raise too_deep(document, node.place)
    return node


def _place(event: yaml.Event) -> Place:
    mark: Any = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


def bounded(document: Document, written: int) -> Document:
    """The document, unless its aliases make it explode."""
    if document.root is not None and document.root.size > max(_ALIASED, 10 * written):
        raise refusal(document, None, f"its aliases make {written} values into {document.root.size:,}. Write them out.")
    return document


def too_deep(document: Document, place: Place | None) -> TemplateError:
    """The error of a document for its nesting."""
    return refusal(document, place, f"more than {DEEPEST} lists and mappings inside each other.")


def refusal(document: Document, place: Place | None, text: str, kind: str = "yaml_syntax") -> TemplateError:
    """The error of a document that can't be read at all."""
    return TemplateError(f"{document.where(place)}: {text}", kind=kind)
