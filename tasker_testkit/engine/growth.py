"""Which steps exist when: the set a task starts with, and how more is added to it. Pure functions.

Rules and their order: dynamic workflows of Tasker; the profiles part in rows 19, 20 and 28. What a decision adds is in
``decisions``, what a batch adds in ``batches``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.model.graph import children, reachable
from tasker_testkit.model.template import StepTemplate, Template

Edge = tuple[str, str]
Linked = Callable[[Edge], bool]
"""Does this edge exist already?"""


class GrowthError(TaskerTestkitError):
    """A decision or a batch asked for steps that can't be made; nothing of it is (row 19).

    The text is Tasker's own; ``hint`` says what was possible.
    """

    def __init__(self, text: str, *, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be created. An instance of a batch worker has its own name, type ``standard`` and inputs."""

    name: str
    type: str
    template: StepTemplate
    inputs: Any


@dataclass(frozen=True, slots=True)
class Growth:
    """Steps to create, in this order, and edges (parent, child) to add."""

    steps: tuple[NewStep, ...]
    edges: tuple[Edge, ...]


NOTHING = Growth((), ())


class Blueprint:
    """A template with what growth asks of it again and again, worked out once."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self.steps: dict[str, StepTemplate] = {}
        for step in template.steps:
            self.steps.setdefault(step.name, step)
        self.dependencies = _all_dependencies(template)
        self.children = children(self.dependencies)
        self.names = tuple(self.steps)
        self.places = {name: place for place, name in enumerate(self.names)}
        self.decisions = [step.name for step in self.steps.values() if step.type == "decision"]
        self._initial: dict[bool, Growth] = {}

    def convergences(self, names: Iterable[str]) -> list[int]:
        """The places of the deferred convergences that depend directly on one of the steps."""
        below = {child for name in names for child in self.children[name]}
        return [self.places[name] for name in below if self.steps[name].type == "deferred_convergence"]

    def initial(self, *, convergence_waits_for_batch: bool) -> Growth:
        """What a new task starts with; a dependency on a step that doesn't exist yet makes no edge (rows 18, 20)."""
        waits = convergence_waits_for_batch
        if waits not in self._initial:
            self._initial[waits] = self._first(waits)
        return self._initial[waits]

    def _first(self, convergence_waits_for_batch: bool) -> Growth:
        below = reachable(self.children, self.decisions)
        later = {"batch_worker"} if self.decisions else {"batch_worker", "deferred_convergence"}
        chosen = {name: step for name, step in self.steps.items() if step.type not in later and name not in below}
        if convergence_waits_for_batch:
            chosen = {name: step for name, step in chosen.items() if not self._behind_batch(step)}
        edges = tuple((parent, name) for name in chosen for parent in self.dependencies[name] if parent in chosen)
        return Growth(tuple(map(plain, chosen.values())), edges)

    def _behind_batch(self, step: StepTemplate) -> bool:
        of_workers = (self.steps[name].type == "batch_worker" for name in step.dependencies if name in self.steps)
        return step.type == "deferred_convergence" and any(of_workers)


def _all_dependencies(template: Template) -> dict[str, tuple[str, ...]]:
    """Two steps of one name are one step with the dependencies of both (row 18)."""
    found: dict[str, tuple[str, ...]] = {}
    for step in template.steps:
        found[step.name] = (*found.get(step.name, ()), *step.dependencies)
    return found


def plain(step: StepTemplate) -> NewStep:
    """The step as its template has it."""
    return NewStep(step.name, step.type, step, step.handler.initialization or None)


def without_collision(new: list[Edge], linked: Linked, hint: Callable[[Edge], str]) -> tuple[Edge, ...]:
    """The new edges. Raises GrowthError, with the ``hint`` of that edge, if one is there twice or exists already."""
    seen: set[Edge] = set()
    for edge in new:
        if edge in seen or linked(edge):
            raise GrowthError(f"An edge from '{edge[0]}' to '{edge[1]}' exists already", hint=hint(edge))
        seen.add(edge)
    return tuple(new)


def not_an_outcome(result: Any, key: str, kinds: tuple[str, str]) -> str:
    """Why there is no outcome of one of these types under ``key`` of a result; empty if there is."""
    outcome = result.get(key) if isinstance(result, Mapping) else None
    if outcome is None:
        return f"there is no '{key}' in it"
    if isinstance(outcome, Mapping) and outcome.get("type") in kinds:
        return ""
    return f"its outcome has to be a mapping with the type {' or '.join(kinds)}, not {told(outcome)}"


def told(value: Any) -> str:
    """What a part of a result is, in words. Its texts stay out: a warning goes where secrets mustn't."""
    if isinstance(value, Mapping):
        return f"a mapping with the type {value['type']!r:.40}" if "type" in value else "a mapping without a type"
    return repr(value) if value is None or isinstance(value, (bool, int, float)) else f"a {type(value).__name__}"
