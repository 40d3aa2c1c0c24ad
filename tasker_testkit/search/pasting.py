"""A failure as a test: a page of Python to paste into a test file, which fails as the exploration did."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.engine.history import written
from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.explore import invariants
from tasker_testkit.explore.invariants import Invariant
from tasker_testkit.explore.simpler import Plan
from tasker_testkit.model.profile import PROFILES, Profile
from tasker_testkit.report.plans import as_calls
from tasker_testkit.search.examining import SAME_AGAIN
from tasker_testkit.search.writing import WIDTH, Page, Unwritten, laid_out

if TYPE_CHECKING:
    from tasker_testkit.simulation import Simulation

_FIELDS: Final = ("initiator", "source_system", "reason", "priority")
_SHORT: Final = 60


def as_test(simulation: Simulation, input: Any, plan: Plan, broken: str, message: str, check: Invariant | None) -> str:
    """The source of a test that runs the plan and holds the run to the invariant that was ``broken``.

    ``check`` is that invariant; None for what breaks a run off, or makes two runs differ. What can't be written down is
    said in a comment.
    """
    page = Page(Path.cwd())
    settings, missing = _settings(page, simulation)
    calls = as_calls(plan, "tasker_faults")
    if calls is None:
        settings.append(f"faults={page.write([one.to_data() for one in plan], '    ')}")
    given, constant = _input(page, input)
    fixtures = "tasker_run, tasker_faults" if calls else "tasker_run"
    body = [_docstring(broken, message), *(calls or ()), *_held(page, broken, given, check)]
    return "\n".join(
        [
            *_head(page, missing),
            *constant,
            laid_out("@pytest.mark.tasker(", settings, ")"),
            f"def test_{_slug(broken)}({fixtures}):",
            *(f"    {line}" for line in body),
            "",
        ]
    )


def _head(page: Page, missing: Sequence[str]) -> Iterator[str]:
    """Imports by origin, then comments, with the blank lines that belong there."""
    ours = sorted(line for line in page.imports if line.startswith("from tasker_testkit "))
    standard = sorted(line for line in page.imports if line.startswith("from datetime "))
    others = sorted(page.imports.difference(ours, standard))
    for group in (standard, ["import pytest", *ours], others):
        yield from (*group, "") if group else ()
    yield ""
    yield from (f"# {note}" for note in (*sorted(page.notes), *missing))


def _settings(page: Page, simulation: Simulation) -> tuple[list[str], list[str]]:
    """The marker's keywords, and for each that can't be written down why."""
    usual = {name: one.default for name, one in inspect.signature(type(simulation)).parameters.items()}
    kept, missing = [], []
    for name, value in _given(simulation).items():
        if value == usual[name] or (not value and not usual[name]):
            continue
        try:
            kept.append(f"{name}={page.write(value, '    ')}")
        except Unwritten as reason:
            missing.append(f"{name}: as in the exploration; {reason}")
    if simulation.stubs:
        kept.append('unused_stubs="allow"')
    return kept, missing


def _given(simulation: Simulation) -> dict[str, Any]:
    """What the simulation was made with, by keyword."""
    inside = vars(simulation)
    origins = inside["_handlers"].origins
    return {
        "template": inside["_source"],
        "handlers": origins[0] if len(origins) == 1 else origins,
        "profile": _profile(simulation.profile),
        "seed": simulation.seed,
        "start": written(simulation.start_at),
        "order": simulation.order,
        "timezone": simulation.timezone,
        "unused_faults": simulation.unused_faults,
        "missing_handlers": inside["_missing_handlers"],
        "tags": inside["_tags"],
        "routes": simulation.routes.whole,
        "systems": simulation.systems,
        "actions": [action.to_data() for action in simulation.actions],
        **{name: getattr(simulation, name) for name in ("workers", "environment", "stubs", "durations", "setup")},
        **{name: inside["_task_fields"][name] for name in _FIELDS},
    }


def _profile(profile: Profile) -> Any:
    """Its name, if it is the one that is known by it."""
    return profile.name if PROFILES.get(profile.name) == profile else profile


def _input(page: Page, input: Any) -> tuple[str, list[str]]:
    """The input as an argument, and the lines that define it if it is long."""
    source = page.write(input)
    if len(source) <= _SHORT:
        return source, []
    return "INPUT", [f"INPUT = {source}", "", ""]


def _held(page: Page, broken: str, given: str, check: Invariant | None) -> Iterator[str]:
    """The run, and what is asked of it."""
    if broken == SAME_AGAIN:
        yield f"first, second = tasker_run({given}), tasker_run({given})"
        yield "assert first.history.to_json() == second.history.to_json()"
    elif check is None:
        yield f"tasker_run({given})  # {broken}"
    else:
        yield f"run = tasker_run({given})"
        yield from _checked(page, check)


def _checked(page: Page, check: Invariant) -> Iterator[str]:
    try:
        yield f"run.check({_source(page, check)})"
    except Unwritten:
        yield f"run.check(...)  # give it: {check.name}"


def _source(page: Page, check: Invariant) -> str:
    """How the check is written: its name in its module, a call of ours, or its kind around a function."""
    found = _found(check)
    if found is not None:
        return page.named_in(*found)
    made = _made(page, check)
    if made is not None:
        return made
    name = page.name(check.function)
    if check.kind == "run":
        return name
    page.imports.add(f"from tasker_testkit import {check.kind}")
    return f"{check.kind}({name})"


def _found(check: Invariant) -> tuple[Any, str] | None:
    """The module and the name under which the invariant itself stands."""
    name = str(getattr(check.function, "__qualname__", check.name))
    if getattr(invariants, check.name, None) is check:
        import tasker_testkit

        return tasker_testkit, check.name
    module = sys.modules.get(str(getattr(check.function, "__module__", "")))
    return (module, name) if name.isidentifier() and getattr(module, name, None) is check else None


def _made(page: Page, check: Invariant) -> str | None:
    """The call that makes the check, if its name is one of a ready-made one with plain arguments."""
    try:
        call: Any = ast.parse(check.name, mode="eval").body
        values = [ast.literal_eval(one) for one in call.args]
        options = {one.arg: ast.literal_eval(one.value) for one in call.keywords}
        made = getattr(invariants, call.func.id)(*values, **options)
    except (SyntaxError, AttributeError, ValueError, TypeError, TaskerTestkitError):
        return None
    if made != check:
        return None
    page.imports.add(f"from tasker_testkit import {call.func.id}")
    arguments = [*map(page.write, values), *(f"{name}={page.write(value)}" for name, value in options.items())]
    return f"{call.func.id}({', '.join(arguments)})"


def _docstring(broken: str, message: str) -> str:
    first = f"{broken}: {message.partition(chr(10))[0]}".rstrip(".:")
    short = textwrap.shorten(first, WIDTH - 16, placeholder=" ...")
    said = short.replace("\\", "\\\\").replace('"', "'")
    return f'"""{said}{"" if said.endswith("...") else "."}"""'


def _slug(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|\W+", "_", name.partition("(")[0])
    return words.strip("_").lower() or "it_holds"
