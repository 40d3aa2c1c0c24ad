"""A task's ledger: its rows and their states. The one file in which a state changes, always through the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from heapq import heappop, heappush
from operator import itemgetter
from random import Random
from typing import Any, Final

from tasker_testkit.engine.clock import Agenda
from tasker_testkit.engine.growth import NewStep
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.engine.ways import SETTLED, STEP_WAYS, TASK_WAYS, StepWay, TaskWay, spoken
from tasker_testkit.errors import IllegalTransition
from tasker_testkit.model.effects import Effect
from tasker_testkit.model.outcome import Outcome, stamped
from tasker_testkit.model.states import (
    STEP_SATISFIED,
    ExecutionStatus,
    StepEvent,
    TaskEvent,
    TaskState,
)

TASK: Final = -1
"""The index under which the log has the task itself."""


@lru_cache(maxsize=4_096)
def _uuid(names: str) -> str:
    """Runs of one seed ask for the same ones again and again."""
    text = sha256(names.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


class Ledger:
    """All rows of one task and the log of every change of state: (instant, index of the step or TASK, state)."""

    def __init__(self, agenda: Agenda, seed: int, start: datetime) -> None:
        self.agenda = agenda
        self.start = start.astimezone(UTC)
        self.seed = seed
        self.task_state: TaskState = "pending"
        self.task_since = 0
        self.task_created_at = 0
        self.steps: list[StepRow] = []
        self.by_name: dict[str, StepRow] = {}
        self.shares = {"open": 0, "processing": 0, "error": 0, SETTLED: 0}
        self.log: list[tuple[int, int, str]] = [(0, TASK, "pending")]
        self.dead_letters: list[dict[str, Any]] = []
        self.warnings: list[tuple[int, str]] = []
        self.effects: list[tuple[int, int, Effect]] = []
        self._ready: dict[int, StepRow] = {}
        self._due: list[tuple[int, int]] = []
        self._step_uuids: dict[str, str] = {}

    # -- changes of state ------------------------------------------------------------------------------------------

    def add_step(self, new: NewStep, *, logged: bool = True) -> StepRow:
        """A new pending step, without edges. ``logged`` False: its history doesn't begin with ``pending`` (row 28)."""
        index = len(self.steps)
        step = StepRow(index, new)
        self.steps.append(step)
        self.by_name[new.name] = step
        self.shares["open"] += 1
        if logged:
            self.log.append((self.agenda.now, index, "pending"))
        return step

    def add_edge(self, parent: StepRow, child: StepRow) -> None:
        """``child`` waits for ``parent`` from now on."""
        parent.children.append(child.index)
        child.parents.append(parent)
        if parent.state not in STEP_SATISFIED:
            child.unmet += 1
            if child.ready_from is not None:
                self.watch(child)

    def linked(self, edge: tuple[str, str]) -> bool:
        """Does the edge (parent, child) exist?"""
        parent, child = (self.by_name.get(name) for name in edge)
        if parent is None or child is None:
            return False
        return child.index in parent.children if len(parent.children) < len(child.parents) else parent in child.parents

    def warn(self, text: str) -> None:
        """What the real system would only write to its log."""
        self.warnings.append((self.agenda.now, text))

    def book(self, effect: Effect, at: int) -> None:
        """Book an effect of a handler at its instant."""
        self.effects.append((at, len(self.log), effect))

    def booked(self) -> list[tuple[int, int, Effect]]:
        """The effects as they happened: instant, how many changes of state came before it, and itself."""
        return sorted(self.effects, key=itemgetter(0, 1))

    def move_step(self, step: StepRow, event: StepEvent) -> None:
        """Change the step's state through the table. Raises IllegalTransition for a pair that isn't in it."""
        self.lead_step(step, STEP_WAYS[event])

    def lead_step(self, step: StepRow, way: StepWay) -> None:
        """The same over several events in turn."""
        try:
            through, shift = way[step.state]
        except KeyError:
            here = f"step {step.name!r} is {step.state}"
            raise IllegalTransition(f"{here}: there is no {spoken(way)} from there") from None
        now, index, log = self.agenda.now, step.index, self.log
        for state in through:
            log.append((now, index, state))
        step.state = state
        if shift is not None:
            before, after = shift
            shares = self.shares
            shares[before] -= 1
            shares[after] += 1
            if after is SETTLED:
                for child in map(self.steps.__getitem__, step.children):
                    child.unmet -= 1
                    if not child.unmet:
                        self.watch(child)

    def move_task(self, event: TaskEvent) -> None:
        """Change the task's state through the table. Raises IllegalTransition for a pair that isn't in it."""
        self.lead_task(TASK_WAYS[event])

    def lead_task(self, way: TaskWay) -> None:
        """The same over several events in turn."""
        try:
            through = way[self.task_state]
        except KeyError:
            raise IllegalTransition(f"the task is {self.task_state}: there is no {spoken(way)} from there") from None
        if through:
            now, log = self.agenda.now, self.log
            for state in through:
                log.append((now, TASK, state))
            self.task_state, self.task_since = state, now

    def claim_again(self, step: StepRow) -> None:
        """Book the second claim of one dispatch: an entry in the log, no change of state (row 29)."""
        self.log.append((self.agenda.now, step.index, step.state))

    # -- readiness -------------------------------------------------------------------------------------------------

    def watch(self, step: StepRow) -> None:
        """Look at a step again after anything changed that its readiness depends on."""
        now = self.agenda.now
        step.ready_from = at = step.ready_at(now)
        if at == now:
            self._ready[step.index] = step
        else:
            self._ready.pop(step.index, None)
            if at is not None:
                heappush(self._due, (at, step.index))

    def has_ready(self) -> bool:
        """Is any step ready now?"""
        due, now = self._due, self.agenda.now
        while due and due[0][0] <= now:
            at, index = heappop(due)
            step = self.steps[index]
            if step.ready_from == at:
                self._ready[index] = step
        return bool(self._ready)

    def take_ready(self) -> list[StepRow]:
        """All ready steps in order of creation."""
        if self._due:
            self.has_ready()
        ready, self._ready = self._ready, {}
        return [*ready.values()] if len(ready) < 2 else [ready[index] for index in sorted(ready)]

    def next_due(self) -> int | None:
        """The earliest instant at which a step is ready (now, if one is), or None."""
        due = self._due
        while due and not self._ready:
            at, index = due[0]
            if self.steps[index].ready_from == at:
                return max(at, self.agenda.now)
            heappop(due)
        return self.agenda.now if self._ready else None

    def status(self) -> ExecutionStatus:
        """The task's execution status now, first match."""
        shares = self.shares
        if shares["error"]:
            return "blocked_by_failures"
        if self._ready or (self._due and self.has_ready()):
            return "has_ready_steps"
        if shares["processing"]:
            return "processing"
        return "all_complete" if shares[SETTLED] and not shares["open"] else "waiting_for_dependencies"

    # -- identifiers -----------------------------------------------------------------------------------------------

    def uuid(self, *names: object) -> str:
        """An identifier, in the form of a random UUID, that depends on the seed and the names only."""
        return _uuid(repr((self.seed, *names)))

    def step_uuid(self, step: StepRow) -> str:
        """The step's identifier."""
        found = self._step_uuids.get(step.name)
        if found is None:
            found = self._step_uuids[step.name] = self.uuid("step", step.name)
        return found

    def identify(self, name: str, uuid: str) -> None:
        """The step of that name has this identifier, and not one that is made of the seed."""
        self._step_uuids[name] = uuid

    def dispatch_uuid(self, step: StepRow, attempt: int, number: int) -> str:
        """An identifier of its own for each ``number`` within an attempt of a step."""
        return f"{self.step_uuid(step)[:24]}{attempt:06x}{number:06x}"

    def instant(self, at: int) -> datetime:
        """``at`` microseconds after the start, as an aware UTC datetime."""
        return self.start + timedelta(microseconds=at)

    def written(self, at: int) -> str:
        """The same as text: UTC with ``Z``, microseconds only if there are any."""
        return self.instant(at).isoformat().removesuffix("+00:00") + "Z"

    def stamped(self, step: StepRow, outcome: Outcome, at: int) -> Outcome:
        """The outcome as it is stored: with the step's identifier and the instant of its end."""
        return stamped(outcome, self.step_uuid(step), self.instant(at))

    def random(self, *names: object) -> Random:
        """A generator of its own for these names: what others draw doesn't change what it gives."""
        return Random(repr((self.seed, *names)))
