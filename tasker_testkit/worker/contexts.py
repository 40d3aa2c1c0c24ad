"""A dispatch as the real ``StepContext``, through the SDK's own door (what is where: the worker's event)."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from tasker_testkit.model.dispatch import Dispatch, TaskFacts
from tasker_testkit.model.plain import copied, frozen, thawed
from tasker_testkit.model.template import EventDeclaration, Handler, Retry, StepTemplate, Template
from tasker_testkit.worker.sdk import load
from tasker_testkit.worker.wire import crossed


def context_of(dispatch: Dispatch, handler_name: str) -> Any:
    """The ``StepContext`` that a handler of that name is given; nothing in it is shared with anybody.

    Raises NotJson if the task's input isn't JSON.
    """
    sdk = load()
    event = sdk.FfiStepEvent(
        event_id=dispatch.event_id,
        task_uuid=dispatch.task.task_uuid,
        step_uuid=dispatch.step_uuid,
        correlation_id=dispatch.correlation_id,
        task_correlation_id=dispatch.correlation_id,
        task_sequence_step=sequence_step(dispatch),
    )
    return sdk.StepContext.from_ffi_event(event, handler_name)


def sequence_step(dispatch: Dispatch) -> dict[str, Any]:
    """``task_sequence_step`` with every key that the worker builds; times are naive UTC text.

    What doesn't change from dispatch to dispatch is worked out once, and copied.
    """
    facts, template, at = dispatch.task, dispatch.task.template, _naive(dispatch.at)
    row = _once(facts.made, "task", lambda: _task(facts))
    definition = _once(facts.steps_made, dispatch.step.name, lambda: _definition(dispatch.step))
    row.update(updated_at=at, correlation_id=dispatch.correlation_id)
    return {
        "task": {
            "task": row,
            "task_name": template.name,
            "task_version": template.version,
            "namespace_name": template.namespace_name,
        },
        "workflow_step": _workflow_step(dispatch, at),
        "dependency_results": dispatch.dependency_results,
        "step_definition": definition,
    }


def _once(made: dict[str, bytes], name: str, make: Callable[[], Any]) -> Any:
    """A copy of the thing of that name, which is made the first time."""
    found = made.get(name)
    if found is None:
        found = made[name] = frozen(make())
    return thawed(found)


def _task(facts: TaskFacts) -> dict[str, Any]:
    """The task's row, but for what changes from dispatch to dispatch."""
    created = _kept(facts.created_at)
    return {
        "task_uuid": facts.task_uuid,
        "named_task_uuid": _named(_title(facts.template)),
        "complete": False,
        "requested_at": created,
        "initiator": facts.initiator,
        "source_system": facts.source_system,
        "reason": facts.reason,
        "tags": list(facts.tags),
        "context": crossed(facts.input, "input"),
        "identity_hash": facts.task_uuid.replace("-", ""),
        "priority": facts.priority,
        "created_at": created,
        "parent_correlation_id": None,
    }


def _workflow_step(dispatch: Dispatch, at: str) -> dict[str, Any]:
    step = dispatch.step
    return {
        "workflow_step_uuid": dispatch.step_uuid,
        "task_uuid": dispatch.task.task_uuid,
        "named_step_uuid": _named(f"{_title(dispatch.task.template)}/{step.name}"),
        "name": dispatch.name,
        "template_step_name": step.name,
        "retryable": dispatch.retryable,
        "max_attempts": dispatch.max_attempts,
        "in_process": False,
        "processed": False,
        "processed_at": None,
        "attempts": dispatch.attempts,
        "last_attempted_at": dispatch.last_attempted_at and _naive(dispatch.last_attempted_at),
        "backoff_request_seconds": dispatch.backoff_request_seconds,
        "inputs": copied(dispatch.inputs),
        "results": dispatch.results,
        "checkpoint": copied(dispatch.checkpoint),
        "created_at": _kept(dispatch.task.created_at),
        "updated_at": at,
    }


def _definition(step: StepTemplate) -> dict[str, Any]:
    definition = {
        "name": step.name,
        "description": step.description,
        "handler": _handler(step.handler),
        "type": step.type,
        "system_dependency": step.system_dependency,
        "dependencies": list(step.dependencies),
        "retry": _retry(step.retry),
        "timeout_seconds": step.timeout_seconds,
        "publishes_events": [_declaration(event) for event in step.publishes_events],
        "batch_config": asdict(step.batch_config) if step.batch_config else None,
    }
    if step.result_schema is not None:
        definition["result_schema"] = crossed(step.result_schema, "result_schema")
    return definition


def _handler(handler: Handler) -> dict[str, Any]:
    return {
        "callable": handler.callable,
        "method": handler.method,
        "resolver": handler.resolver,
        "initialization": crossed(handler.initialization, "initialization") if handler.initialization else {},
    }


def _retry(retry: Retry) -> dict[str, Any]:
    return {
        "retryable": retry.retryable,
        "max_attempts": retry.max_attempts,
        "backoff": retry.backoff,
        "backoff_base_ms": retry.backoff_base_ms,
        "max_backoff_ms": retry.max_backoff_ms,
    }


def _declaration(event: EventDeclaration) -> dict[str, Any]:
    declared = {key: getattr(event, key) for key in ("name", "description", "condition", "delivery_mode", "publisher")}
    return {**declared, "schema": crossed(event.schema, "schema")}


def _title(template: Template) -> str:
    return f"{template.namespace_name}/{template.name}/{template.version}"


@functools.lru_cache(maxsize=1_024)
def _named(title: str) -> str:
    """The same UUID for the same name, always."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"tasker:{title}"))


def _naive(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00")


_kept = functools.lru_cache(maxsize=64)(_naive)
"""The same, for an instant that comes again with every attempt."""
