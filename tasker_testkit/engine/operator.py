"""What an operator can do to a task under way. Rows 22 and 23 say what it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.orchestrator import Orchestrator
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.engine.workforce import Workforce
from tasker_testkit.errors import RunError, listed
from tasker_testkit.model.actions import Action
from tasker_testkit.model.outcome import success
from tasker_testkit.model.states import STEP_TABLE, STEP_TERMINAL, TASK_TABLE, StepEvent


class Operator:
    """Acts on one task at the current instant; every action is booked in ``done``."""

    def __init__(self, ledger: Ledger, orchestrator: Orchestrator, workforce: Workforce) -> None:
        self.ledger = ledger
        self.orchestrator = orchestrator
        self.workforce = workforce
        self.done: list[dict[str, Any]] = []

    def act(self, action: Action) -> None:
        """Do what the action says, now. Raises RunError if it is refused, or its step doesn't exist (yet)."""
        if action.step is None:
            self.cancel()
            return
        step = self.ledger.by_name.get(action.step)
        if step is None:
            raise RunError(f"The step hasn't been created (yet). Steps so far:\n{listed(self.ledger.by_name)}")
        if action.do == "complete_manually":
            self.complete_manually(step, action.result, action.metadata, action.reason, action.completed_by)
        else:
            getattr(self, action.do)(step)

    def cancel(self) -> None:
        """Cancel the task and every step that isn't settled. What runs goes on, its result is dropped.

        Raises RunError if the task has ended.
        """
        ledger = self.ledger
        if ledger.task_state not in TASK_TABLE["cancel"]:
            raise RunError(f"Can't cancel the task: it is {ledger.task_state}, and that is an end.")
        self._book("cancel")
        for step in ledger.steps:
            if step.state not in STEP_TERMINAL:
                self._settle(step, "cancel")
        ledger.move_task("cancel")

    def reset_for_retry(self, step: StepRow) -> None:
        """Make a failed step pending again. Raises RunError if it isn't in ``error``."""
        if step.state not in STEP_TABLE["reset_for_retry"]:
            raise RunError(
                f"Can't reset step {step.name!r}: it is {step.state}. Only a step in 'error' can be reset for a retry."
            )
        self._book("reset_for_retry", step=step.name)
        if self.orchestrator.profile.reset_clears_attempts:
            step.attempts, step.last_error_at, step.due_at = 0, None, None
        self.ledger.move_step(step, "reset_for_retry")
        self.ledger.watch(step)
        self.orchestrator.reconsider()

    def resolve_manually(self, step: StepRow) -> None:
        """Settle a step in any state without a result of its own; a stored one stays."""
        self._book("resolve_manually", step=step.name)
        self._settle(step, "resolve_manually")
        self.orchestrator.reconsider()

    def complete_manually(
        self, step: StepRow, result: Any, metadata: Mapping[str, Any], reason: str, completed_by: str
    ) -> None:
        """Settle a step in any state with that result; descendants that start later see it. Nothing grows by hand."""
        self._book("complete_manually", step=step.name, result=result)
        custom = {
            **metadata,
            "manually_completed": True,
            "completed_by": completed_by,
            "completion_reason": reason,
        }
        step.result = success(result, metadata={"custom": custom}, by_hand=True)
        step.result_at = self.ledger.agenda.now
        self._settle(step, "complete_manually")
        self.orchestrator.reconsider()

    def _book(self, do: str, **details: Any) -> None:
        self.done.append({"at": self.ledger.agenda.now, "do": do, **details})
        self.workforce.freeze_claims()

    def _settle(self, step: StepRow, event: StepEvent) -> None:
        step.in_process = False
        step.processed = True
        self.ledger.move_step(step, event)
        self.ledger.watch(step)
