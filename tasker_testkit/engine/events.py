"""Domain events: which of a step's declared events one finished attempt publishes (row 24)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tasker_testkit.engine.ledger import Ledger, StepRow
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.profile import Profile

Fits = Callable[[Any, Any], bool]
"""Does a value (second) fit a JSON Schema (first)?"""


class Publisher:
    """Books the domain events of a run, in the order of their publication."""

    def __init__(self, ledger: Ledger, profile: Profile, fits: Fits) -> None:
        self.ledger = ledger
        self.profile = profile
        self.fits = fits
        self.events: list[dict[str, Any]] = []

    def publish(self, step: StepRow, attempt: int, outcome: Outcome) -> None:
        """Publish what the step declares for an attempt that ended like this; a payload that doesn't fit is dropped."""
        met = set(self._conditions(outcome))
        payload = outcome.result if outcome.success else None
        for declared in step.template.publishes_events:
            if declared.condition not in met:
                continue
            event = {
                "at": self.ledger.agenda.now,
                "name": declared.name,
                "step": step.name,
                "attempt": attempt,
                "condition": declared.condition,
                "delivery_mode": declared.delivery_mode,
                "payload": payload,
            }
            if self._checked(outcome) and not self.fits(declared.schema, payload):
                self.ledger.warn(f"event {declared.name} of step {step.name} dropped: its payload doesn't fit")
            else:
                self.events.append(event)

    def _conditions(self, outcome: Outcome) -> Iterator[str]:
        if outcome.success:
            yield from ("success", "always")
        elif self.profile.publishes_failure_conditions:
            yield from ("failure", "always", "retryable_failure" if outcome.retryable else "permanent_failure")
        elif not outcome.worker_made:
            yield from ("failure", "always")

    def _checked(self, outcome: Outcome) -> bool:
        """A failure's payload is null; only as built is it held against the schema."""
        return outcome.success or not self.profile.publishes_failure_conditions
