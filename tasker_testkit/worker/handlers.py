"""Which handler does a step: names, dotted paths and files, resolved by the SDK's own registry."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from tasker_testkit.errors import near
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import StepTemplate, Template
from tasker_testkit.worker.event_parts import EventParts
from tasker_testkit.worker.sdk import load


class HandlerSet:
    """The handlers of one simulation, in a registry of their own; ``load_handlers`` makes it."""

    def __init__(self) -> None:
        self.origins: list[Any] = []
        """Each source that they were loaded from; ``load_handlers`` makes the same of them."""
        self.events = EventParts()
        """The publishers and subscribers of domain events that were beside them."""
        self._registry = load().HandlerRegistry()
        self._chain = self._registry.resolver_chain
        self._classes: dict[str, type] = {}
        self._abstract: dict[str, type] = {}
        self._files: list[tuple[Path, ModuleType]] = []
        self._only_builtin = True

    @property
    def names(self) -> tuple[str, ...]:
        """Every registered callable, sorted."""
        return tuple(sorted(self._chain.registered_callables()))

    def add(self, name: str, handler: Any) -> None:
        """Register a class (a new instance for every execution) or an instance under ``name``."""
        self._classes.pop(name, None)
        if isinstance(handler, type):
            self._classes[name] = handler
            if issubclass(handler, load().StepHandler):
                self._registry.register(name, handler)
                return
        self._chain.register(name, handler)

    def add_abstract(self, name: str, handler: type) -> None:
        """Remember an abstract class, which is no handler, for the message when a step wants it."""
        self._abstract[name] = handler

    def add_resolver(self, resolver: Any) -> None:
        """Put a resolver of the user's into the chain, at its own priority."""
        self._only_builtin = False
        self._chain.add_resolver(resolver)

    def add_file(self, path: Path, module: ModuleType) -> None:
        """Let ``module.Class`` and ``folder.module.Class`` name the classes of a file, whatever the import path is."""
        self._files.append((path, module))

    def resolve(self, step: StepTemplate, profile: Profile) -> Any:
        """A new handler instance for the step, or None if there is none. ``method`` and ``resolver``: row 16.

        Raises what the SDK's registry raises: ResolverNotFoundError for an unknown ``resolver``.
        """
        handler, name = step.handler, callable_of(step)
        plain = not (profile.honours_method and (handler.resolver or handler.method))
        if plain and self._only_builtin and name in self._classes:
            with suppress(Exception):  # the chain knows what comes next
                return self._classes[name]()  # what its first resolver would do
        if self._belongs_to_file(name):
            return None
        definition = load().HandlerDefinition(callable=name)
        if profile.honours_method:
            definition.handler_method, definition.resolver = handler.method, handler.resolver
            definition.initialization = dict(handler.initialization)
        return self._registry.resolve(definition)

    def _belongs_to_file(self, name: str) -> bool:
        """Register a class that ``name`` finds in one of our files; True if the file is ours and lacks it."""
        if name in self._classes or not load().ClassLookupResolver.CLASS_PATTERN.match(name):
            return False
        *folders, class_name = name.split(".")
        ours = [m for path, m in self._files if _dotted(path)[-len(folders) :] == folders]
        found = [vars(module)[class_name] for module in ours if isinstance(vars(module).get(class_name), type)]
        if found:
            self.add(name, found[0])
        return bool(ours) and not found

    def problems(self, template: Template, profile: Profile, *, skip: Collection[str] = ()) -> list[str]:
        """Every step whose handler can't be had, one text each. ``skip``: names of steps that need none."""
        checked = {step.name: self._problem(step, profile) for step in template.steps if step.name not in skip}
        return [f"Step {name!r}: {problem}" for name, problem in checked.items() if problem]

    def _problem(self, step: StepTemplate, profile: Profile) -> str | None:
        try:
            handler = self.resolve(step, profile)
        except Exception as error:
            names = self._chain.resolver_names
            return f"{error}.{near(step.handler.resolver, names)} Known resolvers: {', '.join(names)}"
        if handler is None:
            return self._missing(step, profile)
        if not callable(getattr(handler, "call", None)):
            return f"{type(handler).__name__} has no method 'call'; Tasker calls handler.call(context)"
        return None

    def _missing(self, step: StepTemplate, profile: Profile) -> str:
        name, method = callable_of(step), step.handler.method
        try:
            found = self.handler_class(name) or self._abstract.get(name)
        except Exception as error:
            return f"{name!r} can't be imported: {type(error).__name__}: {error}"
        if found is None:
            return f"no handler for {name!r}.{near(name, self.names)}"
        if inspect.isabstract(found):
            return f"{found.__name__} lacks {_unwritten(found)}; Tasker calls handler.call(context)"
        broken = _constructor_error(found, dict(step.handler.initialization) if profile.honours_method else {})
        if broken:
            return broken
        if profile.honours_method and method and not hasattr(found, method):
            return f"{found.__name__} has no method {method!r}.{near(method, _methods(found))}"
        return f"{name!r} exists, but its resolver {step.handler.resolver!r} doesn't find it"

    def handler_class(self, name: str) -> type | None:
        """The class that a callable names, without making an instance; None if there is none."""
        if name in self._classes:
            return self._classes[name]
        if not load().ClassLookupResolver.CLASS_PATTERN.match(name) or self._belongs_to_file(name):
            return None
        module, _, class_name = name.rpartition(".")
        try:
            found = getattr(importlib.import_module(module), class_name, None)
        except ModuleNotFoundError as error:
            if module.startswith(error.name or "?"):
                return None
            raise
        return found if isinstance(found, type) else None


def callable_of(step: StepTemplate) -> str:
    """The name that the worker looks up: the template's callable, the step's own name if that is empty."""
    return step.handler.callable or step.name


def _dotted(path: Path) -> list[str]:
    return list(path.parent.parts if path.name == "__init__.py" else path.with_suffix("").parts)


def _methods(handler: type) -> list[str]:
    return [name for name in dir(handler) if not name.startswith("_")]


def _unwritten(handler: type) -> str:
    """The abstract methods that a class leaves to its subclasses."""
    return " and ".join(f"its method {name!r}" for name in sorted(getattr(handler, "__abstractmethods__", ())))


def _constructor_error(handler: type, initialization: dict[str, Any]) -> str | None:
    """What making an instance says, as Tasker tries it: without arguments, after a TypeError with ``config=``."""
    try:
        handler()
    except TypeError as first:
        try:
            handler(config=initialization)
        except Exception as second:
            name = handler.__name__
            return f"{name}() raised {_told(first)}; {name}(config=...) raised {_told(second)}"
    except Exception as error:
        return f"{handler.__name__}() raised {_told(error)}"
    return None


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
