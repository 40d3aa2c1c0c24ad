"""The engine: a simulated Tasker without any input or output. It asks for handler calls and is told how they ended.

while call := engine.next_call():
    engine.report(call, invoke(call))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from tasker_testkit.engine.calls import Call
from tasker_testkit.engine.clock import Agenda
from tasker_testkit.engine.events import Fits, Publisher
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.operator import Operator
from tasker_testkit.engine.orchestrator import Orchestrator
from tasker_testkit.engine.orders import Choose, picker
from tasker_testkit.engine.planned import Planned
from tasker_testkit.engine.stuck import why_stuck
from tasker_testkit.engine.workforce import Workforce
from tasker_testkit.errors import IllegalTransition
from tasker_testkit.model.actions import Action
from tasker_testkit.model.dispatch import EPOCH_START
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.outcome import Ending
from tasker_testkit.model.profile import DOCUMENTED, Profile
from tasker_testkit.model.template import Template

NO_FAULTS = FaultPlan()


class Engine:
    """One task of one template (or of its Blueprint, made once for many runs) under one profile; created at once.

    ``seed`` feeds jitter and identifiers; ``workers`` is the number of steps that run at once, or of worker processes
    (profile row 26), None = the profile's default; ``start`` is the aware UTC instant of the submission;
    ``fits`` decides whether an event's payload fits its schema; ``actions`` are an operator's, done at their instants.
    ``choose`` says what goes first where several steps could (see ``orders``), None = the order of creation; ``asked``
    keeps its choices, each with the number of candidates.
    """

    def __init__(
        self,
        template: Template | Blueprint,
        *,
        profile: Profile = DOCUMENTED,
        seed: int = 0,
        faults: FaultPlan = NO_FAULTS,
        workers: int | None = None,
        start: datetime = EPOCH_START,
        fits: Fits = lambda schema, value: True,
        actions: Sequence[Action] = (),
        choose: Choose | None = None,
    ) -> None:
        blueprint = template if isinstance(template, Blueprint) else Blueprint(template)
        self.template = blueprint.template
        self.profile = profile
        self.agenda = Agenda()
        self.ledger = Ledger(self.agenda, seed, start)
        self.publisher = Publisher(self.ledger, profile, fits)
        self.workforce = Workforce(self.agenda, self.ledger, profile, faults, workers, self.publisher.publish)
        self.orchestrator = Orchestrator(self.agenda, self.ledger, profile, blueprint, self.workforce)
        self.operator = Operator(self.ledger, self.orchestrator, self.workforce)
        self.planned = Planned(actions, self.ledger, self.operator)
        self.asked: list[tuple[int, int]] = []
        self._chosen = choose is not None
        self._next_of = picker(choose, self.asked)
        self._open: Call | None = None
        self.orchestrator.create()

    @property
    def now(self) -> int:
        """Microseconds since the start."""
        return self.agenda.now

    def next_call(self, until: int | None = None, stop: Callable[[], bool] | None = None) -> Call | None:
        """The next handler to call, or None when nothing can happen any more up to and including ``until``.

        With ``stop``, None also as soon as it is true. The call before must have been reported; IllegalTransition
        otherwise.
        """
        if self._open is not None:
            raise IllegalTransition(f"the call of {self._open.name!r} hasn't been reported yet")
        workforce, orchestrator, next_of = self.workforce, self.orchestrator, self._next_of
        results, claims, starts = self.agenda.lanes
        while True:
            if results:
                step = workforce.finish(*next_of(results))
                if step is not None:
                    orchestrator.handle(step)
            elif claims:
                workforce.deliver(claims.popleft())
            elif starts:
                self._open = call = workforce.hand_over(next_of(starts))
                if call is not None:
                    return call
            elif not self._move_clock(until):
                return None
            if stop is not None and stop():
                return None

    def report(self, call: Call, ending: Ending) -> None:
        """Tell how the handler that was asked for ended; ``ending.took_us`` is how long it took."""
        if call is not self._open:
            raise IllegalTransition(f"nobody asked for this call of {call.name!r}")
        self._open = None
        self.workforce.ended(call, ending)

    @property
    def order(self) -> tuple[int, ...] | None:
        """What was chosen so far, question by question; None if nobody is asked."""
        return tuple(choice for choice, _ in self.asked) if self._chosen else None

    def stuck(self) -> str | None:
        """Why nothing can happen any more although the task hasn't ended, or None."""
        return why_stuck(self.ledger)

    def _move_clock(self, until: int | None) -> bool:
        """Move to the next instant at which anything happens: results, the poll, the detector, an operator's action."""
        orchestrator, action = self.orchestrator, None
        at = self.agenda.next_instant()
        wake = orchestrator.next_wake()
        if wake is not None and (at is None or wake < at):
            at, action = wake, orchestrator.wake
        detection = orchestrator.next_detection(at)
        if detection is not None:
            at, action = detection, orchestrator.detect
        planned = self.planned.next_instant() if self.planned.any else None
        if planned is not None and (at is None or planned < at):
            at, action = planned, self.planned.act
        if at is None or (until is not None and at > until):
            return False
        self.agenda.move_to(at)
        if action is not None:
            action()
        return True
