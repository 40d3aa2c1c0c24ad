"""What a worker is handed when it is to run a step: the facts a ``StepContext`` is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from tasker_testkit.model.plain import Frozen
from tasker_testkit.model.template import StepTemplate, Template

EPOCH_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """The task as its handlers see it. ``created_at`` is an aware UTC instant; ``priority`` a whole number.

    ``made`` and ``steps_made`` are where the worker keeps what it works out once: of this input, of the steps.
    """

    task_uuid: str
    template: Template
    input: Mapping[str, Any]
    created_at: datetime = EPOCH_START
    initiator: str = "tasker_testkit"
    source_system: str = "tasker_testkit"
    reason: str = "test"
    tags: Sequence[str] = ()
    priority: int = 0
    made: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    steps_made: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


class Dispatch(NamedTuple):
    """One dispatch of one step. The step's row is as it was *before* the claim: ``attempts`` made so far.

    ``dependency_results`` maps each processed ancestor to its whole stored result, ``results`` is the step's own last
    stored result (on a retry: the failure): both as functions that give a copy each time, for each context its own.
    ``checkpoint`` is what an earlier part of it yielded. ``at`` is the instant of the hand-over.
    """

    task: TaskFacts
    step: StepTemplate
    name: str
    step_uuid: str
    event_id: str
    correlation_id: str
    at: datetime = EPOCH_START
    attempts: int | None = None
    max_attempts: int = 3
    retryable: bool = True
    inputs: Any = None
    results: Frozen | None = None
    checkpoint: Mapping[str, Any] | None = None
    last_attempted_at: datetime | None = None
    backoff_request_seconds: int | None = None
    dependency_results: Mapping[str, Frozen] = MappingProxyType({})
