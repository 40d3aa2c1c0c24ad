"""``--tasker-replay=TOKEN``: every simulation of the token's template runs as the token has it.

And failures that explorations find are kept below rootdir.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from tasker_testkit import intervening, observing
from tasker_testkit.plugin.options import refusing
from tasker_testkit.search.keeping import kept_below

if TYPE_CHECKING:
    from tasker_testkit.replaying import Replaying

_REPLAYING: Final[pytest.StashKey[Replaying]] = pytest.StashKey()
_COUNTS: Final = "tasker_replay"
"""Where a worker of pytest-xdist leaves its counts."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("tasker", "Tasker workflows")
    replay = "run every simulation of the token's template with its faults, seed, order and profile"
    group.addoption("--tasker-replay", metavar="TOKEN", help=replay)
    anyway = "replay although template or input have changed since the token was made"
    group.addoption("--tasker-replay-anyway", action="store_true", help=anyway)


def pytest_configure(config: pytest.Config) -> None:
    """Read the token, and intervene until the session's end."""
    stack = ExitStack()
    config.add_cleanup(stack.close)
    stack.enter_context(kept_below(config.rootpath))
    text = config.getoption("tasker_replay")
    replaying = _replaying(text, anyway=config.getoption("tasker_replay_anyway")) if text else None
    stack.enter_context(intervening.intervened_by(replaying))
    if replaying is not None:
        config.stash[_REPLAYING] = replaying


def _replaying(text: str, *, anyway: bool) -> Replaying:
    from tasker_testkit.explore.tokens import read_token
    from tasker_testkit.replaying import Replaying

    with refusing(pytest.UsageError):
        return Replaying(read_token(text), anyway=anyway)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Hear of the test's runs, beside those who hear of them anyway."""
    replaying = item.config.stash.get(_REPLAYING, None)
    if replaying is None:
        return (yield)
    with observing.also_heard_by(replaying.hear):
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what a worker of pytest-xdist has met."""
    counts = getattr(node, "workeroutput", {}).get(_COUNTS)
    if counts:
        node.config.stash[_REPLAYING].add(counts)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A token that met no simulation fails the session: nobody shall take it for replayed."""
    replaying = session.config.stash.get(_REPLAYING, None)
    if replaying is None:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_COUNTS] = replaying.counts()
    elif not replaying.met and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what became of the token."""
    replaying = config.stash.get(_REPLAYING, None)
    if replaying is not None:
        terminalreporter.section("Tasker replay")
        terminalreporter.line(replaying.summary(), red=not replaying.met)
