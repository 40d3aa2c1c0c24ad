"""Fault plans in files: YAML or JSON, a list of faults."""

from __future__ import annotations

from typing import Any

from tasker_testkit.errors import FaultError, TemplateError
from tasker_testkit.model.fault_kinds import Fault, fault_from_data
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.loading.composing import Document
from tasker_testkit.model.loading.data_files import check_once
from tasker_testkit.model.loading.documents import read_document
from tasker_testkit.model.loading.findings import Notes
from tasker_testkit.model.loading.nodes import Listing, Node, Scalar
from tasker_testkit.model.loading.reading import free, is_blank


def load_faults(source: Any) -> FaultPlan:
    """The plan of a YAML or JSON file (or text with a line break) or of a list; a plan is given back as it is.

    Raises FaultError that says which entry, in which line, is wrong with what.
    """
    if isinstance(source, FaultPlan):
        return source
    if isinstance(source, (list, tuple)):
        return FaultPlan.from_data(source)
    try:
        document = read_document(source)
        check_once(document, document.root)
    except TemplateError as error:
        raise FaultError(str(error)) from None
    return FaultPlan(_fault(document, item) for item in _entries(document))


def _entries(document: Document) -> tuple[Node, ...]:
    root = document.root or Scalar("")
    if is_blank(root):
        return ()
    if isinstance(root, Listing):
        return root.items
    raise FaultError(
        f"{document.where(root.place)}: a fault plan is a list, one entry a fault: "
        "'- {step: NAME, attempt: 1, fail: {error_type: timeout}}'."
    )


def _fault(document: Document, node: Node) -> Fault:
    notes = Notes(document)
    data = free(node, "", notes)
    problem = next(notes.told(True, "refused"), None)
    if problem:
        raise FaultError(problem)
    try:
        return fault_from_data(data)
    except FaultError as error:
        raise FaultError(f"{document.where(node.place)}: {error}") from None
