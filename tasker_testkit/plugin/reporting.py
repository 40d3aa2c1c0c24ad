"""What the report of a failing test says of its runs."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.plugin.options import ON_COMMAND_LINE
from tasker_testkit.sections import LatestRuns, listening, reproduction, timelines

RUNS: Final = pytest.StashKey[LatestRuns]()
"""The latest runs that the test made."""
PASSED: Final = pytest.StashKey[bool]()
"""Whether the test's own call passed."""
_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Listen for the runs of this test, and of no other."""
    with listening() as item.stash[RUNS]:
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Add the timelines and the command to a failing report; leave our own frames out of an error of ours."""
    if call.excinfo and isinstance(call.excinfo.value, TaskerTestkitError) and not item.config.getoption("fulltrace"):
        _cut(call.excinfo.value)
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
    if report.failed and (runs := item.stash.get(RUNS, None)):
        report.sections.append(("Tasker runs", timelines(runs)))
        report.sections.append(("run this test again", _command(item)))
        runs.clear()
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
    given = {name: config.getoption(f"tasker_{name}") for name in ON_COMMAND_LINE}
    options = [f"--tasker-{name}={value}" for name, value in given.items() if value is not None]
    return reproduction(item.nodeid, options, root=config.rootpath, here=config.invocation_params.dir)
