"""The pytest plugin: fixtures, one marker, options, and a section in the report of a failing test.

Nothing here decides anything, and nothing heavy is imported before a test asks for a fixture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tasker_testkit import observing
from tasker_testkit.errors import RunError, TaskerTestkitError
from tasker_testkit.sections import LatestRuns, listening, reproduction, timelines
from tasker_testkit.worker.sdk import quiet

if TYPE_CHECKING:
    from tasker_testkit.bench import Bench, Clock
    from tasker_testkit.model.faults import FaultPlan
    from tasker_testkit.model.outcome import Outcome
    from tasker_testkit.run import Run
    from tasker_testkit.simulation import Simulation

_PACKAGE = os.path.dirname(__file__) + os.sep
_ON_COMMAND_LINE = ("seed", "profile")
_PASSED = pytest.StashKey[bool]()
_MARKER = (
    "tasker(template, *, handlers, stubs, profile, seed, start, workers, environment, durations, setup, faults, "
    "unused_faults, unused_stubs, ...): what the tasker_... fixtures of this test simulate; takes every keyword of "
    "tasker_testkit.Simulation. Markers of function, class and module add up; the nearest wins."
)


# -- options -----------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command line and the ini options."""
    group = parser.getgroup("tasker", "Tasker workflows")
    group.addoption("--tasker-profile", metavar="NAME", help="simulate this profile: documented, tasker-0.1.8")
    group.addoption("--tasker-seed", metavar="N", type=int, help="seed of every simulation (jitter, identifiers)")
    parser.addini("tasker_template", "template of tests that name none (a path, from rootdir)")
    parser.addini("tasker_handlers", "handlers of tests that name none: modules or .py files", type="linelist")
    parser.addini("tasker_profile", "profile of tests that name none: documented, tasker-0.1.8")
    parser.addini("tasker_seed", "seed of tests that name none")
    parser.addini("tasker_start", "instant of the submission, ISO 8601, in tests that name none")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Keep tasker_core silent whoever imports it; it prints over a hundred lines otherwise."""
    quiet()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse an unknown profile before anything runs."""
    config.addinivalue_line("markers", _MARKER)
    name = config.getoption("tasker_profile") or config.getini("tasker_profile")
    if name:
        from tasker_testkit.model.profile import find_profile

        with _refusing(pytest.UsageError):
            find_profile(name)


# -- fixtures ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def _tasker_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """The test's bench; at the end of a test that passed, its stubs must have been used."""
    with _refusing(_failed):
        bench = _bench(request.node)
    yield bench
    if request.node.stash.get(_PASSED, False):
        with _refusing(_failed):
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
def tasker_run(_tasker_bench: Bench) -> Callable[..., Run]:
    """Run the marker's workflow to its end on a simulated clock: ``run = tasker_run({"items": [...]})``.

    Keywords override the marker for this run: ``tasker_run(input, seed=7, stubs={...})``.
    """
    return _tasker_bench.run


@pytest.fixture
def tasker_faults(_tasker_bench: Bench) -> FaultPlan:
    """The faults of the workflow: ``tasker_faults.fail("process_payment", attempt=1, error_type="timeout")``.

    A fault that doesn't fire fails the run, unless the marker says ``unused_faults="allow"``.
    """
    return _tasker_bench.faults


@pytest.fixture
def tasker_simulation(_tasker_bench: Bench) -> Simulation:
    """The Simulation that the marker describes, to run many times or to drive by hand with ``start(input)``."""
    with _refusing(_failed):
        return _tasker_bench.simulation


@pytest.fixture
def tasker_clock(_tasker_bench: Bench) -> Clock:
    """The frozen clock that handlers see in ``tasker_call``: ``now``, ``move_to(instant)``, ``shift("5m")``."""
    return _tasker_bench.clock


@pytest.fixture
def tasker_events() -> Callable[..., list[Mapping[str, Any]]]:
    """The domain events of the last run: ``tasker_events()``, or of one name, ``tasker_events("order.placed")``."""
    return _published


def _published(name: str | None = None) -> list[Mapping[str, Any]]:
    with _refusing(_failed):
        if not observing.runs:
            raise RunError("There is no run yet whose events could be listed. Call tasker_run(input) before.")
        return observing.runs[-1].published(name)


def _bench(item: pytest.Item) -> Bench:
    from tasker_testkit.bench import Bench
    from tasker_testkit.settings import marker_layer, option_layers

    config, places = item.config, (item.path.parent, item.config.rootpath)
    markers = [marker_layer(mark.args, mark.kwargs, places) for mark in item.iter_markers("tasker")]
    line = {name: config.getoption(f"tasker_{name}") for name in _ON_COMMAND_LINE}
    ini = {name: config.getini(f"tasker_{name}") for name in (*_ON_COMMAND_LINE, "template", "handlers", "start")}
    return Bench([*markers, *option_layers(line, ini, config.rootpath)], places=places)


_failed = partial(pytest.fail.Exception, pytrace=False)


@contextmanager
def _refusing(kind: Callable[[str], BaseException]) -> Iterator[None]:
    """An error of ours becomes one of pytest's, without a traceback."""
    try:
        yield
    except TaskerTestkitError as error:
        raise kind(str(error)) from None


# -- reports -----------------------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    """Listen for the runs of this test, and of no other."""
    with listening():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Add the timelines and the command to a failing report; leave our own frames out of an error of ours."""
    if call.excinfo and isinstance(call.excinfo.value, TaskerTestkitError) and not item.config.getoption("fulltrace"):
        _cut(call.excinfo.value)
    report = yield
    if call.when == "call":
        item.stash[_PASSED] = report.passed
    if report.failed and isinstance(observing.runs, LatestRuns) and observing.runs:
        report.sections.append(("Tasker runs", timelines(observing.runs)))
        report.sections.append(("run this test again", _command(item)))
        observing.runs = LatestRuns()
    return report


def _cut(error: BaseException) -> None:
    """End the traceback where the test called us."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_next is not None and trace.tb_next.tb_frame.f_code.co_filename.startswith(_PACKAGE):
            trace.tb_next = None
        trace = trace.tb_next


def _command(item: pytest.Item) -> str:
    config = item.config
    given = {name: config.getoption(f"tasker_{name}") for name in _ON_COMMAND_LINE}
    options = [f"--tasker-{name}={value}" for name, value in given.items() if value is not None]
    return reproduction(item.nodeid, options, root=config.rootpath, here=config.invocation_params.dir)
