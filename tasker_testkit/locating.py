"""Where templates and handlers are looked up: beside the test file, then from the root, then as Python finds them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tasker_testkit.errors import HandlerError, TemplateError, listed, near


def located_template(template: Any, places: Sequence[Path]) -> Any:
    """The template as ``load_template`` takes it: a relative path is looked up in the ``places``, in their order.

    Raises TemplateError that names every place it was looked for. YAML text, mappings and Templates stay as they are.
    """
    if not isinstance(template, (str, os.PathLike)) or (isinstance(template, str) and "\n" in template):
        return template
    tried = _candidates(str(template), places)
    found = next((path for path in tried if path.exists()), None)
    if found is None:
        raise TemplateError(f"There is no template {str(template)!r}. Looked for it at:\n{listed(tried)}{_rule(tried)}")
    return found


def lasting(template: Any) -> Any:
    """The template's source; a path also after somebody changed the working directory."""
    is_path = isinstance(template, os.PathLike) or (isinstance(template, str) and "\n" not in template)
    return Path(template).absolute() if is_path else template


def seen_from_here(source: Any) -> Any:
    """The template's source; a path from the working directory on, if it is below it, as messages show it."""
    below = isinstance(source, Path) and source.is_relative_to(Path.cwd())
    return source.relative_to(Path.cwd()) if below else source


def located_handlers(handlers: Any, places: Sequence[Path]) -> Any:
    """The handlers as a Simulation takes them: ``"handlers"`` finds ``handlers/`` or ``handlers.py`` in a place.

    Raises HandlerError for a path of a ``.py`` file that is in none of them; a dotted name that isn't there is left to
    Python's own search.
    """
    if isinstance(handlers, str):
        return _file(handlers, places) if _is_path(handlers) else _module(handlers, places)
    if isinstance(handlers, os.PathLike):
        return _file(os.fspath(handlers), places)
    if isinstance(handlers, (list, tuple)):
        return [located_handlers(one, places) for one in handlers]
    return handlers


def located_object(name: str, places: Sequence[Path], what: str) -> Any:
    """What ``checks.py:paid_once`` or ``package.checks:paid_once`` names; files and modules are found as handlers are.

    Raises HandlerError if it isn't there; ``what`` is what the message calls it.
    """
    from tasker_testkit.worker.sources import load_module

    home, colon, attribute = name.rpartition(":")
    if not (colon and home and attribute):
        raise HandlerError(f"{what} {name}: give MODULE:NAME, as in checks.py:paid_once or package.checks:paid_once.")
    module = load_module(located_handlers(home, places))
    found = getattr(module, attribute, None)
    if found is None:
        names = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
        raise HandlerError(f"{what}: {home} has no {attribute!r}.{near(attribute, names)} It has:\n{listed(names)}")
    return found


def _is_path(name: str) -> bool:
    return name.endswith(".py") or "/" in name or os.sep in name


def _file(name: str, places: Sequence[Path]) -> Path:
    tried = _candidates(name, places)
    found = next((path for path in tried if path.exists()), None)
    if found is None:
        raise HandlerError(f"There is no handler file {name!r}. Looked for it at:\n{listed(tried)}{_rule(tried)}")
    return found


def _module(name: str, places: Sequence[Path]) -> Path | str:
    return next((path for place in places for path in _module_files(name, place) if path.is_file()), name)


def _module_files(name: str, place: Path) -> Iterator[Path]:
    path = place.joinpath(*name.split("."))
    yield path / "__init__.py"
    yield path.with_name(f"{path.name}.py")


def _candidates(name: str, places: Iterable[Path]) -> list[Path]:
    path = Path(name).expanduser()
    return [path] if path.is_absolute() else list(dict.fromkeys(place / path for place in places))


def _rule(tried: Sequence[Path]) -> str:
    return "\nA relative path is looked up beside the test file, then from rootdir." if len(tried) > 1 else ""
