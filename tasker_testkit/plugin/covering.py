"""Failure-path coverage of a session: ``--tasker-cov``, ``--tasker-cov-json``, ``--tasker-cov-fail-under``.

Without one of them nothing here listens, and nothing is imported.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tasker_testkit import observing

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter

    from tasker_testkit.model.coverage import Coverage
    from tasker_testkit.run import Run

_KEY: Final = "tasker_coverage"
"""Where an xdist worker leaves its part for the controller."""
_MARKUP: Final = {"good": {"green": True}, "bad": {"red": True}, "title": {"bold": True}, "fault": {"yellow": True}}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the command line."""
    group = parser.getgroup("tasker", "Tasker workflows")
    group.addoption(
        "--tasker-cov", action="store_true", help="show which failure paths of the workflows the tests took"
    )
    group.addoption(
        "--tasker-cov-json", metavar="FILE", type=_file, help="write the failure-path coverage to FILE as JSON"
    )
    group.addoption(
        "--tasker-cov-fail-under",
        metavar="N",
        type=_percent,
        help="fail if fewer than N %% of the failure paths were taken",
    )


def _file(text: str) -> Path:
    path = Path(text).absolute()
    if path.is_dir() or not path.parent.is_dir():
        why = "is a folder; name a file in it" if path.is_dir() else "is in a folder that doesn't exist; make it first"
        raise argparse.ArgumentTypeError(f"{text} {why}")
    return path


def _percent(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no percentage; give a number from 0 to 100")
    return number


def pytest_configure(config: pytest.Config) -> None:
    """Listen, if somebody wants to know."""
    options = config.option
    wanted = options.tasker_cov or options.tasker_cov_json or options.tasker_cov_fail_under is not None
    if wanted and not options.collectonly:
        config.pluginmanager.register(_Covering(config), "tasker_testkit_covering")


class _Covering:
    """What the session's tests took so far, on an xdist worker and on its controller."""

    def __init__(self, config: pytest.Config) -> None:
        from tasker_testkit.model.coverage import NOTHING

        self.config = config
        self.found = NOTHING
        self.complaints: list[str] = []

    def hear(self, run: Run) -> None:
        """Count what a run of a test took."""
        from tasker_testkit.explore.coverage import coverage_of

        self.found |= coverage_of(run.engine)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        """Listen beside whoever listens to the test's runs; they must have begun before."""
        with observing.also_heard_by(self.hear):
            return (yield)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what the tests of an xdist worker took."""
        from tasker_testkit.model.coverage import Coverage

        data = getattr(node, "workeroutput", {}).get(_KEY)
        if data is None:
            self.complaints.append(f"worker {node.gateway.id} died; what its tests took is missing")
        else:
            self.found |= Coverage.from_data(data)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand over to the controller, or write, and hold what there is against what is wanted."""
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput[_KEY] = self.found.to_data()
            return
        self._write()
        under: float | None = self.config.option.tasker_cov_fail_under
        if under is not None and self.found.percent < under:
            self.complaints.append(f"{self.found.percent:.2f} % is less than --tasker-cov-fail-under={under:g}")
        if self.complaints and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self) -> None:
        path: Path | None = self.config.option.tasker_cov_json
        try:
            if path is not None:
                path.write_text(json.dumps(self.found.to_data(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            self.complaints.append(f"can't write {path}: {error.strerror}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the table if it is wanted, then one line that says it all, and what is wrong."""
        from tasker_testkit.report.coverage import total

        terminalreporter.write_sep("=", "Tasker failure paths")
        if self.config.option.tasker_cov:
            _show(self.found, self.config.get_terminal_writer())
        terminalreporter.write_line(total(self.found), bold=True)
        if path := self.config.option.tasker_cov_json:
            terminalreporter.write_line(f"written to {os.path.relpath(path, self.config.invocation_params.dir)}")
        for complaint in self.complaints:
            terminalreporter.write_line(f"FAILED: {complaint}", red=True)


def _show(found: Coverage, writer: TerminalWriter) -> None:
    from tasker_testkit.commands.terminal import speaks_unicode
    from tasker_testkit.report.cells import ASCII, UNICODE
    from tasker_testkit.report.coverage import layout

    for line in layout(found, width=writer.fullwidth, signs=UNICODE if speaks_unicode() else ASCII):
        for span in line:
            writer.write(span.text, **_MARKUP.get(span.tone, {}))
        writer.line()
    writer.line()
