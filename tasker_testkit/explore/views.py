"""The task as it was after each change of state, read-only; worked out after the run, so that a run costs no more."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.ledger import TASK
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.errors import RunError, listed, near
from tasker_testkit.model.effects import Effect
from tasker_testkit.model.outcome import Outcome

_ARRIVALS = frozenset({"enqueued_for_orchestration", "enqueued_as_error_for_orchestration"})
"""The states that a step is in as soon as its result has arrived."""


class StepView:
    """A step as it was at one moment. What isn't asked for isn't worked out."""

    __slots__ = ("_position", "_track", "max_attempts", "name")

    def __init__(self, name: str, max_attempts: int, track: StepTrack | None, position: int) -> None:
        self.name = name
        self.max_attempts = max_attempts
        self._track = track
        self._position = position

    @property
    def state(self) -> str | None:
        """Its state; None before it exists."""
        return self._track.state(self._position) if self._track else None

    @property
    def attempts(self) -> int:
        """How many attempts were claimed so far."""
        return bisect_right(self._track.claims, self._position) if self._track else 0

    @property
    def result(self) -> Any:
        """What a descendant would unwrap: the last result that has arrived; None without one."""
        outcome = self._outcome
        return outcome.result if outcome else None

    @property
    def error(self) -> str | None:
        """The last result's ``error_type: message`` if it is a failure, else None."""
        outcome = self._outcome
        return None if outcome is None or outcome.success else f"{outcome.error_type}: {outcome.message}"

    @property
    def _outcome(self) -> Outcome | None:
        return self._track.outcome(self._position) if self._track else None

    def __str__(self) -> str:
        if self.state is None:
            return "doesn't exist yet"
        made = f", attempt {self.attempts} of {self.max_attempts}" if self.attempts else ""
        return f"{self.state}{made}{f', {self.error}' if self.error else ''}"

    def __repr__(self) -> str:
        return f"<StepView {self.name!r}: {self}>"


class TaskView:
    """The task as it was after one change of state, or at the end of the run. It stays as it is if you keep it."""

    __slots__ = ("_film", "_position", "at")

    def __init__(self, film: Film, position: int, at: int) -> None:
        self._film = film
        self._position = position
        self.at = at
        """Microseconds since the submission."""

    @property
    def now(self) -> datetime:
        """The instant, an aware UTC datetime of virtual time."""
        return self._film.ledger.instant(self.at)

    @property
    def state(self) -> str:
        """The task's state."""
        return self._film.task.state(self._position) or "pending"

    @property
    def steps(self) -> Mapping[str, StepView]:
        """The steps that exist so far, by name, in order of creation."""
        position = self._position
        existing = (step for step in self._film.steps if step.state(position) is not None)
        return {step.row.name: step.view(position) for step in existing}

    def __getitem__(self, name: str) -> StepView:
        row = self._film.ledger.by_name.get(name)
        if row is not None:
            return self._film.steps[row.index].view(self._position)
        known = {step.name: step for step in self._film.engine.template.steps}
        if name not in known:
            raise RunError(f"There is no step {name!r}.{near(name, known)} Steps:\n{listed(known)}")
        return StepView(name, known[name].retry.max_attempts, None, 0)

    @property
    def effects(self) -> Sequence[Effect]:
        """The effects that have happened so far, in order."""
        now, position = self.at, self._position
        return tuple([effect for at, after, effect in self._film.booked if at <= now and after <= position])

    @property
    def booked(self) -> Sequence[tuple[int, Effect]]:
        """The same, each with its instant in microseconds since the submission."""
        now, position = self.at, self._position
        return tuple((at, effect) for at, after, effect in self._film.booked if at <= now and after <= position)

    @property
    def changed(self) -> str:
        """What changed last, in words: ``charge became complete``; empty at the end of the run."""
        log = self._film.ledger.log
        if self._position == len(log):
            return ""
        _, index, state = log[self._position]
        who = "the task" if index == TASK else f"step {self._film.ledger.steps[index].name!r}"
        return f"{who} became {state}"

    def __repr__(self) -> str:
        return f"<TaskView at {self.now:%Y-%m-%dT%H:%M:%S.%fZ}: {self.state}>"


class Film:
    """All views of one run: ``views()`` one after each change of state and one of the end."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.ledger = engine.ledger
        self.booked = engine.ledger.booked()
        self.task = Track()
        self.steps = [StepTrack(row, self) for row in self.ledger.steps]
        for position, (_, index, state) in enumerate(self.ledger.log):
            (self.task if index == TASK else self.steps[index]).add(position, state)

    @cached_property
    def instants(self) -> list[int]:
        """The instant of each change of state."""
        return [at for at, _, _ in self.ledger.log]

    def views(self) -> Iterator[TaskView]:
        """The views in order."""
        yield from (TaskView(self, position, at) for position, at in enumerate(self.instants))
        yield self.end()

    def end(self) -> TaskView:
        """The view of the end, which has every effect."""
        last = max([self.ledger.agenda.now, *(at for at, _, _ in self.booked)])
        return TaskView(self, len(self.ledger.log), last)


class Track:
    """The states of the task or of one step, with the positions in the log at which it entered them."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.states: list[str] = []

    def add(self, position: int, state: str) -> None:
        """The next state."""
        self.positions.append(position)
        self.states.append(state)

    def state(self, position: int) -> str | None:
        """The state then; None before the first."""
        found = bisect_right(self.positions, position)
        return self.states[found - 1] if found else None


class StepTrack(Track):
    """The same for a step, with its attempts and results."""

    def __init__(self, row: StepRow, film: Film) -> None:
        super().__init__()
        self.row = row
        self._film = film

    def view(self, position: int) -> StepView:
        """The step as it was then."""
        return StepView(self.row.name, self.row.max_attempts, self, position)

    def outcome(self, position: int) -> Outcome | None:
        """The last result that had arrived then."""
        positions, outcomes = self._arrivals
        found = bisect_right(positions, position)
        return outcomes[found - 1] if found else None

    @cached_property
    def claims(self) -> list[int]:
        """Where each attempt was claimed; where its instant begins, if it was delivered again without a new claim."""
        instants, found = self._film.instants, []
        entered = deque(self._where({"in_progress"}))
        for attempt in self.row.log:
            while entered and instants[entered[0]] < attempt.claimed_at:
                entered.popleft()
            own = entered and instants[entered[0]] == attempt.claimed_at
            found.append(entered.popleft() if own else bisect_left(instants, attempt.claimed_at))
        return found

    @cached_property
    def _arrivals(self) -> tuple[list[int], list[Outcome]]:
        """Where results arrived, and the results."""
        outcomes = [attempt.outcome for attempt in self.row.log if attempt.outcome is not None]
        positions = list(self._where(_ARRIVALS))[: len(outcomes)]
        if self.row.result is not None and self.row.result.by_hand:
            positions.append(list(self._where({"complete"}))[-1])
            outcomes.append(self.row.result)
        return positions, outcomes

    def _where(self, states: Iterable[str]) -> Iterator[int]:
        return (at for at, state in zip(self.positions, self.states, strict=True) if state in states)
