"""What a decision adds to a task (dynamic workflows, decision growth). Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from heapq import heapify, heappop, heappush
from typing import Any, Final

from tasker_testkit.engine.growth import (
    NOTHING,
    Blueprint,
    Edge,
    Growth,
    GrowthError,
    Linked,
    not_an_outcome,
    plain,
    told,
    without_collision,
)
from tasker_testkit.errors import near

CHOOSING: Final = (
    "Return decision_success(...) or skip_branches(...), from a function Decision.route(...) or Decision.skip(...)"
)
"""What a decision handler has to return, in Tasker's names."""
_OUTCOME: Final = "decision_point_outcome"


def requested(result: Any) -> list[str]:
    """The steps that a decision's result asks for; anything malformed asks for none."""
    if not_a_choice(result) or result[_OUTCOME]["type"] == "no_branches":
        return []
    return list(result[_OUTCOME]["step_names"])


def not_a_choice(result: Any) -> str:
    """Why a decision's result counts as no branches though it doesn't say so; empty if it is well formed."""
    wrong = not_an_outcome(result, _OUTCOME, ("create_steps", "no_branches"))
    if wrong or result[_OUTCOME]["type"] == "no_branches":
        return wrong
    names = result[_OUTCOME].get("step_names")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return ""
    return f"its step_names have to be a list of texts, not {told(names)}"


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
            known = ", ".join(sorted(below, key=blueprint.places.__getitem__)) or "none"
            hint = f"{near(name, below)} Below it: {known}"
            raise GrowthError(f"Step '{name}' is not a valid descendant of decision point '{decision}'", hint=hint)
    chosen = _chosen(blueprint, decision, set(names) | exits, below)
    ordered = sorted(chosen, key=blueprint.places.__getitem__)
    new = tuple(plain(blueprint.steps[name]) for name in ordered if name not in existing)
    edges = _decision_edges(blueprint, decision, ordered)
    return Growth(new, without_collision(edges, linked, lambda edge: _collided(blueprint, edge[1], chosen)))


def _collided(blueprint: Blueprint, name: str, chosen: Collection[str]) -> str:
    """Why a step would hang on its decision twice, or has the edge already, and what to do about it."""
    missing = [f"'{needed}'" for needed in blueprint.dependencies[name] if needed not in chosen]
    if len(missing) < 2:
        return f"'{name}' was made before: let one decision choose all that leads to it"
    each = f"Each dependency of '{name}' that isn't made with it makes this edge: {', '.join(missing)}"
    return f"{each}. Leave one of these at the most, or let '{name}' be a deferred_convergence of what can be chosen"


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
