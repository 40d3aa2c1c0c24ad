"""Values as Python source: what a reader could have written, with the imports that it needs."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from tasker_testkit.model.outcome import Failure
from tasker_testkit.report.plans import quoted

WIDTH: Final = 110
_PLAIN: Final = (bool, int, float, type(None))


class Unwritten(Exception):
    """This value can't be written down: a lambda, an object of somebody's own class."""


class Page:
    """A page of source under way: it collects the ``imports`` of what is written on it, a line each.

    ``notes``: names that stand in a test file, which is not imported but pasted into.
    """

    def __init__(self, folder: Path) -> None:
        self.imports: set[str] = set()
        self.notes: set[str] = set()
        self._folder = folder

    def write(self, value: Any, indent: str = "") -> str:
        """The value as an expression, in lines of at most ``WIDTH``. Raises Unwritten."""
        if isinstance(value, str):
            return quoted(value)
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, Mapping):
            inner = indent + "    "
            return laid_out("{", [f"{self.write(k)}: {self.write(v, inner)}" for k, v in value.items()], "}", indent)
        if isinstance(value, (list, tuple)):
            return laid_out("[", [self.write(one, indent + "    ") for one in value], "]", indent)
        return self._object(value)

    def _object(self, value: Any) -> str:
        if isinstance(value, Path):
            return quoted(self.near(value))
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, timedelta):
            self.imports.add("from datetime import timedelta")
            return f"timedelta(seconds={value.total_seconds():.15g})"
        if isinstance(value, Failure):
            return self._failure(value)
        if isinstance(value, BaseException):
            return self._exception(value)
        return self.name(value)

    def near(self, path: Path) -> str:
        """The path as it is seen from the folder, if it is below it."""
        return path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else str(path)

    def _module(self, module: ModuleType) -> str:
        file = Path(str(getattr(module, "__file__", "")))
        return quoted(self.near(file) if file.is_relative_to(self._folder) else module.__name__)

    def _failure(self, value: Failure) -> str:
        self.imports.add("from tasker_testkit import Failure")
        given = [(f.name, getattr(value, f.name)) for f in fields(Failure)]
        plain = Failure()
        return f"Failure({', '.join(f'{n}={self.write(v)}' for n, v in given if v != getattr(plain, n))})"

    def _exception(self, value: BaseException) -> str:
        if len(value.args) > 1 or (value.args and str(value) != value.args[0]):
            raise Unwritten(f"{value!r:.60} is more than its text")
        name = type(value).__name__
        if getattr(builtins, name, None) is not type(value):
            name = self.name(type(value))
        return f"{name}({self.write(value.args[0]) if value.args else ''})"

    def name(self, value: Any) -> str:
        """The name of a function, a class or a value that stands in a module. Raises Unwritten."""
        home, name = getattr(value, "__module__", None), str(getattr(value, "__qualname__", ""))
        module = sys.modules.get(str(home))
        if module is None or not name or _inside(module, name) is not value:
            what = name or f"an object of class {type(value).__name__}"  # its repr may hold an address
            raise Unwritten(f"{what} has no name in a module")
        return self.named_in(module, name)

    def named_in(self, module: ModuleType, name: str) -> str:
        """The name, which that module has; it is imported, unless the module is a test file."""
        file = Path(str(getattr(module, "__file__", "")))
        is_test = file.name.startswith(("test_", "conftest")) or file.stem.endswith("_test")
        if is_test or module.__name__ == "__main__":
            self.notes.add(f"{name} stands in {self.near(file)}")
        else:
            self.imports.add(f"from {module.__name__} import {name.partition('.')[0]}")
        return name


def _inside(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def laid_out(opening: str, entries: Iterable[str], closing: str, indent: str = "") -> str:
    """Brackets with entries between, on one line if that fits, else an entry a line."""
    written = list(entries)
    one_line = f"{opening}{', '.join(written)}{closing}"
    if len(indent) + len(one_line) <= WIDTH and "\n" not in one_line:
        return one_line
    return "\n".join([opening, *(f"{indent}    {entry}," for entry in written), f"{indent}{closing}"])
