"""A task that a test drives by hand, one instant or one state at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from tasker_testkit.engine.calls import Call
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.ledger import TASK
from tasker_testkit.engine.operator import Operator
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.engine.stuck import why_over
from tasker_testkit.errors import RunError, listed, near
from tasker_testkit.model.durations import Duration, instant, microseconds, since_epoch, spoken
from tasker_testkit.model.outcome import Ending
from tasker_testkit.model.states import STEP_STATES, TASK_STATES
from tasker_testkit.run import Run
from tasker_testkit.stubs import json_copy

Verb = Callable[["DrivenTask"], Any]
"""Something that was done to a task by hand."""


class DrivenStep:
    """One step of a task under way."""

    def __init__(self, row: StepRow, operator: Callable[[], Operator], script: list[Verb]) -> None:
        self._row = row
        self._operator = operator
        self._script = script

    @property
    def state(self) -> str:
        """Its state now."""
        return self._row.state

    @property
    def attempts(self) -> int:
        """How many attempts were claimed so far."""
        return self._row.attempts or 0

    @property
    def max_attempts(self) -> int:
        """How many attempts it has, the first included."""
        return self._row.max_attempts

    def reset_for_retry(self) -> None:
        """Make the failed step pending again (row 22). Raises RunError if it isn't in ``error``."""
        self._operator().reset_for_retry(self._row)
        self._script.append(lambda task: task[self._row.name].reset_for_retry())

    def resolve_manually(self) -> None:
        """Settle the step, in whatever state, without a result (row 23)."""
        self._operator().resolve_manually(self._row)
        self._script.append(lambda task: task[self._row.name].resolve_manually())

    def complete_manually(
        self,
        result: Mapping[str, Any] | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        reason: str = "test",
        completed_by: str = "tasker_testkit",
    ) -> None:
        """Settle the step, in whatever state, with this result: descendants that start later see it (row 23)."""
        given = (json_copy(result), metadata or {}, reason, completed_by)
        self._operator().complete_manually(self._row, *given)
        self._script.append(lambda task: task._operator().complete_manually(task._row(self._row.name), *given))


class DrivenTask:
    """A submitted task that moves only when it is told to. Virtual time stands still in between.

    Use it as a context manager: leaving the block without ``finish()`` abandons the task, and the report of a failing
    test shows the run so far.
    """

    def __init__(
        self,
        engine: Engine,
        invoke: Callable[[Call], Ending],
        recorded: Callable[[], Run],
        check: Callable[[], None],
        submit_again: Callable[[Any], None],
        script: list[Verb],
    ) -> None:
        self._engine = engine
        self._invoke = invoke
        self._recorded = recorded
        self._check = check
        self._submit_again = submit_again
        self._run: Run | None = None
        self.script = script
        """What was done by hand so far, so that it can be done again to another task."""

    def __enter__(self) -> DrivenTask:
        return self

    def __exit__(self, *_: object) -> None:
        if self._run is None:
            self._recorded()

    @property
    def now(self) -> datetime:
        """The virtual instant."""
        return self._engine.ledger.instant(self._engine.now)

    @property
    def state(self) -> str:
        """The task's state now."""
        return self._engine.ledger.task_state

    @property
    def steps(self) -> Mapping[str, DrivenStep]:
        """The steps that exist now, by name, in order of creation."""
        return {name: self[name] for name in self._engine.ledger.by_name}

    def __getitem__(self, name: str) -> DrivenStep:
        return DrivenStep(self._row(name), self._operator, self.script)

    def call_next(self) -> str | None:
        """Run until one more handler has been called, whenever that is; its step's name, None if there is none."""
        self._open()
        call = self._engine.next_call()
        if call is not None:
            self._engine.report(call, self._invoke(call))
        self.script.append(DrivenTask.call_next)
        return None if call is None else call.step.name

    def run_until(
        self, moment: datetime | str | None = None, *, step: str | None = None, state: str | None = None
    ) -> None:
        """Run to an instant, or until a step (without ``step``: the task) is in a state.

        Everything that is due at the instant has then happened. Raises RunError if the state can never come any more.
        """
        if moment is not None:
            self._run_to(self._offset(instant(moment)))
        elif state is not None:
            self._run_to_state(step, state)
        else:
            raise RunError('run_until needs an instant, or state=..., as in run_until(step="x", state="in_progress").')
        self.script.append(lambda task: task.run_until(moment, step=step, state=state))

    def advance(self, by: Duration) -> None:
        """Let so much virtual time pass (seconds, ``"5m"`` or a timedelta)."""
        self._run_to(self._engine.now + microseconds(by))
        self.script.append(lambda task: task.advance(by))

    def cancel(self) -> None:
        """Cancel the task now; what runs goes on, its result is dropped. Raises RunError if the task has ended."""
        self._operator().cancel()
        self.script.append(DrivenTask.cancel)

    def submit_again(self, input: Any) -> None:
        """Submit ``input`` as another task. SubmissionRefused if Tasker would take it for this very one (row 25)."""
        self.script.append(lambda task: task.submit_again(input))
        self._submit_again(input)

    def finish(self) -> Run:
        """Run to the task's end, or to where nothing can happen any more. The same Run when called again."""
        if self._run is None:
            self._loop(None)
            self._run = self._recorded()
            self._check()
        return self._run

    # -- the loop --------------------------------------------------------------------------------------------------

    def _loop(self, until: int | None, stop: Callable[[], bool] | None = None) -> None:
        engine, invoke = self._engine, self._invoke
        while call := engine.next_call(until, stop):
            engine.report(call, invoke(call))

    def _run_to(self, at: int) -> None:
        self._open()
        if at < self._engine.now:
            raise RunError(f"Can't run back in time: it is {spoken(self._engine.now)} after the start already.")
        self._loop(at)
        self._engine.agenda.move_to(at)

    def _run_to_state(self, step: str | None, state: str) -> None:
        self._open()
        _check_state(state, TASK_STATES if step is None else STEP_STATES, "a task" if step is None else "a step")
        if step is not None and step not in self._engine.template.step_names:
            self._row(step)
        reached = self._watch(step, state)
        if not reached():
            self._loop(None, reached)
        if not reached():
            raise RunError(self._never(step, state))

    def _watch(self, step: str | None, state: str) -> Callable[[], bool]:
        ledger = self._engine.ledger
        if step is None:
            return lambda: ledger.task_state == state
        return lambda: step in ledger.by_name and ledger.by_name[step].state == state

    def _never(self, step: str | None, state: str) -> str:
        ledger = self._engine.ledger
        who, index, found = self._whose(step)
        times = [at for at, whose, entered in ledger.log if (whose, entered) == (index, state)]
        if times:
            was = f"{who} isn't {state} any more: it was at {spoken(times[-1])}, it is {found} now."
            return f"{was} The finished run's states have all that it went through."
        return f"{who} never becomes {state}: it is {found}. {why_over(ledger)}"

    def _whose(self, step: str | None) -> tuple[str, int | None, str]:
        """The step's (without ``step``: the task's) name in a message, index in the log, and state."""
        ledger = self._engine.ledger
        if step is None:
            return "The task", TASK, ledger.task_state
        row = ledger.by_name.get(step)
        return (f"Step {step!r}", row.index, row.state) if row else (f"Step {step!r}", None, "not created")

    def _offset(self, moment: datetime) -> int:
        return since_epoch(moment) - since_epoch(self._engine.ledger.start)

    def _operator(self) -> Operator:
        self._open()
        return self._engine.operator

    def _open(self) -> None:
        if self._run is not None:
            raise RunError("This task is finished; start another one with simulation.start(input).")

    def _row(self, name: str) -> StepRow:
        rows = self._engine.ledger.by_name
        if name in rows:
            return rows[name]
        if name in self._engine.template.step_names:
            raise RunError(f"Step {name!r} hasn't been created (yet). Steps so far:\n{listed(rows)}")
        raise RunError(f"There is no step {name!r}.{near(name, rows)} Steps:\n{listed(rows)}")


def _check_state(state: str, known: Iterable[Any], whose: str) -> None:
    if state not in known:
        raise RunError(f"{state!r} isn't a state of {whose}.{near(state, known)} Its states:\n{listed(known)}")
