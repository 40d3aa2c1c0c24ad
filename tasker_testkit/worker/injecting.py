"""A planned exception, as if the step's own handler had raised it (row 7)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NoReturn

from tasker_testkit.model.outcome import Ending
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import StepTemplate
from tasker_testkit.worker.endings import raised, returned
from tasker_testkit.worker.handlers import HandlerSet
from tasker_testkit.worker.sdk import load


def raised_in(handlers: HandlerSet, step: StepTemplate, error: BaseException, profile: Profile) -> Ending:
    """The ending of an attempt in which the step's handler, a class or a function, raises ``error``."""
    handler = handlers.resolve(step, profile)
    if not _is_function(handler) or not isinstance(error, Exception):
        return raised(error, profile)

    def planned() -> NoReturn:
        raise error.with_traceback(None)  # else every time it is raised adds to it

    decorated = load().step_handler(step.handler.callable)(planned)
    return returned(decorated._handler_class().call(None), profile)


@functools.cache
def error_classes() -> Mapping[str, type[BaseException]]:
    """The SDK's exceptions by name, for faults that are data."""
    errors = vars(load().errors).values()
    return {found.__name__: found for found in errors if isinstance(found, type) and issubclass(found, BaseException)}


def _is_function(handler: Any) -> bool:
    """Is this the class that the SDK's decorators make of a function?"""
    return getattr(type(handler).call, "__module__", "") == load().step_handler.__module__ if handler else False
