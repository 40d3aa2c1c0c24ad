"""Plain data in YAML or JSON files."""

from __future__ import annotations

from typing import Any

from tasker_testkit.errors import TemplateError
from tasker_testkit.model.loading.documents import read_document
from tasker_testkit.model.loading.findings import Notes
from tasker_testkit.model.loading.nodes import Scalar
from tasker_testkit.model.loading.reading import free


def load_data(source: Any) -> Any:
    """The JSON value of a YAML or JSON file (or text with a line break), read with the scalars of YAML 1.2.

    An empty file is None. Raises TemplateError for what can't be read.
    """
    document = read_document(source)
    notes = Notes(document)
    value = free(document.root or Scalar(""), "", notes)
    problem = next(notes.told(True, "refused"), None)
    if problem:
        raise TemplateError(problem)
    return value
