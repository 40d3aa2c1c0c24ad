"""Which steps exist when: the set a task starts with, and what decisions and batches add to it. Pure functions.

Rules and their order: dynamic workflows of Tasker; the profiles part in rows 19, 20 and 28.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

from tasker_testkit.errors import RunError, TestkitError
from tasker_testkit.model.graph import children, reachable
from tasker_testkit.model.template import StepTemplate, Template

Edge = tuple[str, str]
Linked = Callable[[Edge], bool]
"""Does this edge exist already?"""


class GrowthError(TestkitError):
    """A decision or a batch asked for steps that can't be made; nothing of it is (row 19)."""


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


# -- decisions -----------------------------------------------------------------------------------------------------


def requested(result: Any) -> list[str]:
    """The steps that a decision's result asks for; anything malformed asks for none."""
    outcome = result.get("decision_point_outcome") if isinstance(result, Mapping) else None
    if not isinstance(outcome, Mapping) or outcome.get("type") != "create_steps":
        return []
    names = outcome.get("step_names")
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else []


def decision_growth(
    blueprint: Blueprint, decision: str, names: list[str], existing: Collection[str], linked: Linked, limit: int
) -> Growth:
    """What a decision that asks for ``names`` adds. Raises GrowthError."""
    if not names:
        return NOTHING
    if len(names) > limit:
        raise GrowthError(f"Decision outcome creates {len(names)} steps, exceeding maximum of {limit}")
    below, exits = _reach(blueprint, decision)
    for name in names:
        if name not in below:
            raise GrowthError(f"Step '{name}' is not a valid descendant of decision point '{decision}'")
    chosen = _chosen(blueprint, decision, set(names) | exits, below)
    ordered = sorted(chosen, key=blueprint.places.__getitem__)
    new = tuple(plain(blueprint.steps[name]) for name in ordered if name not in existing)
    return Growth(new, _without_collision(_decision_edges(blueprint, decision, ordered), linked))


def _reach(blueprint: Blueprint, decision: str) -> tuple[set[str], set[str]]:
    """The steps below a decision up to the next decisions, and those next decisions."""
    below: set[str] = set()
    exits: set[str] = set()
    stack = list(blueprint.children[decision])
    while stack:
        name = stack.pop()
        if blueprint.steps[name].type == "decision":
            exits.add(name)
        elif name not in below:
            below.add(name)
            stack.extend(blueprint.children[name])
    return below, exits - {decision}


def _chosen(blueprint: Blueprint, decision: str, chosen: set[str], below: set[str]) -> set[str]:
    """The requested steps with what lies on the way from them, their convergences, and what hangs on those alone."""
    later = ("deferred_convergence", "batch_worker")
    _spread(blueprint, chosen, chosen, lambda name: name in below and blueprint.steps[name].type not in later)
    _join(blueprint, chosen)
    convergences = [name for name in chosen if blueprint.steps[name].type == "deferred_convergence"]

    def has_all(name: str) -> bool:
        return all(dependency in chosen or dependency == decision for dependency in blueprint.dependencies[name])

    _spread(blueprint, chosen, convergences, has_all)
    return chosen


def _join(blueprint: Blueprint, chosen: set[str]) -> None:
    """Add each convergence that depends on what is chosen; in the template's order, so that one may bring a later."""
    names, coming = blueprint.names, blueprint.convergences(chosen)
    heapify(coming)
    while coming:
        place = heappop(coming)
        chosen.add(names[place])
        for later in blueprint.convergences([names[place]]):
            if later > place:
                heappush(coming, later)


def _spread(blueprint: Blueprint, chosen: set[str], start: Iterable[str], joins: Callable[[str], bool]) -> None:
    """Add to ``chosen``, from ``start`` along the edges, every child that ``joins``; until nothing changes."""
    stack = list(start)
    while stack:
        for child in blueprint.children[stack.pop()]:
            if child not in chosen and joins(child):
                chosen.add(child)
                stack.append(child)


def _decision_edges(blueprint: Blueprint, decision: str, chosen: list[str]) -> list[Edge]:
    edges: list[Edge] = []
    known = set(chosen)
    for name in chosen:
        for dependency in blueprint.dependencies[name]:
            if dependency in known:
                edges.append((dependency, name))
            elif blueprint.steps[name].type != "deferred_convergence":
                edges.append((decision, name))
    return edges


def _without_collision(new: list[Edge], linked: Linked) -> tuple[Edge, ...]:
    seen: set[Edge] = set()
    for edge in new:
        if edge in seen or linked(edge):
            raise GrowthError(f"An edge from '{edge[0]}' to '{edge[1]}' exists already")
        seen.add(edge)
    return tuple(new)


# -- batches -------------------------------------------------------------------------------------------------------


def batches(result: Any) -> Mapping[str, Any] | None:
    """The batch outcome of an analyzer's result; None for anything malformed, which makes nothing grow."""
    outcome = result.get("batch_processing_outcome") if isinstance(result, Mapping) else None
    if not isinstance(outcome, Mapping):
        return None
    if outcome.get("type") == "no_batches":
        return outcome
    if outcome.get("type") != "create_batches" or not isinstance(outcome.get("worker_template_name"), str):
        return None
    counts = _whole(outcome.get("worker_count"), 32) and _whole(outcome.get("total_items"), 64)
    cursors = outcome.get("cursor_configs")
    return outcome if counts and isinstance(cursors, list) and all(map(_is_cursor, cursors)) else None


def _whole(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**bits


def _is_cursor(cursor: Any) -> bool:
    return (
        isinstance(cursor, Mapping)
        and isinstance(cursor.get("batch_id"), str)
        and {"start_cursor", "end_cursor"} <= cursor.keys()
        and _whole(cursor.get("batch_size"), 32)
    )


def check_number(analyzer: str, outcome: Mapping[str, Any], limit: int) -> None:
    """Raise RunError for more batches than the simulator makes."""
    wanted = len(outcome["cursor_configs"]) if outcome["type"] == "create_batches" else 1
    if wanted > limit:
        raise RunError(
            f"Step {analyzer!r} asks for {wanted} batches; the simulator makes {limit} at the most. Make the batches "
            f"larger, or allow more: profile=dataclasses.replace(DOCUMENTED, max_batches={wanted})."
        )


def batch_growth(
    blueprint: Blueprint, analyzer: str, outcome: Mapping[str, Any], existing: Collection[str], linked: Linked
) -> Growth:
    """The workers and convergences that a batch outcome adds. Raises GrowthError."""
    empty = outcome["type"] == "no_batches"
    name = _placeholder_template(blueprint, analyzer) if empty else outcome["worker_template_name"]
    worker = _worker(blueprint, name)
    cursors = [_PLACEHOLDER] if empty else outcome["cursor_configs"]
    if not cursors:
        raise GrowthError("cursor_configs cannot be empty for CreateBatches outcome")
    instances = [_instance(worker, cursor, is_no_op=empty) for cursor in cursors]
    convergences = [
        blueprint.steps[name]
        for name in blueprint.children[worker.name]
        if blueprint.steps[name].type == "deferred_convergence"
    ]
    new_edges = [(analyzer, step.name) for step in instances]
    new_edges += [(step.name, convergence.name) for step in instances for convergence in convergences]
    later = [plain(step) for step in convergences if step.name not in existing]
    new = [step for step in instances if step.name not in existing]
    return Growth((*new, *later), _without_collision(new_edges, linked))


_PLACEHOLDER: Mapping[str, Any] = {"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0}


def _placeholder_template(blueprint: Blueprint, analyzer: str) -> str:
    name = blueprint.steps[analyzer].handler.initialization.get("worker_template_name")
    if not isinstance(name, str):
        raise GrowthError(f"Batchable step '{analyzer}' missing worker_template_name")
    return name


def _worker(blueprint: Blueprint, name: str) -> StepTemplate:
    step = blueprint.steps.get(name)
    if step is None:
        raise GrowthError(f"Worker template not found: {name}")
    if step.type != "batch_worker":
        raise GrowthError(f"Template {name} is not a BatchWorker type")
    if step.batch_config is None:
        raise GrowthError(f"Step {name} missing batch configuration")
    return step


def _instance(worker: StepTemplate, cursor: Mapping[str, Any], *, is_no_op: bool) -> NewStep:
    config = worker.batch_config
    assert config is not None
    known = ("batch_id", "start_cursor", "end_cursor", "batch_size")
    inputs = {
        **worker.handler.initialization,
        "cursor": {key: cursor[key] for key in known},
        "batch_metadata": {"cursor_field": config.cursor_field, "failure_strategy": config.failure_strategy},
        "is_no_op": is_no_op,
        "__template_step_name": worker.name,
    }
    return NewStep(f"{worker.name}_{cursor['batch_id']}", "standard", worker, inputs)
