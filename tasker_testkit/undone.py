"""What was planned for a run, or for all runs, and didn't come about: that fails them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from tasker_testkit.engine.engine import Engine
from tasker_testkit.errors import FaultError, RunError, StubError, listed
from tasker_testkit.model.faults import Fault


def check_fired(engine: Engine, faults: Collection[Fault]) -> None:
    """Raise FaultError if one of these faults never fired in the run."""
    if not faults:
        return
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


def check_used(stubs: Iterable[str], used: Collection[str]) -> None:
    """Raise StubError for those of the stubs, by name, that no run has used."""
    unused = [name for name in stubs if name not in used]
    if unused:
        raise StubError(
            f"No run used these stubs:\n{listed(unused)}\nTheir steps never ran. Drop them, or let the steps run."
        )
