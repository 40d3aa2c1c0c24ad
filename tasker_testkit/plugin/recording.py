"""``--tasker-record=none|once|all``: the runs of tests that pass are kept beside them, to be replayed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from tasker_testkit import observing
from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.plugin.options import nearest, refusing
from tasker_testkit.plugin.reporting import PASSED

if TYPE_CHECKING:
    from tasker_testkit.records.recorder import Recorder
    from tasker_testkit.run import Run

IS_FILE: Final = pytest.StashKey[bool]()
"""Set on tests that are files: a recording or a scenario, which aren't recorded again."""
_RECORDER: Final[pytest.StashKey[Recorder]] = pytest.StashKey()
_COUNTS: Final = "tasker_record"
_REDACTION: Final = {
    "keys": ("tasker_secret_keys", "names of keys whose values never reach a file"),
    "paths": ("tasker_secret_paths", "places in histories that never reach a file, such as input.customer.email"),
    "patterns": ("tasker_secret_patterns", "regular expressions of what never reaches a file"),
    "allowed": ("tasker_not_secret", "texts that are no secrets whatever their keys say; * stands for anything"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option and the ini options."""
    group = parser.getgroup("tasker", "Tasker workflows")
    record = "record the runs of passing tests: none (default), once (those that aren't yet), all (anew)"
    group.addoption("--tasker-record", metavar="MODE", default="none", help=record)
    parser.addini("tasker_recordings", "folder of recordings, from rootdir (default: recordings/ beside the test)")
    for name, help in _REDACTION.values():
        parser.addini(name, help, type="linelist")
    parser.addini("tasker_secret_salt", "a text only your team knows; without it guesses of secrets can be checked")


def pytest_configure(config: pytest.Config) -> None:
    """Set what is secret, and refuse an unknown mode before anything runs."""
    given = {field: tuple(config.getini(name)) for field, (name, _) in _REDACTION.items()}
    salt, mode = config.getini("tasker_secret_salt"), config.getoption("tasker_record")
    if any(given.values()) or salt:
        from tasker_testkit.recording import redacted_by
        from tasker_testkit.replay.redaction import Redaction

        redaction, stack = Redaction(**given, salt=salt or ""), ExitStack()
        with refusing(pytest.UsageError):
            redaction.check()
        config.add_cleanup(stack.close)
        stack.enter_context(redacted_by(redaction))
    if mode != "none":
        from tasker_testkit.records.recorder import Recorder

        with refusing(pytest.UsageError):
            config.stash[_RECORDER] = Recorder(mode)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Hear of the test's runs, and write them down if it passes."""
    recorder = item.config.stash.get(_RECORDER, None)
    if recorder is None or IS_FILE in item.stash or _draws(item) or nearest(item, "record") is False:
        return (yield)
    runs: list[Run] = []
    with observing.also_heard_by(runs.append):
        result = yield
    passed = item.stash.get(PASSED, False)
    if passed and runs:
        _record(recorder, item, runs)
    return result


def _record(recorder: Recorder, item: pytest.Item, runs: list[Run]) -> None:
    from tasker_testkit.records.recorder import FOLDER

    chosen = item.config.getini("tasker_recordings")
    folder = item.config.rootpath / chosen if chosen else item.path.parent / FOLDER
    test = item.nodeid.partition("::")[2].replace("::", ".")
    try:
        recorder.record(runs, item.nodeid, (item.path.stem, test), folder)
    except TaskerTestkitError as error:
        recorder.complain(item.nodeid, error)


def _draws(item: pytest.Item) -> bool:
    """Whether Hypothesis runs the test, with other inputs each time."""
    return hasattr(getattr(item, "obj", None), "hypothesis")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker of pytest-xdist has recorded."""
    counts = getattr(node, "workeroutput", {}).get(_COUNTS)
    if counts:
        recorder = node.config.stash[_RECORDER]
        recorder.written += counts[0]
        recorder.left_out += counts[1]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over to the controller of pytest-xdist."""
    recorder = session.config.stash.get(_RECORDER, None)
    if recorder is not None and hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_COUNTS] = (recorder.written, recorder.left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was recorded, and what wasn't."""
    recorder = config.stash.get(_RECORDER, None)
    lines = recorder.summary() if recorder is not None else []
    if lines:
        terminalreporter.section("Tasker recordings")
        for line in lines:
            terminalreporter.line(line)
