"""What the report of a failure tells: the run, the token, the commands and the test that make it again."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.report.finding import Told
from tasker_testkit.search.pasting import as_test
from tasker_testkit.search.writing import Page

if TYPE_CHECKING:
    from tasker_testkit.explore.invariants import Invariant
    from tasker_testkit.search.examining import Examiner
    from tasker_testkit.search.findings import Finding
    from tasker_testkit.simulation import Simulation

_INLINE: Final = 200
"""An input of so many characters of JSON is written into the command."""


def told(finding: Finding, examiner: Examiner) -> Told:
    """Everything about a finding of that examiner."""
    check = _check(finding, examiner)
    is_goal = check is not None and check.kind == "sometimes"
    return Told(
        invariant=finding.invariant,
        message=finding.message,
        plan=tuple(finding.plan),
        found=tuple(finding.found),
        times=finding.times,
        order=examiner.simulation.order,
        history=finding.history,
        token=finding.token,
        commands=dict(_commands(finding.token, examiner.simulation, examiner.input, finding.kept)),
        test=None if is_goal else source_of(finding, examiner),
        kept=None if finding.kept is None else Page(Path.cwd()).near(finding.kept),
    )


def source_of(finding: Finding, examiner: Examiner) -> str:
    """The source of a test that fails as the finding says."""
    plan, check = tuple(finding.plan), _check(finding, examiner)
    return as_test(examiner.simulation, examiner.input, plan, finding.invariant, finding.message, check)


def _check(finding: Finding, examiner: Examiner) -> Invariant | None:
    return next((one for one in examiner.invariants if one.name == finding.invariant), None)


def _commands(token: str, simulation: Simulation, input: Any, kept: Path | None) -> Iterator[tuple[str, str]]:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    if test:
        yield "in pytest", shlex.join(["pytest", test, f"--tasker-replay={token}"])
    words = _words(simulation)
    if words is not None:
        what = _what(token, input, kept)
        yield "in a shell", shlex.join(["tasker-testkit", "replay", what[0], *words, *what[1:]])


def _words(simulation: Simulation) -> list[str] | None:
    """The template and the handlers for a shell; None if they, or what stands in for them, have no name there."""
    page, inside = Page(Path.cwd()), vars(simulation)
    source, origins = inside["_source"], inside["_handlers"].origins
    named = all(isinstance(one, (Path, ModuleType)) for one in origins)
    unnamed = simulation.stubs or simulation.durations or simulation.routes.whole
    if not isinstance(source, Path) or not named or unnamed:
        return None
    handlers = [page.near(one) if isinstance(one, Path) else one.__name__ for one in origins]
    return [page.near(source), *(["--handlers", *handlers] if handlers else [])]


def _what(token: str, input: Any, kept: Path | None) -> list[str]:
    """The token with the input; or the file that has both, if the input is long."""
    written = json.dumps(input, ensure_ascii=False)
    if len(written) > _INLINE and kept is not None:
        return [Page(Path.cwd()).near(kept)]
    given = [] if input == {} else ["--input", written if len(written) <= _INLINE else "INPUT.json"]
    return [token, *given]
