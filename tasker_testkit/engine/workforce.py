"""The workers: who claims a message, when its handler is called, and what becomes of it when it ends, or doesn't.

The workers touch a step from ``enqueued`` to its result; everything after that is the orchestrator's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tasker_testkit.engine.calls import Call, Worker, within_timeout
from tasker_testkit.engine.clock import CLAIM, RESULT, START, Agenda, first_tick
from tasker_testkit.engine.ledger import Attempt, Ledger, StepRow
from tasker_testkit.errors import RunError
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.outcome import Checkpoint, Ending, Outcome, Silence, failure
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.states import STEP_CLAIMABLE


class Workforce:
    """All workers of a run. ``size`` is ``workers=``: how many steps run at once, or how many processes (row 26)."""

    def __init__(
        self,
        agenda: Agenda,
        ledger: Ledger,
        profile: Profile,
        faults: FaultPlan,
        size: int | None,
        handle: Callable[[StepRow, Outcome], None],
        publish: Callable[[StepRow, int, Outcome], None],
    ) -> None:
        self.agenda = agenda
        self.ledger = ledger
        self.profile = profile
        self.faults = faults
        self.handle = handle
        self.publish = publish
        self.free = size
        self.processes = [Worker() for _ in range(size or 1)] if profile.eager_claims else []
        self.waiting: deque[StepRow] = deque()
        self.staffed = True
        self.unread: list[tuple[StepRow, int]] = []
        self.left: dict[StepRow, list[int]] = {}
        self.unknown: set[str] = set()
        self.claimed: dict[Call, None] = {}

    # -- messages and claims ---------------------------------------------------------------------------------------

    def send(self, step: StepRow) -> None:
        """Put the message that the step is enqueued before the workers."""
        self.agenda.put(self.agenda.now, CLAIM, self._deliver, step)
        if step in self.left:
            self.recall(step)

    def recall(self, step: StepRow) -> None:
        """The step is claimable again: messages that found it in another state come back at their next turn."""
        for seen_at in self.left.pop(step, ()):
            at = first_tick(self.agenda.now, seen_at, self.profile.visibility)
            self.agenda.put(at, CLAIM, self._deliver, step)

    def _deliver(self, step: StepRow) -> None:
        if not self.staffed:
            self.unread.append((step, self.agenda.now + self.profile.visibility))
        elif step.state not in STEP_CLAIMABLE or step.template.name in self.unknown:
            self.left.setdefault(step, []).append(self.agenda.now)
        elif self.profile.eager_claims:
            self._claim(step, self._process())
        elif self.free is None:
            self._claim(step, None)
        elif self.free:
            self.free -= 1
            self._claim(step, None)
        else:
            self.waiting.append(step)

    def _process(self) -> Worker:
        """The process that takes the next message: the one with the least to do."""
        alive = [worker for worker in self.processes if worker.alive]
        if not alive:
            alive = [Worker()]
            self.processes.append(alive[0])
        return min(alive, key=lambda worker: len(worker.queue) + worker.busy)

    def _claim(self, step: StepRow, worker: Worker | None) -> None:
        call = Call(step, worker)
        self.ledger.move_step(step, "start")
        step.in_process = True
        call.record = self._count_attempt(step)
        self._queue(call)
        if call.record.faults and any(fault.kind == "duplicate" for fault in call.record.faults):
            self._duplicate(call)

    def _count_attempt(self, step: StepRow) -> Attempt:
        now = self.agenda.now
        step.attempts = (step.attempts or 0) + 1
        step.last_attempted_at = now
        record = Attempt(step.attempts, step.enqueued_at, now, self.faults.at(step.name, step.attempts))
        step.log.append(record)
        return record

    def _duplicate(self, call: Call) -> None:
        """The dispatch is delivered twice: the handler is called twice with the same context (rows 21 and 29)."""
        echo = call.again(echo=True)
        if self.profile.duplicates_claim_twice:
            self.ledger.claim_again(call.step)
            call.step.attempts = call.record.number + 1
            echo.worker = Worker()
        self._queue(echo)

    def _queue(self, call: Call) -> None:
        self.claimed[call] = None
        if call.worker is None:
            self.agenda.put(self.agenda.now, START, self._hand_over, call)
        else:
            call.worker.queue.append(call)
            self.agenda.put(self.agenda.now, START, self._next_of, call.worker)

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
            self.agenda.put(max(visible_at, self.agenda.now), CLAIM, self._deliver, step)
        self.unread.clear()

    def freeze_claims(self) -> None:
        """Fix what the claimed handlers will see, before results or edges change that they don't know of."""
        for call in self.claimed:
            _ = call.dependency_results

    # -- handlers --------------------------------------------------------------------------------------------------

    def _next_of(self, worker: Worker) -> Call | None:
        if worker.busy or not worker.queue or not worker.alive or not worker.thread_alive:
            return None
        worker.busy = True
        return self._hand_over(worker.queue.popleft())

    def _hand_over(self, call: Call) -> Call:
        call.at = self.agenda.now
        del self.claimed[call]
        if call.record.started_at is None:
            call.record.started_at = call.at
        return call

    def ended(self, call: Call, ending: Ending) -> None:
        """Book what the handler came to, at the instant at which it ends."""
        if self.profile.honours_timeout and call.step.template.timeout_seconds is not None:
            ending = within_timeout(call, ending)
        self.agenda.put(self.agenda.now + ending.took_us, RESULT, self._finish, (call, ending))

    def _finish(self, booked: tuple[Call, Ending]) -> None:
        call, ending = booked
        if call.worker is not None and not call.worker.alive and self.agenda.now >= call.worker.until:
            return
        if isinstance(ending, Silence):
            self._fall_silent(call, ending)
        elif isinstance(ending, Checkpoint):
            self._keep_checkpoint(call, ending)
        else:
            self._release(call)
            if call.step.template.publishes_events:
                self.publish(call.step, call.attempt, ending)
            self.settle(call, ending)

    def settle(self, call: Call, outcome: Outcome) -> None:
        """The result of a dispatch arrives; it is dropped if its attempt is over or the step is no longer its own."""
        step, record = call.step, call.record
        if record.outcome is not None or step.state != "in_progress" or step.log[-1] is not record:
            return
        step.result_at = self.agenda.now
        if record.ended_at is None:
            record.ended_at = step.result_at
        record.outcome = step.result = outcome
        step.in_process = False
        if outcome.success:
            self.ledger.move_step(step, "enqueue_for_orchestration")
        else:
            self.ledger.move_step(step, "enqueue_as_error_for_orchestration")
        self.handle(step, outcome)

    def _release(self, call: Call) -> None:
        """The worker is free for its next handler."""
        if call.worker is not None:
            call.worker.busy = False
            self.agenda.put(self.agenda.now, START, self._next_of, call.worker)
        elif self.free is not None and not call.echo:
            self.free += 1
            if self.waiting:
                self.agenda.put(self.agenda.now, CLAIM, self._deliver, self.waiting.popleft())

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
        self._queue(following)
        if call.worker is not None:
            self._release(call)

    def _check_progress(self, call: Call) -> None:
        number, limit = len(call.record.checkpoints), self.profile.max_checkpoints
        if number > limit:
            cursor = call.record.checkpoints[-1][1]["cursor"]
            raise RunError(
                f"Attempt {call.attempt} of step {call.name!r} has yielded {number} checkpoints, the last one with "
                f"cursor {cursor!r:.80}, and doesn't end. Start each piece from context.checkpoint_cursor, or allow "
                f"more: profile=dataclasses.replace(DOCUMENTED, max_checkpoints={10 * limit})."
            )

    # -- when no result comes --------------------------------------------------------------------------------------

    def _fall_silent(self, call: Call, silence: Silence) -> None:
        if silence.why == "hangs":
            return
        if silence.why == "died":
            self._bury(call)
        elif silence.why == "thread_died" and call.worker is not None:
            call.worker.thread_alive = False
        else:
            self._release(call)
        if call.step.log[-1] is call.record and call.step.state == "in_progress":
            self._leave_behind(call, silence)

    def _bury(self, call: Call) -> None:
        """The worker's process is gone; another one takes the steps that come later."""
        if call.worker is None:
            self._release(call)
        else:
            call.worker.alive = False

    def _leave_behind(self, call: Call, silence: Silence) -> None:
        """What the missing result means for the step (rows 10, 11 and 21)."""
        step, record, profile = call.step, call.record, self.profile
        if silence.why == "unstorable":
            record.ended_at = self.agenda.now
            self.ledger.move_step(step, "enqueue_for_orchestration")
        elif silence.why == "no_completion":
            due = first_tick(call.at + profile.completion_limit, profile.cleanup_phase, profile.cleanup_interval)
            self.agenda.put(max(due, self.agenda.now), RESULT, self._clean_up, call)
        elif profile.redelivery is not None:
            record.ended_at = self.agenda.now
            at = max(record.claimed_at + profile.redelivery, self.agenda.now)
            self.agenda.put(at, RESULT, self._deliver_again, call)

    def _clean_up(self, call: Call) -> None:
        """The worker gives up waiting for a completion (row 10)."""
        limit_ms = self.profile.completion_limit * 1_000 // SECOND
        started = self.ledger.written(call.at)
        metadata = {"error_type": "ffi_timeout", "execution_time_ms": limit_ms, "started_at": started}
        timeout = failure(
            f"FFI handler timed out after {limit_ms}ms",
            "ffi_timeout",
            retryable=True,
            result={},
            status="failed",
            metadata=metadata,
            worker_made=True,
        )
        self.settle(call, timeout)

    def _deliver_again(self, call: Call) -> None:
        """The message of a worker that died comes back: the step runs again, or has no attempt left (row 21)."""
        step = call.step
        if step.state != "in_progress" or step.log[-1] is not call.record or call.record.outcome is not None:
            return
        if not step.eligible:
            self.settle(call, failure("The worker died and no attempt is left", "worker_crashed", retryable=False))
            return
        again = Call(step, None)
        again.record = self._count_attempt(step)
        again.record.enqueued_at = None
        self._queue(again)
