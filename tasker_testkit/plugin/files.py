"""Files that are tests: recordings (``*.history.json``), which are run again, and scenarios (``*.scenario.yaml``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tasker_testkit.pair import BOTH
from tasker_testkit.plugin.options import failed, refusing
from tasker_testkit.plugin.recording import IS_FILE


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare how recordings are compared."""
    group = parser.getgroup("tasker", "Tasker workflows")
    level = "how recordings are compared: exact (default), or shape (states, attempts, waits; results by JSON type)"
    group.addoption("--tasker-level", metavar="LEVEL", help=level)
    ignore = "a place in histories that isn't compared, such as steps.*.attempts.*.stored.result.created_at"
    group.addoption("--tasker-ignore", metavar="PLACE", action="append", default=[], help=ignore)
    parser.addini("tasker_level", "how recordings are compared: exact, shape")
    parser.addini("tasker_ignore", "places in histories that aren't compared", type="linelist")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect recordings and scenarios."""
    if not file_path.name.endswith(tuple(_KINDS)):
        return None
    collected: pytest.Collector = _TestFile.from_parent(parent, path=file_path)
    return collected


class _TestFile(pytest.File):
    """A file that is one test. The test is a function, so that the fixtures of its folder apply to it."""

    def collect(self) -> Iterable[pytest.Item]:
        """The one test."""
        name, check = next(kind for suffix, kind in _KINDS.items() if self.name.endswith(suffix))

        def call() -> None:
            with refusing(failed):
                check(self)

        item: pytest.Function = pytest.Function.from_parent(self, name=name, callobj=call)
        item.stash[IS_FILE] = True
        yield item


def _replay(file: _TestFile) -> None:
    from tasker_testkit.records.rerunning import rerun

    config = file.config
    level = config.getoption("tasker_level") or config.getini("tasker_level") or "exact"
    ignore = (*config.getini("tasker_ignore"), *config.getoption("tasker_ignore"))
    found = rerun(_path(file), level=level, ignore=ignore, root=config.rootpath, **_missing(config))
    if found.divergence is None:
        return
    if config.getoption("tasker_record") != "all":
        raise failed(str(found))
    found.accept()


def _play(file: _TestFile) -> None:
    from tasker_testkit.records.scenarios import play

    config = file.config
    line = {name: value for name in ("seed",) if (value := config.getoption(f"tasker_{name}")) is not None}
    profile = config.getoption("tasker_profile") or config.getini("tasker_profile")
    if profile and profile != BOTH:
        line["profile"] = profile
    played = play(_path(file), root=config.rootpath, **line)
    if played.problems:
        raise failed(str(played))


def _path(file: _TestFile) -> Path:
    """The file's path as messages show it."""
    here = Path.cwd()
    return file.path.relative_to(here) if file.path.is_relative_to(here) else file.path


_KINDS: Final[Mapping[str, tuple[str, Callable[[_TestFile], None]]]] = {
    ".history.json": ("replay", _replay),
    ".scenario.yaml": ("play", _play),
}
"""By the ends of their names: what the test is called, and what it does."""


def _missing(config: pytest.Config) -> dict[str, Any]:
    """What the ini file says of tests that name nothing."""
    from tasker_testkit.settings import merged, option_layers

    ini = {name: config.getini(f"tasker_{name}") for name in ("template", "handlers")}
    return merged(option_layers({}, ini, config.rootpath))
