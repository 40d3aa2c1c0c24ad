"""Every key of a template file (``docs/templates.md``): how it's read, what's needed, what it becomes."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from tasker_testkit.model.loading.reading import (
    Reader,
    choice,
    free,
    list_of,
    map_of,
    moment,
    number,
    optional,
    text,
    truth,
)
from tasker_testkit.model.loading.records import Key, record
from tasker_testkit.model.template import (
    BACKOFF_STRATEGIES,
    DELIVERY_MODES,
    EVENT_CONDITIONS,
    FAILURE_STRATEGIES,
    STEP_TYPES,
    BatchConfig,
    EventDeclaration,
    Handler,
    Lifecycle,
    Retry,
    StepOverride,
    StepTemplate,
    Template,
)

_U32: Final = number(0, 2**32 - 1)
_U64: Final = number(0, 2**64 - 1)
_I32: Final = number(-(2**31), 2**31 - 1)
_MAYBE_TEXT: Final = optional(text)
_MAYBE_MINUTES: Final = optional(_I32)

_RETRY: Final = record(
    partial(Retry, backoff_base_ms=None, max_backoff_ms=None),
    Key("retryable", truth),
    Key("max_attempts", _U32),
    Key("backoff", choice(*BACKOFF_STRATEGIES)),
    Key("backoff_base_ms", optional(_U64)),
    Key("max_backoff_ms", optional(_U64)),
)

_HANDLER: Final = record(
    Handler,
    Key("callable", text, needed=True),
    Key("method", _MAYBE_TEXT),
    Key("resolver", _MAYBE_TEXT),
    Key("initialization", map_of(free)),
)

_EVENT: Final = record(
    EventDeclaration,
    Key("name", text, needed=True),
    Key("description", text, needed=True),
    Key("schema", free, needed=True, stand_in=True),
    Key("condition", choice(*EVENT_CONDITIONS)),
    Key("delivery_mode", choice(*DELIVERY_MODES)),
    Key("publisher", _MAYBE_TEXT),
)

_BATCH_CONFIG: Final = record(
    BatchConfig,
    Key("batch_size", _U32, needed=True, stand_in=1),
    Key("parallelism", _U32, needed=True, stand_in=1),
    Key("cursor_field", text, needed=True),
    Key("worker_template", text, needed=True),
    Key("failure_strategy", choice(*FAILURE_STRATEGIES), needed=True, stand_in="fail_fast"),
)

_STEP: Final = record(
    StepTemplate,
    Key("name", text, needed=True),
    Key("description", _MAYBE_TEXT),
    Key("handler", _HANDLER, needed=True, stand_in=Handler("")),
    Key("type", choice(*STEP_TYPES), also=("step_type",)),
    Key("system_dependency", _MAYBE_TEXT),
    Key("dependencies", list_of(text), also=("depends_on",)),
    Key("retry", _RETRY),
    Key("timeout_seconds", optional(_U32)),
    Key("publishes_events", list_of(_EVENT)),
    Key("batch_config", optional(_BATCH_CONFIG)),
    Key("result_schema", free),
)

_LIFECYCLE: Final = record(
    Lifecycle,
    Key("max_waiting_for_dependencies_minutes", _MAYBE_MINUTES),
    Key("max_waiting_for_retry_minutes", _MAYBE_MINUTES),
    Key("max_steps_in_process_minutes", _MAYBE_MINUTES),
    Key("max_duration_minutes", _MAYBE_MINUTES),
    Key("staleness_action", text),
    Key("auto_fail_on_timeout", optional(truth)),
    Key("auto_dlq_on_timeout", optional(truth)),
)

_METADATA: Final = record(
    dict,
    Key("author", _MAYBE_TEXT),
    Key("tags", list_of(text, list)),
    Key("documentation_url", _MAYBE_TEXT),
    Key("created_at", optional(moment)),
    Key("updated_at", optional(moment)),
)


def _override(
    name: str, handler: dict[str, Any] | None = None, timeout_seconds: int | None = None, retry: Retry | None = None
) -> StepOverride:
    return StepOverride(name, (handler or {}).get("initialization"), timeout_seconds, retry, handler is not None)


_OVERRIDE: Final = record(
    _override,
    Key("name", text, needed=True),
    Key("handler", optional(record(dict, Key("initialization", optional(map_of(free)))))),
    Key("timeout_seconds", optional(_U32)),
    Key("retry", optional(_RETRY)),
)


def _environment(steps: tuple[StepOverride, ...] = ()) -> tuple[StepOverride, ...]:
    return steps


def _systems(primary: str = "default", secondary: list[str] | None = None) -> dict[str, Any]:
    return {"primary": primary, "secondary": secondary or []}


TEMPLATE: Final[Reader] = record(
    partial(Template, system_dependencies=_systems()),
    Key("name", text, needed=True),
    Key("namespace_name", text, needed=True),
    Key("version", text, needed=True),
    Key("description", _MAYBE_TEXT),
    Key("metadata", optional(_METADATA)),
    Key("task_handler", free, promised=True),
    Key("system_dependencies", record(_systems, Key("primary", text), Key("secondary", list_of(text, list)))),
    Key(
        "domain_events",
        list_of(
            record(dict, Key("name", text, needed=True), Key("description", _MAYBE_TEXT), Key("schema", free)),
        ),
    ),
    Key("input_schema", free),
    Key("steps", list_of(_STEP)),
    Key("environments", map_of(record(_environment, Key("steps", list_of(_OVERRIDE))))),
    Key("lifecycle", optional(_LIFECYCLE)),
)
"""The whole file."""
