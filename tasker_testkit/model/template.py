"""What a template file says, as values. ``tasker_testkit.load_template`` makes them; nothing here checks anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

StepType = Literal["standard", "decision", "deferred_convergence", "batchable", "batch_worker"]
BackoffStrategy = Literal["none", "linear", "exponential", "fibonacci"]
FailureStrategy = Literal["continue_on_failure", "fail_fast", "isolate"]
EventCondition = Literal["success", "failure", "retryable_failure", "permanent_failure", "always"]
DeliveryMode = Literal["durable", "fast", "broadcast"]

STEP_TYPES: Final[tuple[str, ...]] = StepType.__args__  # type: ignore[attr-defined]
BACKOFF_STRATEGIES: Final[tuple[str, ...]] = BackoffStrategy.__args__  # type: ignore[attr-defined]
FAILURE_STRATEGIES: Final[tuple[str, ...]] = FailureStrategy.__args__  # type: ignore[attr-defined]
EVENT_CONDITIONS: Final[tuple[str, ...]] = EventCondition.__args__  # type: ignore[attr-defined]
DELIVERY_MODES: Final[tuple[str, ...]] = DeliveryMode.__args__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Retry:
    """A step's retry policy. ``max_attempts`` counts the first attempt; the two ``_ms`` fields are milliseconds.

    A template without ``retry:`` has these defaults; inside a given ``retry:`` an absent ``_ms`` key is None.
    """

    retryable: bool = True
    max_attempts: int = 3
    backoff: BackoffStrategy = "exponential"
    backoff_base_ms: int | None = 1_000
    max_backoff_ms: int | None = 30_000


@dataclass(frozen=True, slots=True)
class Handler:
    """Which callable does the step, and the ``initialization`` it sees as ``step_config``."""

    callable: str
    method: str | None = None
    resolver: str | None = None
    initialization: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """``batch_config`` of a batch_worker step; all five keys are required."""

    batch_size: int
    parallelism: int
    cursor_field: str
    worker_template: str
    failure_strategy: FailureStrategy


@dataclass(frozen=True, slots=True)
class EventDeclaration:
    """One entry of ``publishes_events``."""

    name: str
    description: str
    schema: Any
    condition: EventCondition = "success"
    delivery_mode: DeliveryMode = "durable"
    publisher: str | None = None


@dataclass(frozen=True, slots=True)
class StepTemplate:
    """One entry of ``steps``. ``timeout_seconds`` is whole seconds, None without the key."""

    name: str
    handler: Handler
    type: StepType = "standard"
    dependencies: tuple[str, ...] = ()
    retry: Retry = Retry()
    timeout_seconds: int | None = None
    description: str | None = None
    system_dependency: str | None = None
    publishes_events: tuple[EventDeclaration, ...] = ()
    batch_config: BatchConfig | None = None
    result_schema: Any = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """``lifecycle``: staleness thresholds in minutes, None = Tasker's default; the other keys have no effect."""

    max_waiting_for_dependencies_minutes: int | None = None
    max_waiting_for_retry_minutes: int | None = None
    max_steps_in_process_minutes: int | None = None
    max_duration_minutes: int | None = None
    staleness_action: str = "dlq"
    auto_fail_on_timeout: bool | None = None
    auto_dlq_on_timeout: bool | None = None


@dataclass(frozen=True, slots=True)
class StepOverride:
    """One entry of ``environments.<name>.steps``; None = not overridden. ``name`` ``ALL`` means every step."""

    name: str
    initialization: Mapping[str, Any] | None = None
    timeout_seconds: int | None = None
    retry: Retry | None = None
    has_handler: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A whole template. ``source`` is the file's path or None; ``warnings`` what the loader found odd."""

    name: str
    namespace_name: str
    version: str
    steps: tuple[StepTemplate, ...] = ()
    description: str | None = None
    metadata: Mapping[str, Any] | None = None
    task_handler: Any = None
    system_dependencies: Mapping[str, Any] = field(default_factory=dict)
    domain_events: tuple[Mapping[str, Any], ...] = ()
    input_schema: Any = None
    environments: Mapping[str, tuple[StepOverride, ...]] = field(default_factory=dict)
    lifecycle: Lifecycle | None = None
    source: str | None = None
    warnings: tuple[str, ...] = ()

    def step(self, name: str) -> StepTemplate | None:
        """The first step of that name, or None."""
        return next((step for step in self.steps if step.name == name), None)

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of all steps, in the template's order."""
        return tuple(step.name for step in self.steps)
