"""A simulation on its way to another process: as bytes, and back.

Functions, classes and modules travel by name; those that only this process's import path finds, by their file. All that
was read from files before travels as it was read.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import pickle
import sys
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

from tasker_testkit.errors import RunError
from tasker_testkit.worker.sources import load_handlers, module_of
from tasker_testkit.worker.walltime import World

Packed = tuple[bytes, bytes, float]
"""Where the handlers come from, all other fields, and the watchdog's limit in real seconds."""

_ARGUMENTS: Final = ("handlers", "stubs", "durations", "setup", "faults", "actions", "routes")
"""What can hold things that don't travel."""


def packed(fields: Mapping[str, Any]) -> Packed:
    """A simulation's fields as bytes. Raises RunError that names the argument which can't travel."""
    sent = {name: value for name, value in fields.items() if name not in ("_handlers", "_world", "behind")}
    sent["_task_fields"] = {**sent["_task_fields"], "steps_made": {}}  # what is worked out again at need
    origins, world = fields["_handlers"].origins, fields["_world"]
    try:
        return as_bytes(origins), as_bytes(sent), world.watchdog.real_timeout
    except Exception as error:
        raise RunError(_refusal({"handlers": origins, **sent}, error)) from None


def unpacked(data: Packed) -> dict[str, Any]:
    """The fields again, with handlers loaded here and a frozen world of their own. Raises RunError, HandlerError."""
    handlers, sent, real_timeout = data
    try:
        loaded = load_handlers(pickle.loads(handlers))  # first: what they import can be what the rest refers to
        fields = pickle.loads(sent)
        world = World(real_timeout=real_timeout, timezone=fields["timezone"])
        return {**fields, "_handlers": loaded, "_world": world}
    except (ImportError, AttributeError) as error:
        raise RunError(
            f"A simulation of another process can't be made again in this one: {error}.\n"
            "Its modules must be found here too, under the same names or in the same files."
        ) from error


class _Sender(pickle.Pickler):
    """Refers to what pickle wouldn't find in the other process by the file that it comes from."""

    def reducer_override(self, value: Any) -> Any:
        """How this value travels; NotImplemented: as pickle does it."""
        if isinstance(value, ModuleType):
            return _module, (value.__name__, str(getattr(value, "__file__", "")))
        if isinstance(value, (FunctionType, type)):
            name, home = value.__qualname__, sys.modules.get(value.__module__)
            file = str(getattr(home, "__file__", ""))
            is_there = file.endswith(".py") and _inside(home, name) is value
            if is_there and not _importable(value.__module__, file):
                return _found, (value.__module__, file, name)
        return NotImplemented


def _inside(module: Any, name: str) -> Any:
    return reduce(lambda owner, part: getattr(owner, part, None), name.split("."), module)


def _importable(name: str, file: str) -> bool:
    """Does every process with this one's ``sys.path`` find that file under that name?"""
    places = (os.path.join(folder or os.curdir, *name.split(".")) for folder in sys.path)
    return any(_same(file, place) for start in places for place in (f"{start}.py", os.path.join(start, "__init__.py")))


def _same(one: str, other: str) -> bool:
    return os.path.abspath(one) == os.path.abspath(other)


def as_bytes(value: Any) -> bytes:
    """The value as bytes, from which it is known to come back."""
    file = io.BytesIO()
    _Sender(file, protocol=5).dump(value)
    pickle.loads(file.getvalue())
    return file.getvalue()


def _module(name: str, file: str) -> ModuleType:
    """The module of that name and file: the one that is imported, one that can be, else one made of the file."""
    there = sys.modules.get(name)
    if there is not None and _same(str(getattr(there, "__file__", "")), file):
        return there
    if not file or _importable(name, file):
        return importlib.import_module(name)
    return module_of(Path(file))


def _found(module: str, file: str, name: str) -> Any:
    """The function or class of that name in that module."""
    found = _inside(_module(module, file), name)
    if found is None:
        raise AttributeError(f"{file} has no {name!r}")
    return found


def _refusal(fields: Mapping[str, Any], error: Exception) -> str:
    what, value, why = next(_culprits(fields), ("something in it", None, error))
    name = getattr(value, "__qualname__", None)
    named = f"{getattr(value, '__module__', None)}.{name}" if name else ""
    found = f"is {named}, which another process can't find" if named else f"can't be pickled: {why}"
    return (
        f"This simulation can't go to another process: {what} {found}.\n"
        "Give functions and classes that a module defines at its top level (no lambda, nothing inside a function),\n"
        "or for handlers the module's dotted name or file."
    )


def _culprits(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any, Exception]]:
    """Every argument, or entry of one, that doesn't come back from its bytes."""
    for name in _ARGUMENTS:
        for place, value in _entries(name, fields[name]):
            try:
                as_bytes(value)
            except Exception as error:
                yield place, value, error


def _entries(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entries(f"{name}[{key!r}]", inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _entries(name, inner)
    else:
        yield name, value
