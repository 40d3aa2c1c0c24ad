"""What was planned for a run and didn't come about in it: that fails the run."""

from __future__ import annotations

from collections.abc import Iterable

from tasker_testkit.engine.engine import Engine
from tasker_testkit.errors import FaultError, RunError, listed
from tasker_testkit.model.faults import Fault


def check_fired(engine: Engine, faults: Iterable[Fault]) -> None:
    """Raise FaultError if one of these faults never fired in the run."""
    fired = {id(fault) for step in engine.ledger.steps for attempt in step.log for fault in attempt.fired}
    unused = [fault for fault in faults if id(fault) not in fired]
    if unused:
        raise FaultError(
            f"These faults never fired in a run that ended {engine.ledger.task_state}:\n{listed(unused)}\n"
            'Aim them at attempts that happen, leave them out, or in Python allow it: unused_faults="allow".'
        )


def check_done(engine: Engine) -> None:
    """Raise RunError if an operator's action was refused in the run, or its moment never came."""
    planned, ended = engine.planned, f"in a run that ended {engine.ledger.task_state}"
    if planned.refused:
        raise RunError(f"These actions were refused {ended}:\n{listed(planned.refused)}")
    if planned.missed:
        raise RunError(
            f"The moment of these actions never came {ended}:\n{listed(planned.missed)}\n"
            "Wait for a state that the run enters, or name an instant: 'at: 5s'."
        )
