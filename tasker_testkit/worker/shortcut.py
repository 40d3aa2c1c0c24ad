"""The SDK's own way from an event to a ``StepContext``, shortened: what is known to be right isn't validated again.

The first context of all is made through the SDK's door. Every later one has the same fields, filled in here. An SDK
whose models have other fields than these is always asked itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final
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


def step_context_of(event: dict[str, Any], handler_name: str) -> Any:
    """The ``StepContext`` of an event with all ids and the whole ``task_sequence_step``, which it keeps."""
    return _maker()(event, handler_name)


def validated(event: dict[str, Any], handler_name: str) -> Any:
    """The same, made by the SDK."""
    sdk = load()
    return sdk.StepContext.from_ffi_event(sdk.FfiStepEvent(**event), handler_name)


@functools.cache
def _maker() -> Callable[[dict[str, Any], str], Any]:
    sdk = load()
    is_known = set(sdk.FfiStepEvent.model_fields) == _EVENT and set(sdk.StepContext.model_fields) == _CONTEXT
    return _shortened if is_known else validated


@functools.lru_cache(maxsize=16_384)
def _uuid(text: str) -> UUID:
    return UUID(text)


_BARE: Final = {"__pydantic_extra__": None, "__pydantic_private__": None}


def _shortened(given: dict[str, Any], handler_name: str) -> Any:
    sdk, whole = load(), given["task_sequence_step"]
    step, config = whole["workflow_step"], whole["step_definition"]["handler"]["initialization"]
    input_data, inputs = whole["task"]["task"]["context"], step["inputs"] or {}
    are_dicts = isinstance(input_data, dict) and isinstance(config, dict) and isinstance(inputs, dict)
    if not (are_dicts and isinstance(handler_name, str)):
        return validated(given, handler_name)  # which says what is wrong
    event = {
        "event_id": given["event_id"],
        "task_uuid": given["task_uuid"],
        "step_uuid": given["step_uuid"],
        "correlation_id": given["correlation_id"],
        "task_correlation_id": given["task_correlation_id"],
        "parent_correlation_id": None,
        "task_sequence_step": whole,
        "trace_id": None,
        "span_id": None,
    }
    fields = {
        "event": _filled(sdk.FfiStepEvent, event, set(given)),
        "task_uuid": _uuid(given["task_uuid"]),
        "step_uuid": _uuid(given["step_uuid"]),
        "correlation_id": _uuid(given["correlation_id"]),
        "handler_name": handler_name,
        "input_data": input_data.copy(),
        "dependency_results": whole["dependency_results"].copy(),
        "step_config": config.copy(),
        "step_inputs": inputs.copy(),
        "retry_count": step["attempts"] or 0,
        "max_retries": step["max_attempts"] or 3,
    }
    return _filled(sdk.StepContext, fields, set(fields))


def _filled(model: type[Any], fields: dict[str, Any], given: set[str]) -> Any:
    """An instance with these fields, as unpickling makes one."""
    made: Any = object.__new__(model)
    made.__setstate__({**_BARE, "__dict__": fields, "__pydantic_fields_set__": given})
    return made
