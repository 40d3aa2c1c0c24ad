"""Scenario files (``*.scenario.yaml``): read and checked, each problem with its line and column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jsonschema.exceptions import ValidationError

from tasker_testkit.errors import ScenarioError, TaskerTestkitError, TemplateError, listed, near
from tasker_testkit.model.actions import action_from_data
from tasker_testkit.model.durations import microseconds
from tasker_testkit.model.fault_kinds import fault_from_data
from tasker_testkit.model.loading.documents import read_document
from tasker_testkit.model.loading.findings import Notes
from tasker_testkit.model.loading.nodes import Scalar
from tasker_testkit.model.loading.reading import free
from tasker_testkit.model.loading.schema import json_path, shipped_schema, shipped_validator
from tasker_testkit.model.states import STEP_STATES, TASK_STATES


@dataclass(frozen=True)
class Scenario:
    """One scenario: its ``path``, what it says as plain data, and where in the file a place of it is written."""

    path: Path
    data: Mapping[str, Any]
    notes: Notes

    @property
    def name(self) -> str:
        """What it shows, in a few words."""
        return str(self.data["name"])

    def problem(self, place: str, text: str) -> str:
        """A sentence about a place such as ``expect.steps.charge``, with file, line and column in front."""
        start = self.notes.document.where(self.notes.place(place))
        return f"{start}: {place + ': ' if place else ''}{text}"


def load_scenario(path: str | Path) -> Scenario:
    """The scenario of a YAML or JSON file. Raises ScenarioError with every problem, each with its place."""
    try:
        document = read_document(Path(path))
    except TemplateError as error:
        raise ScenarioError(str(error)) from None
    notes = Notes(document)
    data = free(document.root or Scalar(""), "", notes)
    refused = list(notes.told(True, "refused"))
    if refused:
        raise ScenarioError("\n".join(refused))
    scenario = Scenario(Path(path), data, notes)
    problems = list(_of_schema(scenario)) or list(_of_values(scenario))
    if problems:
        raise ScenarioError("\n".join(problems))
    return scenario


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, as editors can use it."""
    return shipped_schema("scenario")


def _of_schema(scenario: Scenario) -> Iterator[str]:
    errors = shipped_validator("scenario").iter_errors(scenario.data)
    for error in sorted(errors, key=lambda error: scenario.notes.place(json_path(error.absolute_path)) or (0, 0)):
        yield from (scenario.problem(*one) for one in _told(error))


def _told(error: ValidationError) -> Iterator[tuple[str, str]]:
    rule: Any = error.schema
    given: Any = error.instance
    place = list(error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(rule["properties"])
        for key in given:
            if key not in known:
                yield json_path([*place, key]), f"there is no such key.{near(key, known)} Keys there:\n{listed(known)}"
    elif error.validator == "required":
        missing = [key for key in rule["required"] if key not in given]
        yield json_path(place), f"{', '.join(map(repr, missing))} is missing."
    elif error.validator == "minProperties":
        yield json_path(place), "nothing is said here. Name at least one thing."
    else:
        said = f"{given!r:.80} doesn't fit here" if error.validator == "anyOf" else f"{error.message:.200}"
        yield json_path(place), f"{said}. {rule.get('description', '')}".rstrip()


def _of_values(scenario: Scenario) -> Iterator[str]:
    """What the schema can't tell: faults, actions, states and durations that make no sense."""
    expect = scenario.data["expect"]
    checks: list[tuple[str, Callable[[Any], Any], Any]] = []
    for key, read in _READ.items():
        checks += [(f"{key}[{index}]", read, one) for index, one in enumerate(scenario.data.get(key, ()))]
    checks += [(place, microseconds, value) for place, value in (*_taken(scenario.data), *_durations(expect))]
    for place, read, value in checks:
        try:
            read(value)
        except TaskerTestkitError as error:
            yield scenario.problem(place, str(error))
    for place, state, known in _states(expect):
        if state not in known:
            yield scenario.problem(place, f"{state!r} is no state.{near(state, known)} States:\n{listed(known)}")


_READ: Final[Mapping[str, Callable[[Any], Any]]] = {"faults": fault_from_data, "actions": action_from_data}


def _taken(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in data.get("durations", {}).items():
        several = enumerate(value) if isinstance(value, list) else ((None, value),)
        yield from ((json_path(["durations", name, *([] if at is None else [at])]), one) for at, one in several)


def _durations(expect: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    elapsed = expect.get("elapsed")
    if isinstance(elapsed, Mapping):
        yield from ((f"expect.elapsed.{key}", value) for key, value in elapsed.items())
    elif elapsed is not None:
        yield "expect.elapsed", elapsed
    for name, step in expect.get("steps", {}).items():
        yield from ((f"expect.steps.{name}.waits[{at}]", wait) for at, wait in enumerate(step.get("waits", ())))


_Known = tuple[str, ...]


def _states(expect: Mapping[str, Any]) -> Iterator[tuple[str, str, _Known]]:
    if "state" in expect:
        yield "expect.state", expect["state"], tuple(TASK_STATES)
    for name, step in expect.get("steps", {}).items():
        if "state" in step:
            yield f"expect.steps.{name}.state", step["state"], tuple(STEP_STATES)
