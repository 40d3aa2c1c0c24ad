"""What a history's run is held against: today's template, handlers and settings, and how far the run is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tasker_testkit.engine.history import History, StepHistory
from tasker_testkit.errors import HistoryError, listed
from tasker_testkit.locating import located_handlers, located_template
from tasker_testkit.model.loading import load_template
from tasker_testkit.model.profile import PROFILES, TASKER_0_1_8
from tasker_testkit.model.template import Template
from tasker_testkit.records.remaking import simulation_of
from tasker_testkit.simulation import Simulation
from tasker_testkit.stubs import definition_of, entry_for

RECORDED: Final = "recorded"
"""The profile of a history that nobody simulated."""
_SET_ASIDE: Final = ("actions", "input", "unrecorded")
"""What a recipe says of a run as a whole, which attempts of their own don't need."""


@dataclass(frozen=True)
class Today:
    """A history, and the simulation whose handlers are tried on it.

    ``definitions``: the template step of each of its steps. ``exact``: its clock, chance and identifiers are known, as
    those of a simulated run are. ``task``: keywords of TaskFacts. ``notes``: what else should be known.
    """

    history: History
    simulation: Simulation
    definitions: Mapping[str, str]
    exact: bool
    task: Mapping[str, Any]
    stubs: Mapping[str, Any]
    notes: tuple[str, ...]

    @cached_property
    def steps(self) -> Mapping[str, StepHistory]:
        """The history's steps by name."""
        return {step.name: step for step in self.history.steps}

    def stubbed(self, name: str) -> bool:
        """Did a stub stand for that step's handler?"""
        return entry_for(self.stubs, name, self.definitions[name]) is not None

    def is_worker(self, step: StepHistory) -> bool:
        """Is the step an instance of a batch worker?"""
        found = self.simulation.template.step(self.definitions[step.name])
        return found is not None and found.type == "batch_worker"


def today_of(history: History, name: str, folder: Path, *, handlers: Any, template: Any, **settings: Any) -> Today:
    """What that history is held against; ``name`` is what messages call it, ``folder`` where its recipe's paths begin.

    ``settings``: keywords of Simulation, None where the recipe has the say. Raises what ``check_against`` raises.
    """
    recipe = dict(history.recipe or {})
    _check_results(history, name)
    exact = history.profile != RECORDED
    loaded = _template(history, name, recipe, folder, template)
    definitions = _definitions(history, name, loaded)
    given = {key: value for key, value in {**settings, "handlers": handlers}.items() if value is not None}
    if "handlers" in given:
        given["handlers"] = located_handlers(handlers, (Path.cwd(),))
    kept = {key: value for key, value in recipe.items() if key not in (*_SET_ASIDE, *given, "template", "stubs")}
    stubs = dict(recipe.get("stubs", {}))
    made_of = replace(
        history,
        profile=history.profile if exact else TASKER_0_1_8.name,
        faults=tuple(fault for fault in history.faults if fault.keys() & {"http", "outage"}),
        recipe=_whole({**kept, "stubs": {step: {"result": None} for step in stubs}}, name),
    )
    simulation = simulation_of(made_of, folder, root=Path.cwd(), template=loaded, **given)
    return Today(history, simulation, definitions, exact, recipe.get("task", {}), stubs, tuple(_notes(history, loaded)))


def _check_results(history: History, name: str) -> None:
    if not any(attempt.outcome for step in history.steps for attempt in step.attempts):
        raise HistoryError(
            f"{name} holds no result of any attempt, so there is nothing to compare with. "
            "Import the task with all its steps and their audits, or record a run that calls handlers."
        )


def _template(history: History, name: str, recipe: Mapping[str, Any], folder: Path, given: Any) -> Template:
    """The template, which must be of the history's name."""
    was = history.template
    source, places = (given, (Path.cwd(),)) if given is not None else (recipe.get("template"), (folder, Path.cwd()))
    if source is None:
        raise HistoryError(
            f"{name} doesn't hold its template, {_title(was)}. Give its file: --template FILE (template= in Python)."
        )
    profile = PROFILES.get(history.profile, TASKER_0_1_8)
    loaded = load_template(located_template(source, places), profile=profile)
    now = {"namespace": loaded.namespace_name, "name": loaded.name, "version": loaded.version}
    if any(was.get(key) != now[key] for key in ("namespace", "name")):
        shown = source if isinstance(source, (str, Path)) and "\n" not in str(source) else "the template"
        raise HistoryError(f"{name} is of template {_title(was)}, and {shown} is {_title(now)}. Give its own template.")
    return loaded


def _title(template: Mapping[str, Any]) -> str:
    return f"{template.get('namespace')}/{template.get('name')} {template.get('version')}"


def _definitions(history: History, name: str, template: Template) -> dict[str, str]:
    found = {step.name: definition_of(template, step.name) for step in history.steps}
    strange = [step for step, definition in found.items() if definition is None]
    if strange:
        raise HistoryError(
            f"{name} has steps that the template doesn't have today:\n{listed(strange)}\n"
            f"Give the template as it was then. The steps of this one:\n{listed(template.step_names)}"
        )
    return {step: definition for step, definition in found.items() if definition is not None}


def _whole(recipe: dict[str, Any], name: str) -> dict[str, Any]:
    """The recipe without what it couldn't hold. Raises HistoryError if that is a handler."""
    sources = [source for source in recipe.get("handlers", ()) if isinstance(source, Mapping)]
    lost = [handler for source in sources for handler, home in source.items() if home is None]
    if lost:
        raise HistoryError(
            f"{name} couldn't hold these handlers, which no module has under their names:\n{listed(lost)}\n"
            "Give handlers: --handlers MODULE_OR_FILE (handlers= in Python)."
        )
    durations = {step: value for step, value in recipe.get("durations", {}).items() if "None" not in repr(value)}
    return {**recipe, "durations": durations}


def _notes(history: History, template: Template) -> list[str]:
    was = history.template.get("version")
    if was == template.version:
        return []
    return [f"The run is of version {was} of its template, and the template is of version {template.version} today."]
