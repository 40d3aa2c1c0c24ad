"""The SDK's own way from an event to a ``StepContext``, shortened: what is known to be right isn't validated again.

A context has the fields that the SDK gives it, filled in here. Its event is written out when somebody looks at it, and
few handlers do. An SDK whose models have other fields than these is always asked itself.
"""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

from tasker_testkit.worker.sdk import load

_EVENT: Final = {
    *("event_id", "task_uuid", "step_uuid", "correlation_id", "task_correlation_id", "parent_correlation_id"),
    *("task_sequence_step", "trace_id", "span_id"),
}
_CONTEXT: Final = {
    *("event", "task_uuid", "step_uuid", "correlation_id", "handler_name", "input_data", "dependency_results"),
    *("step_config", "step_inputs", "retry_count", "max_retries"),
}


class Shown(NamedTuple):
    """What a context shows of its event; both hold the same inner values."""

    context: Any
    dependency_results: dict[str, Any]
    initialization: Any
    inputs: Any
    attempts: int | None
    max_attempts: int


Whole = Callable[[Shown], dict[str, Any]]
"""Makes the ``task_sequence_step``, with what is shown in its places."""


def step_context_of(ids: dict[str, str], shown: Shown, whole: Whole, handler_name: str) -> Any:
    """The ``StepContext`` of an event with these identifiers (all five), which keeps the whole."""
    return _maker()(ids, shown, whole, handler_name)


def validated(event: dict[str, Any], handler_name: str) -> Any:
    """The same of an event as the worker sends it, made by the SDK."""
    sdk = load()
    return sdk.StepContext.from_ffi_event(sdk.FfiStepEvent(**event), handler_name)


def _asked(ids: dict[str, str], shown: Shown, whole: Whole, handler_name: str) -> Any:
    return validated({**ids, "task_sequence_step": whole(shown)}, handler_name)


@functools.cache
def _maker() -> Callable[[dict[str, str], Shown, Whole, str], Any]:
    sdk = load()
    is_known = set(sdk.FfiStepEvent.model_fields) == _EVENT and set(sdk.StepContext.model_fields) == _CONTEXT
    return _shortened if is_known else _asked


@functools.lru_cache(maxsize=16_384)
def _uuid(text: str) -> UUID:
    return UUID(text)


def _shortened(ids: dict[str, str], shown: Shown, whole: Whole, handler_name: str) -> Any:
    context, results, config = shown.context, shown.dependency_results, shown.initialization
    inputs = shown.inputs or {}
    are_dicts = isinstance(context, dict) and isinstance(config, dict) and isinstance(inputs, dict)
    if not (are_dicts and isinstance(handler_name, str)):
        return _asked(ids, shown, whole, handler_name)  # which says what is wrong
    inner = Shown(context.copy(), results.copy(), config.copy(), shown.inputs and inputs.copy(), *shown[4:])
    fields = {
        "event": _late({"ids": ids, "shown": inner, "whole": whole}),
        "task_uuid": _uuid(ids["task_uuid"]),
        "step_uuid": _uuid(ids["step_uuid"]),
        "correlation_id": _uuid(ids["correlation_id"]),
        "handler_name": handler_name,
        "input_data": context,
        "dependency_results": results,
        "step_config": config,
        "step_inputs": inputs,
        "retry_count": shown.attempts or 0,
        "max_retries": shown.max_attempts or 3,
    }
    return _filled(load().StepContext, fields, set(fields))


_set: Final = object.__setattr__


def _filled(model: type[Any], fields: dict[str, Any], given: set[str]) -> Any:
    """An instance with these fields, as unpickling makes one."""
    made = object.__new__(model)
    _fill(made, fields, given)
    return made


def _fill(made: Any, fields: dict[str, Any], given: set[str]) -> None:
    _set(made, "__dict__", fields)
    _set(made, "__pydantic_fields_set__", given)
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)


# -- an event that nobody has looked at yet ----------------------------------------------------------------------------


def _late(parts: dict[str, Any]) -> Any:
    event = object.__new__(_late_event())
    _set(event, "__dict__", parts)
    return event


_opening: Final = threading.RLock()


@functools.cache
def _late_event() -> type[Any]:
    """A class of events that become the SDK's own, in every respect, as soon as anything is asked of them."""
    real: Any = load().FfiStepEvent

    class FfiStepEvent(real):  # type: ignore[misc]
        model_config: ClassVar[Any] = {"defer_build": True}

        def __getattribute__(self, name: str) -> Any:
            _open(self, real)
            return getattr(self, name)

        def __copy__(self) -> Any:
            _open(self, real)
            return copy.copy(self)

    return FfiStepEvent


def _open(event: Any, real: type[Any]) -> None:
    """Write the event out. Threads may ask at once: they are given the same."""
    with _opening:
        if type(event) is not real:
            late = object.__getattribute__(event, "__dict__")
            if "whole" in late:
                fields = _event(late["ids"], late["whole"](late["shown"]))
                _fill(event, fields, {*late["ids"], "task_sequence_step"})
            _set(event, "__class__", real)


def _event(ids: dict[str, str], whole: dict[str, Any]) -> dict[str, Any]:
    """The fields, in the SDK's order."""
    return {
        "event_id": ids["event_id"],
        "task_uuid": ids["task_uuid"],
        "step_uuid": ids["step_uuid"],
        "correlation_id": ids["correlation_id"],
        "task_correlation_id": ids["task_correlation_id"],
        "parent_correlation_id": None,
        "task_sequence_step": whole,
        "trace_id": None,
        "span_id": None,
    }
