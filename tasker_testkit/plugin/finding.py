"""What explorations found in a test, in its report if it fails."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

import pytest

from tasker_testkit.search import hearing
from tasker_testkit.sections import failures

if TYPE_CHECKING:
    from tasker_testkit.search.findings import Finding

_FOUND: Final[pytest.StashKey[list[Finding]]] = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Listen for what this test's explorations find."""
    item.stash[_FOUND] = []
    with hearing.told_failures(item.stash[_FOUND].append):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Add the reports that the test itself didn't print."""
    report = yield
    found = item.stash.get(_FOUND, None)
    if report.failed and found:
        text = failures(found, report.longreprtext)
        if text:
            report.sections.append(("Tasker failures", text))
        found.clear()
    return report
