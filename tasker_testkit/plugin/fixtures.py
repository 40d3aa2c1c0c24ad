"""The fixtures: what a test works with, as its marker and the options say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tasker_testkit.errors import RunError
from tasker_testkit.plugin.exploring import running
from tasker_testkit.plugin.options import bench_of, failed, refusing
from tasker_testkit.plugin.reporting import PASSED, RUNS

if TYPE_CHECKING:
    from tasker_testkit.bench import Bench, Clock
    from tasker_testkit.explore.simpler import Plan
    from tasker_testkit.model.effects import Effect
    from tasker_testkit.model.faults import FaultPlan
    from tasker_testkit.model.outcome import Outcome
    from tasker_testkit.run import Run
    from tasker_testkit.sections import LatestRuns
    from tasker_testkit.simulation import Simulation


@pytest.fixture
def _tasker_bench(
    request: pytest.FixtureRequest, _tasker_profile: str | None, _tasker_plan: Plan | None
) -> Iterator[Bench]:
    """The test's bench; at the end of a test that passed, its stubs must have been used, unless faults were planned
    for it."""
    with refusing(failed):
        bench = bench_of(request.node, profile=_tasker_profile)
    for fault in _tasker_plan or ():
        bench.faults.add(fault)
    yield bench
    if request.node.stash.get(PASSED, False) and not _tasker_plan:
        with refusing(failed):
            bench.check_unused()


@pytest.fixture
def tasker_context(_tasker_bench: Bench) -> Callable[..., Any]:
    """Make a real StepContext: ``tasker_context("create_order", input={...}, dependencies={"charge": {...}})``.

    Also: ``attempt=1, max_attempts, config, checkpoint, template, stubs="strict" | "present" | "off", previous``. If
    the template is known, the step and its dependencies are checked against it.
    """
    return _tasker_bench.context


@pytest.fixture
def tasker_call(_tasker_bench: Bench) -> Callable[..., Outcome]:
    """Call one handler: ``outcome = tasker_call(ChargeHandler, context)``; a class, an instance or a function handler.

    It may be async. The handler sees the frozen time of ``tasker_clock``; what it sleeps takes no real time.
    """
    return _tasker_bench.call


@pytest.fixture
def tasker_run(_tasker_bench: Bench, _tasker_plan: Plan | None) -> Callable[..., Run]:
    """Run the marker's workflow to its end on a simulated clock: ``run = tasker_run({"items": [...]})``.

    Keywords override the marker for this run: ``tasker_run(input, seed=7, stubs={...})``.
    """
    return running(_tasker_bench.run, _tasker_plan)


@pytest.fixture
def tasker_faults(_tasker_bench: Bench) -> FaultPlan:
    """The faults of the workflow: ``tasker_faults.fail("process_payment", attempt=1, error_type="timeout")``.

    A fault that doesn't fire fails the run, unless the marker says ``unused_faults="allow"``.
    """
    return _tasker_bench.faults


@pytest.fixture
def tasker_simulation(_tasker_bench: Bench) -> Simulation:
    """The Simulation that the marker describes, to run many times or to drive by hand with ``start(input)``."""
    with refusing(failed):
        return _tasker_bench.simulation


@pytest.fixture
def tasker_clock(_tasker_bench: Bench) -> Clock:
    """The frozen clock that handlers see in ``tasker_call``: ``now``, ``move_to(instant)``, ``shift("5m")``."""
    return _tasker_bench.clock


@pytest.fixture
def tasker_effects(_tasker_bench: Bench) -> Callable[..., list[Effect]]:
    """What doubles booked with ``effect(...)`` in this test's ``tasker_call`` and ``tasker_run``, in order.

    ``tasker_effects()``, or of one name, ``tasker_effects("charge")``; each has ``name, key, data, step, attempt, at``.
    """
    return _tasker_bench.effects


@pytest.fixture
def tasker_events(request: pytest.FixtureRequest) -> Callable[..., list[Mapping[str, Any]]]:
    """The domain events of the last run: ``tasker_events()``, or of one name, ``tasker_events("order.placed")``."""
    return partial(_published, request.node.stash[RUNS])


def _published(runs: LatestRuns, name: str | None = None) -> list[Mapping[str, Any]]:
    with refusing(failed):
        if not runs:
            raise RunError("There is no run yet whose events could be listed. Call tasker_run(input) before.")
        return runs[-1].published(name)
