"""The command line, the ini options and the marker, and what they come to for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tasker_testkit.errors import ProfileError, TaskerTestkitError
from tasker_testkit.pair import BOTH
from tasker_testkit.worker.silence import quiet

if TYPE_CHECKING:
    from tasker_testkit.bench import Bench

ON_COMMAND_LINE: Final = ("seed", "profile")
"""The settings that have an option ``--tasker-...`` of their own."""

_MARKER = (
    "tasker(template, *, handlers, stubs, profile, seed, start, workers, environment, durations, setup, faults, "
    "unused_faults, unused_stubs, differs, ...): what the tasker_... fixtures of this test simulate; takes every "
    "keyword of tasker_testkit.Simulation. Markers of function, class and module add up; the nearest wins."
)

_NOT_DOUBLED = (
    "This test gets its tasker fixtures at run time (getfixturevalue), so it was collected once and can't run under "
    "both profiles.\nAsk for tasker_run and its kin as arguments, or name one profile: "
    '@pytest.mark.tasker(profile="documented").'
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command line and the ini options."""
    group = parser.getgroup("tasker", "Tasker workflows")
    group.addoption("--tasker-profile", metavar="NAME", help="simulate this profile: documented, tasker-0.1.8, both")
    group.addoption("--tasker-seed", metavar="N", type=int, help="seed of every simulation (jitter, identifiers)")
    parser.addini("tasker_template", "template of tests that name none (a path, from rootdir)")
    parser.addini("tasker_handlers", "handlers of tests that name none: modules or .py files", type="linelist")
    parser.addini("tasker_profile", "profile of tests that name none: documented, tasker-0.1.8, both")
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
    if name and name != BOTH:
        from tasker_testkit.model.profile import find_profile

        try:
            find_profile(name)
        except TaskerTestkitError as error:
            raise pytest.UsageError(f"{error}\n  {BOTH} (each test under each of them)") from None


def nearest(node: pytest.Item, name: str) -> Any:
    """What the nearest marker says for that keyword, else the command line or the ini file; None if nobody does."""
    for mark in node.iter_markers("tasker"):
        if name in mark.kwargs:
            return mark.kwargs[name]
    if name not in ON_COMMAND_LINE:
        return None
    return node.config.getoption(f"tasker_{name}") or node.config.getini(f"tasker_{name}") or None


def bench_of(item: pytest.Item, *, profile: str | None = None) -> Bench:
    """The bench that the test's markers, the command line and the ini file describe; ``profile`` wins over them.

    Raises TaskerTestkitError.
    """
    from tasker_testkit.bench import Bench
    from tasker_testkit.settings import Layer, marker_layer, option_layers

    if profile is None and nearest(item, "profile") == BOTH:
        raise ProfileError(_NOT_DOUBLED)
    config, places = item.config, (item.path.parent, item.config.rootpath)
    markers = [marker_layer(mark.args, mark.kwargs, places) for mark in item.iter_markers("tasker")]
    line = {name: config.getoption(f"tasker_{name}") for name in ON_COMMAND_LINE}
    ini = {name: config.getini(f"tasker_{name}") for name in (*ON_COMMAND_LINE, "template", "handlers", "start")}
    chosen = [Layer(f"profile={BOTH!r}", {"profile": profile})] if profile else []
    return Bench([*chosen, *markers, *option_layers(line, ini, config.rootpath)], places=places)


failed = partial(pytest.fail.Exception, pytrace=False)
"""A failure of the test, without a traceback."""


@contextmanager
def refusing(kind: Callable[[str], BaseException]) -> Iterator[None]:
    """An error of ours becomes one of pytest's, without a traceback."""
    try:
        yield
    except TaskerTestkitError as error:
        raise kind(str(error)) from None
