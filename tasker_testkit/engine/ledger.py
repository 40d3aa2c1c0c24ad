"""The rows: a task, its steps, their attempts. The one file in which a state changes, always through the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from tasker_testkit.engine.clock import Agenda
from tasker_testkit.engine.history import written
from tasker_testkit.engine.readiness import execution_status, is_ready, next_retry_at, retry_eligible
from tasker_testkit.errors import IllegalTransition
from tasker_testkit.model.faults import Fault
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.states import (
    STEP_SATISFIED,
    STEP_STATES,
    STEP_TABLE,
    TASK_TABLE,
    ExecutionStatus,
    StepEvent,
    StepState,
    TaskEvent,
    TaskState,
)
from tasker_testkit.model.template import StepTemplate

TASK: Final = -1
"""The index under which the log has the task itself."""


class Attempt:
    """One attempt of a step, as it goes. Instants in microseconds, None = not yet."""

    started_at: int | None = None
    ended_at: int | None = None
    outcome: Outcome | None = None
    checkpoints: tuple[tuple[int, Mapping[str, Any]], ...] = ()

    def __init__(self, number: int, enqueued_at: int | None, claimed_at: int, faults: tuple[Fault, ...]) -> None:
        self.number = number
        self.enqueued_at = enqueued_at
        self.claimed_at = claimed_at
        self.faults = faults

    @property
    def fired(self) -> tuple[Fault, ...]:
        """The planned faults that took effect: most need a handler to be called, a crash at a checkpoint needs one."""
        called = tuple(fault for fault in self.faults if self.started_at is not None or fault.kind == "duplicate")
        return tuple(fault for fault in called if self.checkpoints or fault.when != "checkpoint")


class StepRow:
    """One step of the task. The columns are Tasker's; ``unmet`` counts the parents that aren't satisfied yet."""

    state: StepState = "pending"
    attempts: int | None = None
    unmet: int = 0
    in_process: bool = False
    processed: bool = False
    result: Outcome | None = None
    result_at: int = 0
    checkpoint: Mapping[str, Any] | None = None
    enqueued_at: int | None = None
    last_attempted_at: int | None = None
    last_error_at: int | None = None
    backoff_request: int | None = None
    due_at: int | None = None

    def __init__(self, index: int, name: str, type_: str, template: StepTemplate, inputs: Any) -> None:
        self.index = index
        self.name = name
        self.type = type_
        self.template = template
        self.inputs = inputs
        self.max_attempts = template.retry.max_attempts
        self.retryable = template.retry.retryable
        self.parents: list[StepRow] = []
        self.children: list[StepRow] = []
        self.log: list[Attempt] = []

    @property
    def eligible(self) -> bool:
        """May it be attempted (again)?"""
        return retry_eligible(self.attempts, self.max_attempts, self.retryable)

    @property
    def next_retry(self) -> int | None:
        """The earliest instant of its next attempt, or None."""
        if self.due_at is not None:
            return self.due_at
        return next_retry_at(self.backoff_request, self.last_attempted_at, self.last_error_at, self.attempts)

    def is_ready(self, now: int) -> bool:
        """May it be enqueued now?"""
        return is_ready(
            self.state,
            not self.unmet,
            self.eligible,
            self.next_retry,
            now,
            in_process=self.in_process,
            processed=self.processed,
        )


class Ledger:
    """All rows of one task and the log of every change of state: (instant, index of the step or TASK, state)."""

    def __init__(self, agenda: Agenda, seed: int, start: datetime) -> None:
        self.agenda = agenda
        self.start = start
        self.seed = seed
        self.task_state: TaskState = "pending"
        self.task_since = 0
        self.task_created_at = 0
        self.steps: list[StepRow] = []
        self.by_name: dict[str, StepRow] = {}
        self.counts: dict[StepState, int] = dict.fromkeys(STEP_STATES, 0)
        self.log: list[tuple[int, int, str]] = [(0, TASK, "pending")]
        self.dead_letters: list[dict[str, Any]] = []
        self.warnings: list[tuple[int, str]] = []
        self._ready: dict[int, StepRow] = {}
        self._due: list[tuple[int, int]] = []
        self._step_uuids: dict[str, str] = {}

    # -- changes of state ------------------------------------------------------------------------------------------

    def add_step(self, name: str, type_: str, template: StepTemplate, inputs: Any, *, logged: bool = True) -> StepRow:
        """A new pending step, without edges. ``logged`` False: its history doesn't begin with ``pending`` (row 28)."""
        step = StepRow(len(self.steps), name, type_, template, inputs)
        self.steps.append(step)
        self.by_name[name] = step
        self.counts["pending"] += 1
        if logged:
            self.log.append((self.agenda.now, step.index, "pending"))
        return step

    def add_edge(self, parent: StepRow, child: StepRow) -> None:
        """``child`` waits for ``parent`` from now on."""
        parent.children.append(child)
        child.parents.append(parent)
        child.unmet += parent.state not in STEP_SATISFIED

    def linked(self, edge: tuple[str, str]) -> bool:
        """Does the edge (parent, child) exist?"""
        parent, child = (self.by_name.get(name) for name in edge)
        if parent is None or child is None:
            return False
        return child in parent.children if len(parent.children) < len(child.parents) else parent in child.parents

    def warn(self, text: str) -> None:
        """What the real system would only write to its log."""
        self.warnings.append((self.agenda.now, text))

    def move_step(self, step: StepRow, event: StepEvent) -> None:
        """Change the step's state through the table. Raises IllegalTransition for a pair that isn't in it."""
        before = step.state
        after = STEP_TABLE[event].get(before)
        if after is None:
            raise IllegalTransition(f"step {step.name!r} is {before}: there is no {event!r} from there")
        step.state = after
        self.counts[before] -= 1
        self.counts[after] += 1
        self.log.append((self.agenda.now, step.index, after))
        if after in STEP_SATISFIED and before not in STEP_SATISFIED:
            self._satisfy_children(step)

    def move_task(self, event: TaskEvent) -> None:
        """Change the task's state through the table. Raises IllegalTransition for a pair that isn't in it."""
        after = TASK_TABLE[event].get(self.task_state)
        if after is None:
            raise IllegalTransition(f"the task is {self.task_state}: there is no {event!r} from there")
        self.task_state = after
        self.task_since = self.agenda.now
        self.log.append((self.agenda.now, TASK, after))

    def claim_again(self, step: StepRow) -> None:
        """Book the second claim of one dispatch: an entry in the log, no change of state (row 29)."""
        self.log.append((self.agenda.now, step.index, step.state))

    # -- readiness -------------------------------------------------------------------------------------------------

    def watch(self, step: StepRow) -> None:
        """Look at a step again after anything changed that its readiness depends on."""
        now, due = self.agenda.now, step.next_retry
        at = now if due is None or due < now else due
        if not step.is_ready(at):
            self._ready.pop(step.index, None)
        elif at == now:
            self._ready[step.index] = step
        else:
            self._ready.pop(step.index, None)
            heappush(self._due, (at, step.index))

    def has_ready(self) -> bool:
        """Is any step ready now?"""
        due = self._due
        while due and due[0][0] <= self.agenda.now:
            self.watch(self.steps[heappop(due)[1]])
        return bool(self._ready)

    def take_ready(self) -> list[StepRow]:
        """All ready steps in order of creation."""
        taken = [self._ready[index] for index in sorted(self._ready)] if self.has_ready() else []
        self._ready.clear()
        return taken

    def next_due(self) -> int | None:
        """The earliest instant at which a step is ready (now, if one is), or None."""
        if self.has_ready():
            return self.agenda.now
        while self._due:
            at, index = self._due[0]
            if self.steps[index].next_retry == at and self.steps[index].is_ready(at):
                return at
            heappop(self._due)
        return None

    def status(self) -> ExecutionStatus:
        """The task's execution status now."""
        return execution_status(self.counts, not self.counts["error"] and self.has_ready())

    # -- identifiers -----------------------------------------------------------------------------------------------

    def uuid(self, *names: object) -> str:
        """An identifier, in the form of a random UUID, that depends on the seed and the names only."""
        text = sha256(repr((self.seed, *names)).encode()).hexdigest()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"

    def step_uuid(self, step: StepRow) -> str:
        """The step's identifier."""
        found = self._step_uuids.get(step.name)
        if found is None:
            found = self._step_uuids[step.name] = self.uuid("step", step.name)
        return found

    def dispatch_uuid(self, step: StepRow, attempt: int, number: int) -> str:
        """An identifier of its own for each ``number`` within an attempt of a step."""
        return f"{self.step_uuid(step)[:24]}{attempt:06x}{number:06x}"

    def instant(self, at: int) -> datetime:
        """``at`` microseconds after the start, as an aware UTC datetime."""
        return self.start + timedelta(microseconds=at)

    def written(self, at: int) -> str:
        """The same as text."""
        return written(self.instant(at))

    def stamped(self, step: StepRow, outcome: Outcome, at: int) -> Outcome:
        """The outcome as it is stored: with the step's identifier and the instant of its end."""
        return replace(outcome, step_uuid=self.step_uuid(step), ended_at=self.instant(at))

    def random(self, *names: object) -> Random:
        """A generator of its own for these names: what others draw doesn't change what it gives."""
        return Random(repr((self.seed, *names)))

    def _satisfy_children(self, step: StepRow) -> None:
        for child in step.children:
            child.unmet -= 1
            if not child.unmet:
                self.watch(child)


def ancestors(step: StepRow) -> Iterable[StepRow]:
    """All direct and indirect parents of a step, each once, in order of creation."""
    seen: dict[int, StepRow] = {}
    stack = list(step.parents)
    while stack:
        row = stack.pop()
        if row.index not in seen:
            seen[row.index] = row
            stack.extend(row.parents)
    return [seen[index] for index in sorted(seen)]
