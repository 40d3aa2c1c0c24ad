"""``@pytest.mark.tasker_explore``: each plan of an exploration is a test of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import pytest

from tasker_testkit.errors import FaultError
from tasker_testkit.pair import BOTH, PAIR
from tasker_testkit.plugin.options import bench_of, failed, nearest, refusing

if TYPE_CHECKING:
    from tasker_testkit.explore.simpler import Plan
    from tasker_testkit.run import Run

PLAN: Final = "_tasker_plan"
"""The fixture with the plan of an explored test; None for any other test."""
_MARKER: Final = (
    "tasker_explore(*, input, depth=1, kinds=ALL, limit=None): run this test once for each plan of up to depth faults; "
    "tasker_run then runs with that plan. input: the task's input, from whose run the plans are learned."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each plan."""
    mark = metafunc.definition.get_closest_marker("tasker_explore")
    if mark is None:
        return
    name = metafunc.definition.name
    with refusing(lambda message: failed(f"{name}: {message}")):  # collecting, pytest names nothing but the file
        if PLAN not in metafunc.fixturenames:
            raise FaultError(
                "marked tasker_explore, the test asks for none of our fixtures, so no plan could strike. Ask for "
                "tasker_run, and assert what its run must hold."
            )
        plans = _plans(metafunc.definition, mark)
    metafunc.parametrize(PLAN, plans, ids=_ids(plans), indirect=True)


def _plans(definition: pytest.Item, mark: pytest.Mark) -> list[Plan]:
    from tasker_testkit.intervening import plan_instead_of_all, unnoticed
    from tasker_testkit.search.planning import planned

    if mark.args:
        raise FaultError(f"@pytest.mark.tasker_explore takes keywords only, not {mark.args[0]!r:.80}: depth=, kinds=.")
    profile = PAIR[0] if nearest(definition, "profile") == BOTH else None
    simulation = bench_of(definition, profile=profile).simulation
    replayed = plan_instead_of_all(simulation)
    if replayed is not None:
        return [replayed]
    with unnoticed():
        return planned(simulation, mark.kwargs)


def _ids(plans: list[Plan]) -> list[str]:
    from tasker_testkit.explore.space import title

    return [title(plan) for plan in plans]


@pytest.fixture
def _tasker_plan(request: pytest.FixtureRequest) -> Plan | None:
    return getattr(request, "param", None)


def running(run: Callable[..., Run], plan: Plan | None) -> Callable[..., Run]:
    """The same, but that a plan which can't strike in the test's own run skips the test."""

    def explored(*arguments: Any, **overrides: Any) -> Run:
        try:
            return run(*arguments, **overrides)
        except FaultError as error:
            pytest.skip(f"this plan can't strike here: {error}")

    return explored if plan else run
