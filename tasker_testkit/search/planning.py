"""The plans of a test that is made of an exploration: ``@pytest.mark.tasker_explore(depth=1, kinds="crash")``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tasker_testkit.errors import TaskerTestkitError, listed, near
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.search.exploring import Explorer
from tasker_testkit.simulation import Simulation

KEYWORDS: Final = ("input", "depth", "kinds", "limit")
"""What the marker takes."""


def planned(simulation: Simulation, keywords: Mapping[str, Any]) -> list[Plan]:
    """The plans that ``explore`` would run with these keywords, the one without faults first.

    Without an ``input`` nobody knows what the handlers do: every step succeeds at once with an empty result, so that no
    decision chooses a branch and no result is corrupted. Raises TaskerTestkitError for an unknown keyword, and what
    ``explore`` raises.
    """
    for name in keywords:
        if name not in KEYWORDS:
            raise TaskerTestkitError(
                f"@pytest.mark.tasker_explore has no {name!r}.{near(name, KEYWORDS)} It takes:\n{listed(KEYWORDS)}"
            )
    given = dict(keywords)
    explored = simulation if "input" in given else _outlined(simulation)
    return Explorer(explored, given.pop("input", {}), **given).plans()


def _outlined(simulation: Simulation) -> Simulation:
    """The bare course of the workflow: its template with a stub behind each step, and no questions about the input."""
    return Simulation(
        simulation.template,
        stubs={name: None for name in simulation.template.step_names},
        profile=replace(simulation.profile, checks_input=False),
        seed=simulation.seed,
        start=simulation.start_at,
        workers=simulation.workers,
    )
