"""The orchestrator: creates the task, enqueues what is ready, handles results one at a time and evaluates the task.

Its rules are the common core of both profiles; where they part, it asks a named field of the profile.
"""

from __future__ import annotations

from collections import Counter

from tasker_testkit.engine.backoff import documented_delay, worker_delay
from tasker_testkit.engine.batches import BATCHING, batch_growth, batches, check_number, not_a_batch
from tasker_testkit.engine.clock import Agenda, first_tick
from tasker_testkit.engine.decisions import CHOOSING, decision_growth, not_a_choice, requested
from tasker_testkit.engine.growth import NOTHING, Blueprint, Growth, GrowthError
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.readiness import is_stale, picked_up, stale_after
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.engine.ways import (
    CONTINUE,
    ENQUEUE,
    FAIL,
    RETRY,
    STEP_WAYS,
    SUCCEED,
    TASK_WAYS,
    VERDICTS,
    WAKE,
    StepWay,
    TaskWay,
)
from tasker_testkit.engine.workforce import Workforce
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.states import TASK_TABLE, TASK_TERMINAL

_EVALUATES = frozenset({"steps_in_process", "evaluating_results"})
"""The task's states in which an arriving result makes it look at its steps; in all others only the step moves."""
_GROWING = frozenset({"decision", "batchable"})
_ENQUEUED = TASK_WAYS["steps_enqueued"]
_WAITS = TASK_WAYS["step_failed"]
_NEVER_WOKEN = TASK_TERMINAL | {"blocked_by_failures"}


class Orchestrator:
    """Works on the ledger; hands messages to the workforce."""

    def __init__(
        self, agenda: Agenda, ledger: Ledger, profile: Profile, blueprint: Blueprint, workforce: Workforce
    ) -> None:
        self.agenda = agenda
        self.ledger = ledger
        self.profile = profile
        self.blueprint = blueprint
        self.workforce = workforce
        lifecycle = blueprint.template.lifecycle
        self.stale_after = (
            {state: stale_after(state, lifecycle, profile.stale_after) for state in profile.stale_after}
            if lifecycle
            else profile.stale_after
        )
        self.polled_through = -1
        self.detected_through = -1

    # -- creation and the enqueue pass -----------------------------------------------------------------------------

    def create(self) -> None:
        """Create the task and its first steps; enqueue what is ready. Nothing ready at all: the task is complete."""
        ledger, profile = self.ledger, self.profile
        ledger.move_task("start")
        first = self.blueprint.initial(convergence_waits_for_batch=profile.convergence_waits_for_batch)
        self._grow(first, logged=True)
        if ledger.has_ready():
            self._enqueue(TASK_WAYS["ready_steps_found"])
        else:
            ledger.move_task("no_steps_found")

    def _enqueue(self, way: TaskWay) -> None:
        """One enqueue pass, to which the task comes on this way: all ready steps in order of creation."""
        ledger, now = self.ledger, self.agenda.now
        ledger.lead_task(way)
        ready = ledger.take_ready()
        if len(ready) > 1:
            for step in ready:
                if step.state == "waiting_for_retry":
                    ledger.move_step(step, "retry")
        for step in ready:
            ledger.lead_step(step, ENQUEUE)
            step.enqueued_at = now
        self.workforce.send(ready)
        ledger.lead_task(_ENQUEUED)

    # -- results ---------------------------------------------------------------------------------------------------

    def handle(self, step: StepRow) -> None:
        """Handle the step's result, which has arrived: the step first, then the task."""
        outcome = step.result
        assert outcome is not None
        if not outcome.success:
            self._retry_or_fail(step, outcome)
        elif step.type in _GROWING:
            self._complete_and_grow(step)
        else:
            step.processed = True
            self.ledger.lead_step(step, SUCCEED)
        if self.ledger.task_state in _EVALUATES:
            self.evaluate()

    def _complete_and_grow(self, step: StepRow) -> None:
        """The step is complete, then what it asked for grows. Growth that fails adds nothing (row 19)."""
        ledger, growth = self.ledger, NOTHING
        ledger.move_step(step, "enqueue_for_orchestration")
        try:
            growth = self._growth(step)
        except GrowthError as error:
            fails = self.profile.failed_growth_fails_step
            hint = f". {error.hint.lstrip()}" if fails and error.hint else ""
            ledger.warn(f"step {step.name}: {error}{hint}")
            if fails:
                self._fail(step, STEP_WAYS["fail"])
                return
        step.processed = True
        ledger.move_step(step, "complete")
        if growth is not NOTHING:
            self.workforce.freeze_claims()
            self._grow(growth, logged=self.profile.grown_steps_begin_pending)

    def _growth(self, step: StepRow) -> Growth:
        """What the step's result asks for."""
        ledger = self.ledger
        result = step.result.result if step.result else None
        if step.type == "decision":
            names, limit = requested(result), self.profile.max_requested_steps
            if not names and (why := not_a_choice(result)):
                ledger.warn(f"step {step.name}: its result makes no branches: {why}. {CHOOSING}")
            growth = decision_growth(self.blueprint, step.name, names, ledger.by_name, ledger.linked, limit)
            for name, times in Counter(names).items():
                if times > 1:
                    ledger.warn(f"decision {step.name} asks for {name!r} {times} times; it is made once")
            return growth
        outcome = batches(result)
        if outcome is None:
            ledger.warn(f"step {step.name}: its result makes no batches: {not_a_batch(result)}. {BATCHING}")
            return NOTHING
        check_number(step.name, outcome, self.profile)
        return batch_growth(self.blueprint, step.name, outcome, ledger.by_name, ledger.linked)

    def _grow(self, growth: Growth, *, logged: bool) -> None:
        """Create the steps, add the edges, and look at what may run."""
        ledger = self.ledger
        touched = [ledger.add_step(new, logged=logged) for new in growth.steps]
        for parent, child in growth.edges:
            ledger.add_edge(ledger.by_name[parent], ledger.by_name[child])
        for row in touched:
            if not row.unmet:
                ledger.watch(row)

    def _fail(self, step: StepRow, way: StepWay) -> None:
        step.last_error_at = self.agenda.now
        step.due_at = None
        self.ledger.lead_step(step, way)

    def _retry_or_fail(self, step: StepRow, outcome: Outcome) -> None:
        attempts = step.attempts or 0
        self._store_delay(step, outcome, attempts)
        allowed = step.retryable or not self.profile.template_flag_decides
        if outcome.retryable and allowed and attempts < step.max_attempts:
            self.ledger.lead_step(step, RETRY)
            self.ledger.watch(step)
        elif self._continues(step):
            step.processed = True
            self.ledger.lead_step(step, CONTINUE)
        else:
            self._fail(step, FAIL)

    def _continues(self, step: StepRow) -> bool:
        """Does the batch go on without this failed instance? (Row 27; ``isolate`` leaves a dead letter.)"""
        config = step.template.batch_config
        if not self.profile.honours_failure_strategy or config is None or step.name == step.template.name:
            return False
        if config.failure_strategy == "isolate":
            letter = {"original_state": "error", "reason": "batch_worker_failed", "resolution": "pending"}
            self.ledger.dead_letters.append({"at": self.agenda.now, "step": step.name, **letter})
        return config.failure_strategy == "continue_on_failure"

    def _store_delay(self, step: StepRow, outcome: Outcome, attempts: int) -> None:
        """Set when the step may run again (rows 1 to 3). As built the delay is stored, and never cleared."""
        now, profile = self.agenda.now, self.profile
        if profile.backoff == "template":
            random = self.ledger.random("backoff", step.name, attempts) if profile.jitter else None
            step.due_at = now + documented_delay(step.template.retry, attempts, outcome.retry_after, profile, random)
        elif outcome.worker_made:
            random = self.ledger.random("backoff", step.name, attempts)
            step.backoff_request = worker_delay(attempts, profile, random)
            step.last_attempted_at = now

    # -- the task --------------------------------------------------------------------------------------------------

    def evaluate(self) -> None:
        """Look at all steps and move the task on."""
        ledger = self.ledger
        status = ledger.status()
        if status == "has_ready_steps":
            self._enqueue(VERDICTS[status])
        elif status == "waiting_for_dependencies" and ledger.task_state == "steps_in_process" and self._retries():
            ledger.lead_task(_WAITS)
        else:
            ledger.lead_task(VERDICTS[status])

    def reconsider(self) -> None:
        """After an operator's action: evaluate the task again, or leave it to the next result or tick (row 23)."""
        ledger = self.ledger
        self.polled_through = self.agenda.now
        if not self.profile.actions_evaluate_task:
            return
        if ledger.task_state == "waiting_for_dependencies":
            ledger.move_task("dependencies_ready")
        elif ledger.task_state in TASK_TABLE["reconsider"] and ledger.status() != ledger.task_state:
            ledger.move_task("reconsider")
        if ledger.task_state in _EVALUATES:
            self.evaluate()

    def _retries(self) -> bool:
        """Is a backoff all that the task waits for? (Row 5.)"""
        return self.profile.waits_in_waiting_for_retry and self.ledger.next_due() is not None

    # -- waking up -------------------------------------------------------------------------------------------------

    def next_wake(self) -> int | None:
        """When a waiting task is looked at again: at the due instant, or at a tick of the poll (row 4)."""
        profile, ledger = self.profile, self.ledger
        if ledger.task_state in _NEVER_WOKEN:
            return None
        due = ledger.next_due()
        if due is None or profile.poll_interval is None:
            return due
        if ledger.task_state not in (profile.poll_limits or {}):
            return None
        tick = first_tick(max(due, self.polled_through + 1), profile.poll_phase, profile.poll_interval)
        in_time = picked_up(ledger.task_state, "has_ready_steps", tick - ledger.task_since, profile.poll_limits)
        return tick if in_time else None

    def wake(self) -> None:
        """The due instant or the poll's tick has come: enqueue what is ready."""
        self.polled_through = self.agenda.now
        self._enqueue(WAKE)

    # -- staleness -------------------------------------------------------------------------------------------------

    def next_detection(self, before: int | None) -> int | None:
        """The tick of the staleness detector that will end the task as it stands, if it comes ``before``, or None."""
        profile, ledger = self.profile, self.ledger
        threshold = self.stale_after.get(ledger.task_state)
        if threshold is None:
            return None
        at = min(ledger.task_since + threshold, ledger.task_created_at + profile.stale_age)
        if before is not None and before <= at:
            return None
        earliest = max(at, ledger.task_since, self.detected_through + 1)
        tick = first_tick(earliest, profile.detector_phase, profile.detector_interval)
        return tick if before is None or tick < before else None

    def detect(self) -> None:
        """The detector's pass: a stale task gets a dead letter and ends in ``error``; its steps stay as they are."""
        ledger, now = self.ledger, self.agenda.now
        self.detected_through = now
        threshold = self.stale_after.get(ledger.task_state)
        if is_stale(threshold, now - ledger.task_since, now - ledger.task_created_at, self.profile.stale_age):
            letter = {"original_state": ledger.task_state, "reason": "staleness_timeout", "resolution": "pending"}
            ledger.dead_letters.append({"at": now, **letter})
            ledger.move_task("go_stale")
