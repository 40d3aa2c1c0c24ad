"""Who puts another simulation in the place of one that is about to run: a token that is replayed, else nobody."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from tasker_testkit import observing

if TYPE_CHECKING:
    from tasker_testkit.explore.simpler import Plan
    from tasker_testkit.replaying import Replaying
    from tasker_testkit.simulation import Simulation

_replaying: Replaying | None = None


def instead_of(simulation: Simulation, input: Any) -> Simulation:
    """The simulation that runs when this one is asked to; it is itself unless a token of its template is replayed."""
    return simulation if _replaying is None else _replaying.instead_of(simulation, input)


def plan_instead_of_all(simulation: Simulation) -> Plan | None:
    """The plan that alone shall be run of all plans of this simulation: that of a token of its template, else None."""
    return None if _replaying is None else _replaying.plan_for(simulation)


@contextmanager
def intervened_by(other: Replaying | None) -> Iterator[None]:
    """Meanwhile this token is replayed, None for no token; what was replayed before, isn't."""
    global _replaying
    before, _replaying = _replaying, other
    try:
        yield
    finally:
        _replaying = before


@contextmanager
def unnoticed() -> Iterator[None]:
    """Meanwhile runs are nobody's business: nobody hears of them or intervenes, what handlers print goes nowhere."""
    with observing.heard_by(), intervened_by(None), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
