"""Domain events: which of a step's declared events one finished attempt publishes, and with what (row 24)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasker_testkit.engine.calls import Call
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import EventDeclaration

Fits = Callable[[Any, Any], bool]
"""Does a value (second) fit a JSON Schema (first)?"""

Book = Callable[[Any, Mapping[str, Any]], bool]
"""Publish this payload, with what else there is to say of the event. False: it doesn't fit the event's schema."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A declared event whose condition is met by how a call ended, about to be published.

    ``at`` is in microseconds; ``payload`` is the handler's result, None after a failure.
    """

    declared: EventDeclaration
    call: Call
    outcome: Outcome
    at: int
    event_id: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of an event behind the worker's door: who handled it, and what went wrong there, in words."""

    subscribers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


Outlet = Callable[[Occasion, Book], Delivery]
"""Publishes an event by calling ``Book`` once, or not at all, and hands it to those who subscribe to it."""


def straight(occasion: Occasion, book: Book) -> Delivery:
    """Tasker's own publisher, and nobody who subscribes: the payload as it is."""
    book(occasion.payload, {})
    return Delivery()


class Publisher:
    """Books the domain events of a run, in the order of their publication; ``outlet`` is their way out."""

    def __init__(self, ledger: Ledger, profile: Profile, fits: Fits) -> None:
        self.ledger = ledger
        self.profile = profile
        self.fits = fits
        self.outlet: Outlet = straight
        self.events: list[dict[str, Any]] = []
        self._count = 0

    def publish(self, call: Call, outcome: Outcome) -> None:
        """Publish what the step declares for a call that ended like this; a payload that doesn't fit is dropped."""
        met = set(self._conditions(outcome))
        payload = outcome.result if outcome.success else None
        for declared in call.step.template.publishes_events:
            if declared.condition in met:
                self._count += 1
                event_id = self.ledger.uuid("event", self._count)
                self._send(Occasion(declared, call, outcome, self.ledger.agenda.now, event_id, payload))

    def _send(self, occasion: Occasion) -> None:
        before = len(self.events)
        delivery = self.outlet(occasion, lambda payload, more: self._book(occasion, payload, more))
        if delivery.subscribers and len(self.events) > before:
            self.events[-1]["subscribers"] = list(delivery.subscribers)
        for warning in delivery.warnings:
            self.ledger.warn(f"event {occasion.declared.name} of step {occasion.call.name}: {warning}")

    def _book(self, occasion: Occasion, payload: Any, more: Mapping[str, Any]) -> bool:
        declared, call = occasion.declared, occasion.call
        if self._checked(occasion.outcome) and not self.fits(declared.schema, payload):
            self.ledger.warn(f"event {declared.name} of step {call.name} dropped: its payload doesn't fit")
            return False
        event = {
            "at": occasion.at,
            "name": declared.name,
            "step": call.name,
            "attempt": call.attempt,
            "condition": declared.condition,
            "delivery_mode": declared.delivery_mode,
            "payload": payload,
            **more,
        }
        self.events.append(event)
        return True

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
