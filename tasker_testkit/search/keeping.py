"""Where that is kept which outlives a session: the folder ``.tasker`` of a project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_project: Path | str | None = "."


@contextmanager
def kept_below(project: Path | None) -> Iterator[None]:
    """Meanwhile ``.tasker`` is below this folder; None: nothing is kept. Otherwise it is below the current folder."""
    global _project
    before, _project = _project, project
    try:
        yield
    finally:
        _project = before


def place() -> Path | None:
    """The folder, None if nothing is kept."""
    return None if _project is None else Path(_project).absolute() / ".tasker"
