"""Where handlers come from: modules, dotted names, files, mappings, classes, or several of these."""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from tasker_testkit.errors import HandlerError, listed, near
from tasker_testkit.worker.event_parts import takes_part
from tasker_testkit.worker.handlers import HandlerSet
from tasker_testkit.worker.sdk import load
from tasker_testkit.worker.silence import quiet
from tasker_testkit.worker.walltime import DISPLACED

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def load_handlers(handlers: Any) -> HandlerSet:
    """The handlers of ``handlers``: a module, a dotted name, a path of a ``.py`` file, a mapping of callable to handler
    (a class, an instance, a function handler), a handler itself, a resolver, or a sequence of these.

    Raises HandlerError for what can't be imported or isn't a handler.
    """
    if isinstance(handlers, HandlerSet):
        return handlers
    quiet()
    result = HandlerSet()
    _add(result, handlers)
    return result


def _add(handlers: HandlerSet, source: Any) -> None:
    if isinstance(source, str) and not _is_path(source):
        source = _imported(source)
    if _is_several(source):
        for one in source:
            _add(handlers, one)
        return
    if isinstance(source, (str, os.PathLike)):
        source = Path(source).expanduser().resolve()
    handlers.origins.append(dict(source) if isinstance(source, Mapping) else source)
    _add_one(handlers, source)


def _add_one(handlers: HandlerSet, source: Any) -> None:
    if isinstance(source, Path):
        _add_file(handlers, source)
    elif isinstance(source, ModuleType):
        _add_modules(handlers, (source, *_submodules(source)))
    elif isinstance(source, Mapping):
        for name, handler in source.items():
            if takes_part(handler):
                handlers.events.add(handler, name=str(name))
            else:
                handlers.add(str(name), _usable(name, handler))
    elif takes_part(source):
        handlers.events.add(source)
    elif isinstance(source, load().BaseResolver):
        handlers.add_resolver(source)
    elif _name_of(source):
        handlers.add(str(_name_of(source)), _usable(_name_of(source), source))
    else:
        raise HandlerError(
            f"handlers: {source!r} is no source of handlers. Give a module, a dotted name, a path of a .py file, "
            "a mapping of callable to handler, or a sequence of these."
        )


def _is_several(source: Any) -> bool:
    """Neither a mapping, a resolver nor a handler, all of which could be iterable."""
    one = isinstance(source, (str, os.PathLike, Mapping, type, load().BaseResolver)) or _name_of(source)
    return isinstance(source, Iterable) and not one


def _is_path(source: str) -> bool:
    return source.endswith(".py") or "/" in source or os.sep in source


def _name_of(source: Any) -> Any:
    return getattr(getattr(source, "_handler_class", source), "handler_name", None)


def _usable(name: object, handler: Any) -> Any:
    """A handler as the registry wants it: a function handler's class, else a class or an instance with ``call``."""
    handler = getattr(handler, "_handler_class", handler)
    if callable(getattr(handler, "call", None)) and not inspect.isabstract(handler):
        return handler
    what = f"{handler!r} has no method 'call'"
    if inspect.isfunction(handler):
        what = f"{handler.__name__} is a plain function; decorate it with @step_handler({str(name)!r})"
    raise HandlerError(
        f"handlers: {name!r}: {what}. A handler is a StepHandler class, an instance or a function handler."
    )


def _add_modules(handlers: HandlerSet, modules: Iterable[ModuleType]) -> None:
    for module in modules:
        for name in sorted(vars(module)):  # the SDK's order: of two classes with one name the last wins
            found = vars(module)[name]
            if isinstance(found, type) and takes_part(found):
                handlers.events.add(found)
            found = found if isinstance(found, type) else getattr(found, "_handler_class", None)
            if isinstance(found, type) and _is_handler(found):
                add = handlers.add_abstract if inspect.isabstract(found) else handlers.add
                add(_name_of(found), found)


def _is_handler(found: type) -> bool:
    """A StepHandler with a name that isn't one of the SDK's own bases."""
    home = sys.modules.get(found.__module__)  # function handlers claim the SDK's, but can't be found there
    own_base = found.__module__.startswith("tasker_core.") and getattr(home, found.__name__, None) is found
    return issubclass(found, load().StepHandler) and bool(getattr(found, "handler_name", None)) and not own_base


def _submodules(module: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{module.__name__}."):
        if not found.name.endswith(".__main__"):
            submodule = _imported(found.name)
            yield submodule
            yield from _submodules(submodule)


def _imported(name: str) -> ModuleType:
    folder = os.getcwd()
    sys.path.append(folder)
    try:
        return _guarded(functools.partial(importlib.import_module, name), name)
    finally:
        sys.path.remove(folder)


def _guarded(run: Callable[[], ModuleType], name: str) -> ModuleType:
    try:
        return run()
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise HandlerError(_no_module(name)) from None
        raise HandlerError(_failed(name, error)) from None
    except (Exception, SystemExit) as error:
        raise HandlerError(_failed(name, error)) from None


def _no_module(name: str) -> str:
    beside = sorted(path.stem for path in Path.cwd().glob("*.py"))
    return (
        f"handlers: there is no module {name!r}.{near(name, beside)} Python looked for it in\n"
        f"{listed(dict.fromkeys(path or os.getcwd() for path in [os.getcwd(), *sys.path]))}\n"
        "Give a module that can be imported from there, or the path of a .py file."
    )


def _failed(name: str, error: BaseException) -> str:
    """The user's own part of the traceback: neither importlib's frames nor ours."""
    frames = traceback.extract_tb(error.__traceback__)
    kept = [f for f in frames if not f.filename.startswith((_OWN, "<frozen ")) and "importlib" not in f.filename]
    lines = [*traceback.format_list(kept), *traceback.format_exception_only(error)]
    return f"handlers: importing {name!r} failed:\n" + "".join(lines).rstrip()


def _add_file(handlers: HandlerSet, path: Path) -> None:
    if path.is_dir() and (path / "__init__.py").is_file():
        path = path / "__init__.py"
    if not path.is_file():
        beside = sorted(str(one) for one in path.parent.glob("*.py"))
        raise HandlerError(
            f"handlers: there is no file {path}.{near(path, beside)} Python files in that folder:\n{listed(beside)}"
        )
    handlers.add_file(path, module_of(path))
    _add_modules(handlers, _all_modules_of(path))


def load_module(source: str | Path) -> ModuleType:
    """The module of a dotted name, or of a ``.py`` file. Raises HandlerError for what can't be imported."""
    return module_of(source.resolve()) if isinstance(source, Path) else _imported(source)


def module_of(path: Path) -> ModuleType:
    """The module of a file, imported unless it was before. Raises HandlerError."""
    return _all_modules_of(path)[0]


def _all_modules_of(path: Path) -> tuple[ModuleType, ...]:
    """The module of a file and, if it is a package, its submodules."""
    stat = path.stat()
    found = _modules_of(path, stat.st_mtime_ns, stat.st_size)
    if sys.modules.get(found[0].__name__) is not found[0] and found[0] not in DISPLACED:
        _modules_of.cache_clear()  # somebody took it out of sys.modules: it isn't imported any more
        return _modules_of(path, stat.st_mtime_ns, stat.st_size)
    return found


@functools.lru_cache(maxsize=256)
def _modules_of(path: Path, changed: int, size: int) -> tuple[ModuleType, ...]:
    """The module of a file in that state and, if it is a package, its submodules."""
    found = _imported_before(path, (changed, size))
    root, run = _importer(path)
    with _importing(root):
        module = found or _guarded(run, str(path))
        vars(module)["__tasker_testkit_state__"] = (changed, size)
        return (module, *_submodules(module))


def _imported_before(path: Path, state: tuple[int, int]) -> ModuleType | None:
    """The module that is already imported from the file, unless the file has changed since."""
    for module in (*sys.modules.values(), *DISPLACED):
        if isinstance(module, ModuleType) and vars(module).get("__file__") == str(path):
            if vars(module).get("__tasker_testkit_state__", state) == state:
                return module
            _forget(module)
    return None


def _forget(module: ModuleType) -> None:
    if sys.modules.get(module.__name__) is module:
        del sys.modules[module.__name__]
    if module in DISPLACED:
        DISPLACED.remove(module)


def _importer(path: Path) -> tuple[Path, Callable[[], ModuleType]]:
    """How to import the file, and from which folder: as part of its package, else as a module of its own."""
    root, name = _rooted(path)
    if "." in name or path.name == "__init__.py":
        return root, functools.partial(importlib.import_module, name)
    return root, functools.partial(_executed, path, _free_name(path))


def _rooted(path: Path) -> tuple[Path, str]:
    """The folder from which the file is imported, and its name there (packages are folders with ``__init__.py``)."""
    parts = [] if path.name == "__init__.py" else [path.stem]
    root = path.parent
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    return root, ".".join(parts)


def _free_name(path: Path) -> str:
    """The file's own name; if that is another module's, never to be mixed up, one that only this path has."""
    taken = path.stem in sys.modules or path.stem in sys.stdlib_module_names
    return f"{path.stem}_{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}" if taken else path.stem


def _executed(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _importing(root: Path) -> Iterator[None]:
    """Imports look in ``root`` first; modules of the same names from elsewhere are put aside for so long."""
    local = {path.stem for path in root.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    aside = {name: module for name, module in sys.modules.items() if _clashes(name, module, local, root)}
    for name in aside:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))
        DISPLACED.extend(sys.modules[name] for name in aside if name in sys.modules)
        sys.modules.update(aside)


def _clashes(name: str, module: ModuleType, local: set[str], root: Path) -> bool:
    top = name.partition(".")[0]
    if top not in local or top in sys.stdlib_module_names or top == "__main__":
        return False
    file = getattr(module, "__file__", None)
    return file is not None and not str(file).startswith(str(root) + os.sep)
