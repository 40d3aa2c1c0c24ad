"""The one door to ``tasker_core``: imported on first use, with its log switched off.

Importing the SDK prints over a hundred start-up lines on file descriptor 1 unless ``RUST_LOG`` says otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasker_testkit.model.unread import Unread
from tasker_testkit.worker.silence import quiet


@dataclass(frozen=True, slots=True)
class Sdk:
    """The names of the SDK that this package uses, all public ones."""

    StepHandler: type[Any]
    StepHandlerResult: type[Any]
    StepContext: type[Any]
    FfiStepEvent: type[Any]
    HandlerRegistry: type[Any]
    HandlerDefinition: type[Any]
    BaseResolver: type[Any]
    ClassLookupResolver: type[Any]
    PermanentError: type[Exception]
    RetryableError: type[Exception]
    BasePublisher: type[Any]
    BaseSubscriber: type[Any]
    StepEventContext: type[Any]
    InProcessDomainEvent: type[Any]
    step_handler: Callable[..., Any]
    errors: Any
    to_json: Callable[..., bytes]
    from_json: Callable[[bytes], Any]


@functools.cache
def load() -> Sdk:
    """The SDK, imported at the first call. Raises ImportError if tasker-py isn't installed."""
    quiet()
    import tasker_core
    from pydantic_core import SchemaSerializer, core_schema, from_json, to_json
    from tasker_core import errors
    from tasker_core.step_handler.functional import step_handler

    reads = core_schema.plain_serializer_function_ser_schema(lambda unread: unread.read())
    Unread.__pydantic_serializer__ = SchemaSerializer(core_schema.any_schema(serialization=reads))
    return Sdk(
        StepHandler=tasker_core.StepHandler,
        StepHandlerResult=tasker_core.StepHandlerResult,
        StepContext=tasker_core.StepContext,
        FfiStepEvent=tasker_core.FfiStepEvent,
        HandlerRegistry=tasker_core.HandlerRegistry,
        HandlerDefinition=tasker_core.HandlerDefinition,
        BaseResolver=tasker_core.BaseResolver,
        ClassLookupResolver=tasker_core.ClassLookupResolver,
        PermanentError=tasker_core.PermanentError,
        RetryableError=tasker_core.RetryableError,
        BasePublisher=tasker_core.BasePublisher,
        BaseSubscriber=tasker_core.BaseSubscriber,
        StepEventContext=tasker_core.StepEventContext,
        InProcessDomainEvent=tasker_core.InProcessDomainEvent,
        step_handler=step_handler,
        errors=errors,
        to_json=to_json,
        from_json=from_json,
    )
