"""Plain data in YAML or JSON files."""

from __future__ import annotations

from typing import Any

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading.composing import Document, refusal
from tasker_testkit.model.loading.documents import read_document
from tasker_testkit.model.loading.findings import Notes
from tasker_testkit.model.loading.nodes import Listing, Node, Scalar, Table
from tasker_testkit.model.loading.reading import free


def load_data(source: Any, *, once: bool = False) -> Any:
    """The JSON value of a YAML or JSON file (or text with a line break), read with the scalars of YAML 1.2.

    An empty file is None. Of a repeated key the last counts; with ``once`` it is refused. Raises TemplateError for what
    can't be read.
    """
    document = read_document(source)
    if once:
        check_once(document, document.root)
    notes = Notes(document)
    value = free(document.root or Scalar(""), "", notes)
    problem = next(notes.told(True, "refused"), None)
    if problem:
        raise TemplateError(problem)
    return value


def check_once(document: Document, node: Node | None) -> None:
    """Raise TemplateError for a key that a mapping of the document has twice: one of its values would be lost."""
    if isinstance(node, Listing):
        for item in node.items:
            check_once(document, item)
    if isinstance(node, Table):
        seen = set()
        for key, value in node.entries:
            if isinstance(key, Scalar) and key.text in seen:
                raise refusal(document, key.place, f"the key {key.text!r} is there twice in one mapping. Keep one.")
            seen.add(key.text if isinstance(key, Scalar) else None)
            check_once(document, value)
