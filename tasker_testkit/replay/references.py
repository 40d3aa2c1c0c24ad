"""Functions, classes and modules as texts: by file and name, ``handlers.py:charge``, or by dotted name."""

from __future__ import annotations

import os
import sys
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any

_INSTALLED = ("site-packages", "dist-packages")


def reference_to(value: Any, folder: Path) -> str | None:
    """``FILE:NAME``, the file as seen from ``folder``, or ``MODULE:NAME``; None if no module has it under its name."""
    name = getattr(value, "__qualname__", None)
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    if not isinstance(name, str) or module is None or module.__name__ == "__main__":
        return None
    if reduce(lambda owner, part: getattr(owner, part, None), name.split("."), module) is not value:  # type: ignore[arg-type, return-value]
        return None
    return f"{module_reference(module, folder)}:{name}"


def module_reference(module: ModuleType, folder: Path) -> str:
    """The module's file as seen from ``folder``; its dotted name if it is installed, or has no file."""
    file = Path(getattr(module, "__file__", None) or "")
    if file.suffix != ".py" or any(part in _INSTALLED for part in file.parts):
        return module.__name__
    return seen_from(file, folder)


def seen_from(path: Path, folder: Path) -> str:
    """The path as seen from the folder, with slashes; on another drive as it is."""
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        return path.absolute().as_posix()
