"""Tests under both profiles: ``profile="both"`` doubles a test, ``differs=`` says what it expects of the second run."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.pair import BOTH, PAIR
from tasker_testkit.plugin.options import nearest
from tasker_testkit.plugin.reporting import RUNS

if TYPE_CHECKING:
    from tasker_testkit.differing import Claim, Result

CHOSEN: Final = "_tasker_profile"
"""The fixture with the profile under which a doubled test runs; None for any other test."""
BENCH: Final = "_tasker_bench"
"""The fixture behind all of ours."""
_CLAIM: Final[pytest.StashKey[Claim]] = pytest.StashKey()


@pytest.fixture
def _tasker_profile(request: pytest.FixtureRequest) -> str | None:
    return getattr(request, "param", None)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Double the tests that use our fixtures where the nearest profile is ``both``."""
    if CHOSEN in metafunc.fixturenames and nearest(metafunc.definition, "profile") == BOTH:
        metafunc.parametrize(CHOSEN, PAIR, ids=PAIR, indirect=True)


def _chosen(item: pytest.Item) -> str | None:
    """The profile of a doubled test."""
    callspec = getattr(item, "callspec", None)
    found: str | None = callspec.params.get(CHOSEN) if callspec else None
    return found


# -- differs= ----------------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Expect a test to fail on Tasker 0.1.8 if its marker says that it differs there."""
    differs = nearest(item, "differs")
    if differs is None or BENCH not in getattr(item, "fixturenames", ()):
        return
    profile = _chosen(item) or nearest(item, "profile")
    if getattr(profile, "name", profile) != PAIR[1]:
        return
    from tasker_testkit.differing import claimed

    try:
        item.stash[_CLAIM] = claimed(differs)
    except TaskerTestkitError:
        return  # the bench says so, when the test is set up
    item.add_marker(pytest.mark.xfail(reason=item.stash[_CLAIM].reason, strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """Hold a test to what its marker says, and note how it ended, for the summary."""
    claim = item.stash.get(_CLAIM, None)
    error = call.excinfo.value if call.excinfo and call.when == "call" else None
    failed = error is not None and not isinstance(error, (pytest.skip.Exception, KeyboardInterrupt))
    rows = _rows(item) if failed and (claim or _chosen(item)) else None
    report = yield
    outcome = report.outcome
    if claim and call.when == "call":
        outcome = _held(report, claim, rows, refused=isinstance(error, TaskerTestkitError))
    if _chosen(item) and (call.when == "call" or report.failed):
        _note(report, item, outcome, rows or [], claim)
    return report


def _rows(item: Any) -> list[tuple[int, str]] | None:
    """The rows that mattered in what the test has done; None if that can't be told."""
    from tasker_testkit.differing import mattered

    bench = item.funcargs.get(BENCH)
    return mattered([*item.stash[RUNS]], bench.calls if bench else ())


def _held(report: Any, claim: Claim, rows: list[tuple[int, str]] | None, *, refused: bool) -> str:
    """What the claim makes of the outcome; a report that goes against it says so."""
    if report.failed and str(report.longrepr).startswith("[XPASS(strict)]"):
        report.longrepr = (
            f"This test passes on tasker-0.1.8 too, though its marker says that it differs there ({claim.reason}).\n"
            "Drop differs=..., or assert what differs."
        )
        return "alike"
    if not hasattr(report, "wasxfail"):
        return str(report.outcome)
    if report.passed or rows is None or refused or claim.explains(rows):
        return "differs"
    told = "\n".join(f"{row:4}  {sentence}" for row, sentence in rows) or "  (none)"
    report.sections.append(("what failed", str(report.longrepr)))
    report.outcome, report.longrepr = (
        "failed",
        (
            f"This test fails on tasker-0.1.8, but not by what its marker says ({claim.reason}).\n"
            f"The rows of docs/profiles.md that mattered in what it ran:\n{told}\n"
            "Name one of them in differs=..., or look for what else is wrong."
        ),
    )
    del report.wasxfail
    return "otherwise"


# -- the summary -------------------------------------------------------------------------------------------------------


def _note(report: Any, item: pytest.Item, outcome: str, rows: list[tuple[int, str]], claim: Claim | None) -> None:
    """Plain data, so that it survives the way from an xdist worker."""
    profile = _chosen(item)
    report.tasker_both = {
        "test": _without(item.nodeid, str(profile)),
        "profile": profile,
        "outcome": outcome,
        "rows": [list(row) for row in rows],
        "reason": claim.reason if claim else "",
    }
    if outcome == "failed" and rows:
        told = "\n".join(f"{row:4}  {sentence}" for row, sentence in rows)
        report.sections.append(("where Tasker 0.1.8 differs (rows of docs/profiles.md)", told))


def _without(nodeid: str, profile: str) -> str:
    """The test's name without its profile, which is the last part in the brackets."""
    alone = nodeid.removesuffix(f"[{profile}]")
    return alone if alone != nodeid else nodeid.removesuffix(f"-{profile}]") + "]"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which tests part under the two profiles, and by which rows."""
    noted = list(_noted(terminalreporter.stats))
    if not noted:
        return
    from tasker_testkit.differing import summary

    lines = summary(map(_result, noted), width=terminalreporter._tw.fullwidth)
    if lines:
        terminalreporter.write_sep("=", "Tasker: documented and tasker-0.1.8")
        for line in lines:
            terminalreporter.write_line(line)


def _noted(stats: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for reports in stats.values():
        for report in reports:
            if noted := getattr(report, "tasker_both", None):
                yield noted


def _result(noted: dict[str, Any]) -> Result:
    from tasker_testkit.differing import Result

    return Result(**{**noted, "rows": [(row, sentence) for row, sentence in noted["rows"]]})
