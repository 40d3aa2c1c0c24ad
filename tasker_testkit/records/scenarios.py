"""Scenarios: a simulation of what the file says, its run, and which expectations weren't met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.errors import (
    OF_A_RUN,
    FaultError,
    HandlerError,
    RouteError,
    ScenarioError,
    StubError,
    TaskerTestkitError,
    listed,
    near,
)
from tasker_testkit.locating import located_handlers, located_object, located_template
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.loading import load_data
from tasker_testkit.model.loading.scenarios import Scenario, load_scenario
from tasker_testkit.model.loading.schema import json_path
from tasker_testkit.records.blaming import culprit
from tasker_testkit.records.expecting import unmet
from tasker_testkit.simulation import Simulation
from tasker_testkit.stubs import definition_of

if TYPE_CHECKING:
    from tasker_testkit.run import Run

_AS_THEY_ARE: Final = (
    *("stubs", "routes", "systems", "profile", "seed", "start", "timezone", "workers", "environment", "durations"),
    "actions",
)

_ABOUT: Final[Mapping[type, str]] = {
    FaultError: "faults",
    HandlerError: "setup",
    RouteError: "routes",
    StubError: "stubs",
}
"""The part of a scenario that an error of its run is about."""


@dataclass(frozen=True)
class Played:
    """A scenario that was run: the ``run``, None if nothing could run; ``problems``: what failed, a sentence each."""

    scenario: Scenario
    run: Run | None
    problems: tuple[str, ...]

    def __str__(self) -> str:
        head = f"{self.scenario.name}: {'as expected' if not self.problems else 'not as expected'}"
        return "\n".join((head, *self.problems))


def play(path: str | Path, *, root: Path | None = None, **settings: Any) -> Played:
    """Run the scenario in that file and hold it to its expectations.

    ``settings`` are keywords of Simulation for what the file doesn't say. Paths in the file are looked up from its
    folder, then from ``root``. Raises ScenarioError, with line and column, for a file that can't be right.
    """
    scenario = load_scenario(path)
    places = (scenario.path.parent, *([root] if root else []))
    try:
        simulation = _simulation(scenario.data, places, settings)
    except TaskerTestkitError as error:
        found = culprit(scenario.data, lambda data: _simulation(data, places, settings), error)
        raise ScenarioError(scenario.problem(json_path(found), str(error))) from None
    wrong = [*_faults(scenario, simulation), *_steps(scenario, simulation)]
    if wrong:
        raise ScenarioError("\n".join(wrong))
    return _played(scenario, simulation.with_plan(scenario.data.get("faults", ())), _input(scenario))


def _simulation(data: Mapping[str, Any], places: tuple[Path, ...], settings: dict[str, Any]) -> Simulation:
    given = {**settings, **{key: data[key] for key in _AS_THEY_ARE if key in data}}
    if "handlers" in data:
        given["handlers"] = located_handlers(data["handlers"], places)
    if "setup" in data:
        given["setup"] = located_object(data["setup"], places, "setup")
    return Simulation(located_template(data["template"], places), **given)


def _faults(scenario: Scenario, simulation: Simulation) -> Iterator[str]:
    """Each fault that could never fire, with its place."""
    for index, entry in enumerate(scenario.data.get("faults", ())):
        try:
            simulation.check_plan(FaultPlan.from_data([entry]))
        except FaultError as error:
            yield scenario.problem(f"faults[{index}]", str(error))


def _steps(scenario: Scenario, simulation: Simulation) -> Iterator[str]:
    """Each expected step that the template can't have, with its place."""
    template = simulation.template
    for name in scenario.data["expect"].get("steps", {}):
        if definition_of(template, name) is None:
            known = template.step_names
            text = f"template {template.name!r} has no such step.{near(name, known)} Its steps:\n{listed(known)}"
            yield scenario.problem(f"expect.steps.{name}", text)


def _input(scenario: Scenario) -> Any:
    given = scenario.data.get("input", {})
    if not isinstance(given, str):
        return given
    try:
        return load_data(scenario.path.parent / given)
    except TaskerTestkitError as error:
        raise ScenarioError(scenario.problem("input", str(error))) from None


def _played(scenario: Scenario, simulation: Simulation, task_input: Any) -> Played:
    from tasker_testkit import observing

    runs: list[Run] = []
    try:
        with observing.also_heard_by(runs.append):
            simulation.run(task_input)
        simulation.check_unused()
        simulation.routes.check_unused()
        broken = None
    except OF_A_RUN as error:
        broken = scenario.problem(_ABOUT.get(type(error), ""), str(error))
    except TaskerTestkitError as error:
        raise ScenarioError(scenario.problem(_ABOUT.get(type(error), "input"), str(error))) from None
    run = runs[-1] if runs else None
    found = unmet(scenario.data["expect"], run) if run else []
    problems = (scenario.problem(*one) for one in found)
    return Played(scenario, run, (*problems, *([broken] if broken else [])))
