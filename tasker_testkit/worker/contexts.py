"""A dispatch as the real ``StepContext``, through the SDK's own door (what is where: the worker's event)."""

from __future__ import annotations

import functools
import uuid
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from tasker_testkit.model.dispatch import Dispatch, TaskFacts
from tasker_testkit.model.plain import Frozen, copied, frozen
from tasker_testkit.model.template import EventDeclaration, Handler, Retry, StepTemplate
from tasker_testkit.worker.shortcut import Shown, step_context_of
from tasker_testkit.worker.wire import crossed


def context_of(dispatch: Dispatch, handler_name: str) -> Any:
    """The ``StepContext`` that a handler of that name is given; nothing in it is shared with anybody.

    Raises NotJson if the task's input isn't JSON.
    """
    ids = {
        "event_id": dispatch.event_id,
        "task_uuid": dispatch.task.task_uuid,
        "step_uuid": dispatch.step_uuid,
        "correlation_id": dispatch.correlation_id,
        "task_correlation_id": dispatch.correlation_id,
    }
    return step_context_of(ids, _shown(dispatch), partial(_whole, dispatch), handler_name)


def sequence_step(dispatch: Dispatch) -> dict[str, Any]:
    """``task_sequence_step`` with every key that the worker builds, a new one each time; times are naive UTC text.

    What doesn't change from dispatch to dispatch is worked out once.
    """
    return _whole(dispatch, _shown(dispatch))


def _shown(dispatch: Dispatch) -> Shown:
    """New copies of what handlers look at first."""
    facts = dispatch.task
    made = facts.steps_made.get(dispatch.step.name) or _prepared(facts, dispatch.step)
    return Shown(
        (facts.made.get("context") or _context(facts))(),
        {name: result() for name, result in dispatch.dependency_results.items()},
        made.initialization(),
        copied(dispatch.inputs) if dispatch.inputs else dispatch.inputs,
        dispatch.attempts,
        dispatch.max_attempts,
    )


def _whole(dispatch: Dispatch, shown: Shown) -> dict[str, Any]:
    facts, at = dispatch.task, _naive(dispatch.at)
    template, made = facts.template, facts.steps_made[dispatch.step.name]
    definition = made.definition()
    definition["handler"]["initialization"] = shown.initialization
    return {
        "task": {
            "task": _task(dispatch, made.named_task, at, shown.context),
            "task_name": template.name,
            "task_version": template.version,
            "namespace_name": template.namespace_name,
        },
        "workflow_step": _workflow_step(dispatch, made.named_step, at, shown.inputs),
        "dependency_results": shown.dependency_results,
        "step_definition": definition,
    }


class _Prepared(NamedTuple):
    """What all dispatches of a template's step have in common."""

    named_task: str
    named_step: str
    definition: Frozen
    initialization: Frozen


def _prepared(facts: TaskFacts, step: StepTemplate) -> _Prepared:
    title = f"{facts.template.namespace_name}/{facts.template.name}/{facts.template.version}"
    definition, given = _definition(step), step.handler.initialization
    initialization = frozen(crossed(given, "initialization") if given else {})
    made = _Prepared(_named(title), _named(f"{title}/{step.name}"), frozen(definition), initialization)
    facts.steps_made[step.name] = made
    return made


def _context(facts: TaskFacts) -> Frozen:
    made: Frozen = frozen(crossed(facts.input, "input"))
    facts.made["context"] = made
    return made


def _task(dispatch: Dispatch, named_uuid: str, at: str, context: Any) -> dict[str, Any]:
    facts = dispatch.task
    created = _kept(facts.created_at)
    return {
        "task_uuid": facts.task_uuid,
        "named_task_uuid": named_uuid,
        "complete": False,
        "requested_at": created,
        "initiator": facts.initiator,
        "source_system": facts.source_system,
        "reason": facts.reason,
        "tags": list(facts.tags),
        "context": context,
        "identity_hash": facts.task_uuid.replace("-", ""),
        "priority": facts.priority,
        "created_at": created,
        "updated_at": at,
        "correlation_id": dispatch.correlation_id,
        "parent_correlation_id": None,
    }


def _workflow_step(dispatch: Dispatch, named_uuid: str, at: str, inputs: Any) -> dict[str, Any]:
    results, checkpoint, last = dispatch.results, dispatch.checkpoint, dispatch.last_attempted_at
    return {
        "workflow_step_uuid": dispatch.step_uuid,
        "task_uuid": dispatch.task.task_uuid,
        "named_step_uuid": named_uuid,
        "name": dispatch.name,
        "template_step_name": dispatch.step.name,
        "retryable": dispatch.retryable,
        "max_attempts": dispatch.max_attempts,
        "in_process": False,
        "processed": False,
        "processed_at": None,
        "attempts": dispatch.attempts,
        "last_attempted_at": _naive(last) if last else None,
        "backoff_request_seconds": dispatch.backoff_request_seconds,
        "inputs": inputs,
        "results": results() if results else None,
        "checkpoint": copied(checkpoint) if checkpoint else checkpoint,
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
        "initialization": None,  # each dispatch's own
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


@functools.lru_cache(maxsize=1_024)
def _named(title: str) -> str:
    """The same UUID for the same name, always."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"tasker:{title}"))


def _naive(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00")


_kept = functools.lru_cache(maxsize=64)(_naive)
"""The same, for an instant that comes again with every attempt."""
