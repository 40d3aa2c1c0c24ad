"""For all tests: pytest's own tester, to run suites as their users do, and room for a project's own ``handlers``."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

import tasker_testkit
from tasker_testkit.search.keeping import kept_below
from tasker_testkit.worker import sdk

pytest_plugins = ["pytester"]

# pytester forgets what a suite imported, and there would be two of it: everything is imported before all of them.
sdk.load()
for _found in pkgutil.walk_packages(tasker_testkit.__path__, "tasker_testkit."):
    importlib.import_module(_found.name)

# A busy machine is no failure. Draws are new in each run, so that properties see more and more; what is handed in is
# judged by the same ones every time.
settings.register_profile("tests", deadline=None, derandomize="TASKER_TESTKIT_SAME_DRAWS" in os.environ)
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """No test leaves failures that another one would try first."""
    with kept_below(None):
        yield


@pytest.fixture
def no_handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No module ``handlers`` is imported yet, and none that the test imports stays."""

    def imported() -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] == "handlers"]

    for name in imported():
        monkeypatch.delitem(sys.modules, name)
    yield
    for name in imported():
        del sys.modules[name]
