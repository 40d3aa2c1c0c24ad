"""What has run by the time a step runs: its ancestors, as far as decisions and batches made them, and their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tasker_testkit.engine.batches import batch_growth
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.errors import StrategyError, listed, near
from tasker_testkit.explore.strategies.payloads import results_of
from tasker_testkit.explore.strategies.sieve import Draw
from tasker_testkit.model.graph import ancestors
from tasker_testkit.model.template import StepTemplate, Template

Results = Mapping[str, st.SearchStrategy[Any]]

_MOST: Final = 3
"""Instances of a batch worker."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment at which a step runs, under the name ``step``, with ``inputs`` (None: as configured) and results."""

    step: str
    inputs: Any
    results: Mapping[str, Any]


class Ancestry:
    """The ancestors of one step of a template; ``given`` are results of some, in place of what would be drawn.

    Decisions and analyzers without a ``result_schema`` have the result from which grows what is there. Raises
    StrategyError for a step that the template doesn't have, and for a given result that the step never sees.
    """

    def __init__(self, template: Template, name: str, given: Results) -> None:
        found = template.step(name)
        if found is None:
            names = template.step_names
            raise StrategyError(
                f"Template {template.name!r} has no step {name!r}.{near(name, names)} Its steps:\n{listed(names)}"
            )
        self._step, self._given = found, given
        self._blueprint = Blueprint(template)
        above = ancestors({one.name: one.dependencies for one in template.steps}, name)
        self._names = tuple(one for one in template.step_names if one in above)
        self._check(given)
        drawn = {one: results_of(template, self._blueprint.steps[one]) for one in self._names if one not in given}
        self._results = {**drawn, **given}

    @property
    def attempts(self) -> int:
        """How many attempts the step can have."""
        retry = self._step.retry
        return max(retry.max_attempts, 1) if retry.retryable else 1

    def scene(self, draw: Draw) -> Scene:
        """One moment at which the step can run, towards few branches and batches."""
        there = self._there(draw)
        cursors = [_cursor(number) for number in range(1, draw(st.integers(1, _MOST)) + 1)]
        grown = self._grown(there, cursors)
        results = {
            instance: grown[name] if name in grown else draw(self._results[name])
            for name in self._names
            if name in there
            for instance in self._instances(name, cursors)
        }
        return Scene(*self._itself(cursors), results)

    def _check(self, given: Results) -> None:
        for name in given:
            if name not in self._names:
                raise StrategyError(
                    f"Step {self._step.name!r} never sees a result of {name!r}.{near(name, self._names)} "
                    f"Its ancestors:\n{listed(self._names)}"
                )

    def _is(self, name: str, kind: str) -> bool:
        return self._blueprint.steps[name].type == kind

    def _there(self, draw: Draw) -> list[str]:
        """The steps that are there: this one and what it waits for, and so on."""
        there = [self._step.name]
        for name in there:
            there += [parent for parent in self._parents(draw, self._blueprint.steps[name]) if parent not in there]
        return there

    def _parents(self, draw: Draw, step: StepTemplate) -> list[str]:
        """What the step waits for: all its dependencies; a convergence for those of them that were chosen."""
        names = [name for name in self._blueprint.names if name in step.dependencies]
        if step.type != "deferred_convergence" or not names:
            return names
        chosen = draw(st.sets(st.sampled_from(names), min_size=1))
        return [name for name in names if name in chosen]

    def _itself(self, cursors: list[Any]) -> tuple[str, Any]:
        """Its name and inputs; a batch worker runs as its first instance."""
        step = self._step
        analyzer = next((name for name in step.dependencies if self._is(name, "batchable")), None)
        if step.type != "batch_worker" or analyzer is None:
            return step.name, None
        growth = batch_growth(self._blueprint, analyzer, _batches(step.name, cursors), (), lambda edge: False)
        return growth.steps[0].name, growth.steps[0].inputs

    def _instances(self, name: str, cursors: list[Any]) -> list[str]:
        return [f"{name}_{one['batch_id']}" for one in cursors] if self._is(name, "batch_worker") else [name]

    def _grown(self, there: list[str], cursors: list[Any]) -> dict[str, Any]:
        """The results of decisions and analyzers about which nobody says anything."""
        results: dict[str, Any] = {}
        for name in self._names:
            children = [child for child in self._blueprint.children[name] if child in there]
            workers = [child for child in children if self._is(child, "batch_worker")]
            if name in self._given or self._blueprint.steps[name].result_schema is not None:
                continue
            if self._is(name, "decision"):
                results[name] = {"decision_point_outcome": {"type": "create_steps", "step_names": children}}
            elif self._is(name, "batchable") and workers:
                results[name] = {"batch_processing_outcome": _batches(workers[0], cursors)}
        return results


def _cursor(number: int) -> dict[str, Any]:
    """The numbered batch of ten items."""
    return {"batch_id": f"{number:03}", "start_cursor": 10 * (number - 1), "end_cursor": 10 * number, "batch_size": 10}


def _batches(worker: str, cursors: list[Any]) -> dict[str, Any]:
    return {
        "type": "create_batches",
        "worker_template_name": worker,
        "worker_count": len(cursors),
        "cursor_configs": cursors,
        "total_items": cursors[-1]["end_cursor"],
    }
