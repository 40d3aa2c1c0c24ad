"""Which keys of other steps' results a handler reads: it is handed dicts that note what is asked of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import StepTemplate
from tasker_testkit.worker.handlers import HandlerSet


class Readings:
    """What was read so far: the keys of each step's result, by the step's name."""

    def __init__(self) -> None:
        self._noted: dict[str, set[str]] = {}
        self._opened: dict[str, frozenset[str]] = {}

    def watch(self, context: Any) -> Any:
        """The same context, whose dependency results tell what is read of them."""
        for name, stored in context.dependency_results.items():
            if isinstance(stored, dict) and isinstance(stored.get("result"), dict):
                context.dependency_results[name] = _Stored(stored, self, name)
        return context

    def opened(self, name: str, result: dict[str, Any]) -> dict[str, Any]:
        """Somebody fetched the whole result."""
        self._opened[name] = frozenset(result)
        return _Noting(result, self._noted.setdefault(name, set()))

    def keys(self) -> dict[str, frozenset[str]]:
        """The keys that were read, by step. A result that was fetched without any was read in a way that can't be seen:
        as a whole."""
        return {name: frozenset(self._noted[name]) or whole for name, whole in self._opened.items()}


class _Stored(dict[str, Any]):
    """A stored result; its ``result`` notes what is read of it."""

    def __init__(self, stored: dict[str, Any], readings: Readings, name: str) -> None:
        super().__init__(stored)
        self._readings = readings
        self._name = name

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return self._readings.opened(self._name, value) if key == "result" else value

    def get(self, key: str, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        self["result"]  # whoever looks at everything gets it in a way that can't be seen
        return super().__iter__()

    def items(self) -> Any:
        self["result"]
        return super().items()

    def values(self) -> Any:
        self["result"]
        return super().values()


class _Noting(dict[str, Any]):
    """A result that notes which of its keys are asked for."""

    def __init__(self, result: dict[str, Any], noted: set[str]) -> None:
        super().__init__(result)
        self._noted = noted


def _one(method: Callable[..., Any]) -> Callable[..., Any]:
    """The same method of dict, which also notes its key."""

    def noting(self: _Noting, key: str, *others: Any) -> Any:
        self._noted.add(key)
        return method(self, key, *others)

    return noting


def _all(method: Callable[..., Any]) -> Callable[..., Any]:
    """The same method of dict, which also notes every key."""

    def noting(self: _Noting, *others: Any) -> Any:
        self._noted.update(dict.keys(self))
        return method(self, *others)

    return noting


_ONE: Final = ("__getitem__", "__contains__", "get", "pop", "setdefault")
_ALL: Final = ("__iter__", "__reversed__", "__eq__", "__or__", "__ror__", "__repr__", "keys", "values", "items", "copy")
for _names, _made in ((_ONE, _one), (_ALL, _all)):
    for _name in _names:
        setattr(_Noting, _name, _made(getattr(dict, _name)))


class Watched:
    """Handlers whose contexts are watched; else the same."""

    def __init__(self, handlers: HandlerSet, readings: Readings) -> None:
        self._handlers = handlers
        self._readings = readings

    def resolve(self, step: StepTemplate, profile: Profile) -> Any:
        """The step's handler, or None."""
        handler = self._handlers.resolve(step, profile)
        return handler if handler is None else _Watcher(handler, self._readings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handlers, name)


class _Watcher:
    """One handler that is given watched contexts."""

    def __init__(self, handler: Any, readings: Readings) -> None:
        self._handler = handler
        call = handler.call

        async def call_async(context: Any) -> Any:
            return await call(readings.watch(context))

        def call_plain(context: Any) -> Any:
            return call(readings.watch(context))

        self.call = call_async if inspect.iscoroutinefunction(call) else call_plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)
