"""Which part of a scenario an error is about: the one without which there is no such error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from tasker_testkit.errors import HandlerError, StubError, TaskerTestkitError, TemplateError

Path = list[str | int]
"""Keys and indexes."""

_BY_THEMSELVES: Final = (
    *("routes", "systems", "durations", "start", "environment", "timezone", "workers", "actions", "profile", "setup"),
)
"""Parts that nothing else needs: without a wrong one all is well."""
_NEEDED: Final = {StubError: "stubs", HandlerError: "handlers"}
"""Parts without which steps can't run: without a wrong one the error is another, and its kind tells which it is."""


def culprit(data: Mapping[str, Any], build: Callable[[Mapping[str, Any]], object], error: Exception) -> Path:
    """The path to what is to blame that ``build(data)`` has raised this error; empty if that can't be told.

    ``build`` makes what the data describes; it is asked again with parts of the data left out.
    """
    if isinstance(error, TemplateError):
        return ["template"]
    for key in _BY_THEMSELVES:
        if key in data and _raised(build, _without(data, [key])) is None:
            return next((one for one in _inside(key, data[key]) if _raised(build, _without(data, one)) is None), [key])
    key = next((key for kind, key in _NEEDED.items() if isinstance(error, kind) and key in data), "")
    paths: list[Path] = [*_inside(key, data[key]), [key]] if key else []
    return next((one for one in paths if _raised(build, _without(data, one)) != str(error)), [])


def _inside(key: str, value: Any) -> Iterator[Path]:
    names: Iterable[str | int] = value if isinstance(value, Mapping) else ()
    yield from ([key, name] for name in (range(len(value)) if isinstance(value, list) else names))


def _raised(build: Callable[[Mapping[str, Any]], object], data: Mapping[str, Any]) -> str | None:
    """What building that raises."""
    try:
        build(data)
    except TaskerTestkitError as error:
        return str(error)
    return None


def _without(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    key, *rest = path
    if not rest:
        return {name: value for name, value in data.items() if name != key}
    inner = data[str(key)]
    kept = {n: v for n, v in inner.items() if n != rest[0]} if isinstance(inner, Mapping) else [*inner]
    if isinstance(kept, list):
        del kept[int(rest[0])]
    return {**data, str(key): kept}
