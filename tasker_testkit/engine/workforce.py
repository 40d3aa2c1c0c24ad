"""The workers: who claims a message, when its handler is called, and what becomes of it when it ends, or doesn't.

The workers touch a step from ``enqueued`` to its result; everything after that is the orchestrator's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import chain

from tasker_testkit.engine.calls import Call, Overdue, Worker, within_timeout
from tasker_testkit.engine.clock import CLAIM, RESULT, Agenda, first_tick
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.rows import Attempt, StepRow
from tasker_testkit.engine.silence import OVERDUE, fall_silent
from tasker_testkit.engine.ways import STEP_WAYS
from tasker_testkit.errors import RunError
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.outcome import Checkpoint, Ending, Outcome
from tasker_testkit.model.profile import Profile, allowing
from tasker_testkit.model.states import STEP_CLAIMABLE

_START = STEP_WAYS["start"]


class Workforce:
    """All workers of a run. ``size`` is ``workers=``: how many steps run at once, or how many processes (row 26)."""

    def __init__(
        self,
        agenda: Agenda,
        ledger: Ledger,
        profile: Profile,
        faults: FaultPlan,
        size: int | None,
        publish: Callable[[Call, Outcome], None],
    ) -> None:
        self.agenda = agenda
        self.ledger = ledger
        self.profile = profile
        self.faults = faults
        self.publish = publish
        self.free = size
        self.processes = [Worker() for _ in range(size or 1)] if profile.eager_claims else []
        self.waiting: deque[StepRow] = deque()
        self.staffed = True
        self.unread: list[tuple[StepRow, int]] = []
        self.left: dict[StepRow, list[int]] = {}
        self.unknown: set[str] = set()
        self.called: list[Call] = []
        """Every call handed over, in that order."""

    # -- messages and claims ---------------------------------------------------------------------------------------

    def send(self, steps: list[StepRow]) -> None:
        """Put the messages that these steps are enqueued before the workers."""
        self.agenda.claims.extend(steps)
        if self.left:
            for step in steps:
                self.recall(step)

    def recall(self, step: StepRow) -> None:
        """The step is claimable again: messages that found it in another state come back at their next turn."""
        for seen_at in self.left.pop(step, ()):
            at = first_tick(self.agenda.now, seen_at, self.profile.visibility)
            self.agenda.put(at, CLAIM, step)

    def deliver(self, step: StepRow) -> None:
        """A message has come: a worker claims the step, or doesn't (yet)."""
        worker = None
        if not self.staffed:
            self.unread.append((step, self.agenda.now + self.profile.visibility))
            return
        if step.state not in STEP_CLAIMABLE or (self.unknown and step.template.name in self.unknown):
            self.left.setdefault(step, []).append(self.agenda.now)
            return
        if self.processes:
            worker = self._process()
        elif self.free is not None:
            if not self.free:
                self.waiting.append(step)
                return
            self.free -= 1
        call = self.attempt(step, worker)
        self.ledger.lead_step(step, _START)
        step.in_process = True
        if worker is None:
            self.agenda.starts.append(call)
        else:
            self.dispatch(call)
        if call.record.faults:
            self._duplicate(call)

    def _process(self) -> Worker:
        """The process that takes the next message: the one with the least to do."""
        alive = [worker for worker in self.processes if worker.alive]
        if not alive:
            alive = [Worker()]
            self.processes.append(alive[0])
        return min(alive, key=lambda worker: len(worker.queue) + worker.busy)

    def attempt(self, step: StepRow, worker: Worker | None) -> Call:
        """The step's next attempt. What its handler will see of the row is read before the attempt is counted."""
        number, now = (step.attempts or 0) + 1, self.agenda.now
        record = Attempt(number, step.enqueued_at, now, self.faults.at(step.name, number))
        call = Call(step, worker, record)
        step.attempts, step.last_attempted_at = number, now
        step.log.append(record)
        return call

    def _duplicate(self, call: Call) -> None:
        """A dispatch may be delivered twice: the handler is called twice with the same context (rows 21 and 29)."""
        if all(fault.kind != "duplicate" for fault in call.record.faults):
            return
        echo = call.again(echo=True)
        if self.profile.duplicates_claim_twice:
            self.ledger.claim_again(call.step)
            call.step.attempts = call.record.number + 1
            echo.worker = Worker()
        self.dispatch(echo)

    def dispatch(self, call: Call) -> None:
        """Put the claimed call before its worker, or among those that are made now."""
        worker = call.worker
        if worker is None:
            self.agenda.starts.append(call)
        else:
            worker.queue.append(call)
            self.agenda.starts.append(worker)

    def stop_workers(self, grace: int = 0) -> None:
        """Every worker process ends, and none takes its place; what they had claimed stays in_progress (row 21).

        Handlers that end within ``grace`` microseconds still count: a worker that is asked to stop waits for them.
        """
        self.staffed = False
        for worker in self.processes:
            worker.alive, worker.until = False, self.agenda.now + grace

    def start_worker(self) -> None:
        """A new worker process starts; a message that nobody read comes to it after the visibility timeout."""
        self.staffed = True
        for step, visible_at in self.unread:
            self.agenda.put(max(visible_at, self.agenda.now), CLAIM, step)
        self.unread.clear()

    def freeze_claims(self) -> None:
        """Fix what the claimed handlers will see, before results or edges change that they don't know of."""
        starts = self.agenda.starts
        busy = (worker.queue for worker in self.processes)
        for call in chain(*busy, *(entry.queue if isinstance(entry, Worker) else (entry,) for entry in starts)):
            _ = call.dependency_results

    # -- handlers --------------------------------------------------------------------------------------------------

    def hand_over(self, entry: Call | Worker) -> Call | None:
        """The call that is now made, or None if a process that was to make one can't."""
        if isinstance(entry, Worker):
            if not entry.can_start:
                return None
            entry.busy = True
            entry = entry.queue.popleft()
        call, record = entry, entry.record
        call.at = self.agenda.now
        self.called.append(call)
        if record.started_at is None:
            record.started_at = call.at
        return call

    def ended(self, call: Call, ending: Ending) -> None:
        """Book what the handler came to, at the instant at which it ends."""
        if call.step.template.timeout_seconds is not None and self.profile.honours_timeout:
            ending = within_timeout(call, ending)
        if ending.took_us:
            self.agenda.put(self.agenda.now + ending.took_us, RESULT, (call, ending))
        else:
            self.agenda.results.append((call, ending))

    def finish(self, call: Call, ending: Ending | Overdue) -> StepRow | None:
        """A handler has ended, or what it left behind is overdue. The step, if that brought its result."""
        worker = call.worker
        if isinstance(ending, Overdue):
            return OVERDUE[ending.why](self, call)
        if worker is not None and not worker.alive and self.agenda.now >= worker.until:
            return None
        if isinstance(ending, Outcome):
            if worker is not None or self.free is not None:
                self.release(call)
            if call.step.template.publishes_events:
                self.publish(call, ending)
            return self.settle(call, ending)
        if isinstance(ending, Checkpoint):
            self._keep_checkpoint(call, ending)
        else:
            fall_silent(self, call, ending)
        return None

    def settle(self, call: Call, outcome: Outcome) -> StepRow | None:
        """The result of a dispatch arrives; it is dropped if its attempt is over or the step is no longer its own."""
        step, record = call.step, call.record
        if record.outcome is not None or step.state != "in_progress" or step.log[-1] is not record:
            return None
        step.result_at = now = self.agenda.now
        if record.ended_at is None:
            record.ended_at = now
        record.outcome = step.result = outcome
        step.in_process = False
        return step

    def release(self, call: Call) -> None:
        """The worker is free for its next handler."""
        if call.worker is not None:
            call.worker.busy = False
            self.agenda.starts.append(call.worker)
        elif self.free is not None and not call.echo:
            self.free += 1
            if self.waiting:
                self.agenda.claims.append(self.waiting.popleft())

    def _keep_checkpoint(self, call: Call, checkpoint: Checkpoint) -> None:
        """Store the progress and dispatch the step again, at the tail of its worker's queue (semantics, section 7)."""
        step, now = call.step, self.ledger.written(self.agenda.now)
        progress = {
            "cursor": checkpoint.cursor,
            "items_processed": checkpoint.items_processed,
            "accumulated_results": checkpoint.accumulated_results,
        }
        history = [*(step.checkpoint or {}).get("history", ()), {"cursor": checkpoint.cursor, "timestamp": now}]
        step.checkpoint = {**progress, "timestamp": now, "history": history}
        call.record.checkpoints += ((self.agenda.now, step.checkpoint),)
        self._check_progress(call)
        following = call.again()
        following.checkpoint = {"step_uuid": self.ledger.step_uuid(step), **progress}
        self.dispatch(following)
        if call.worker is not None:
            self.release(call)

    def _check_progress(self, call: Call) -> None:
        number, limit = len(call.record.checkpoints), self.profile.max_checkpoints
        if number > limit:
            cursor = call.record.checkpoints[-1][1]["cursor"]
            raise RunError(
                f"Attempt {call.attempt} of step {call.name!r} has yielded {number} checkpoints, the last one with "
                f"cursor {cursor!r:.80}, and doesn't end. Start each piece from context.checkpoint_cursor, or allow "
                f"more: {allowing(self.profile, 'max_checkpoints', 10 * limit)}."
            )
