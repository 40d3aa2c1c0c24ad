"""What a batch adds to a task (dynamic workflows, batch growth). Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from tasker_testkit.engine.growth import (
    Blueprint,
    Growth,
    GrowthError,
    Linked,
    NewStep,
    not_an_outcome,
    plain,
    told,
    without_collision,
)
from tasker_testkit.errors import RunError, near
from tasker_testkit.model.profile import Profile, allowing
from tasker_testkit.model.template import StepTemplate

BATCHING: Final = "Return batch_analyzer_success(...) or no_batches_outcome(...)"
"""What an analyzer has to return, in Tasker's names."""
_OUTCOME: Final = "batch_processing_outcome"


def batches(result: Any) -> Mapping[str, Any] | None:
    """The batch outcome of an analyzer's result; None for anything malformed, which makes nothing grow."""
    return None if not_a_batch(result) else result[_OUTCOME]


def not_a_batch(result: Any) -> str:
    """Why an analyzer's result makes nothing grow, though it doesn't say so; empty if it is well formed."""
    wrong = not_an_outcome(result, _OUTCOME, ("create_batches", "no_batches"))
    return wrong if wrong or result[_OUTCOME]["type"] == "no_batches" else _wrong_with(result[_OUTCOME])


def _wrong_with(outcome: Mapping[str, Any]) -> str:
    if not isinstance(outcome.get("worker_template_name"), str):
        return f"its worker_template_name has to be a text, not {told(outcome.get('worker_template_name'))}"
    for key, bits in (("worker_count", 32), ("total_items", 64)):
        if not _whole(outcome.get(key), bits):
            return f"its {key} has to be a whole number from 0, not {told(outcome.get(key))}"
    cursors = outcome.get("cursor_configs")
    if not isinstance(cursors, list):
        return f"its cursor_configs have to be a list, not {told(cursors)}"
    if all(map(_is_cursor, cursors)):
        return ""
    number = next(number for number, cursor in enumerate(cursors, 1) if not _is_cursor(cursor))
    needs = "batch_id (a text), start_cursor, end_cursor and batch_size (a whole number from 0)"
    return f"its cursor number {number} lacks what each of them needs, {needs}"


def _whole(value: Any, bits: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**bits


def _is_cursor(cursor: Any) -> bool:
    return (
        isinstance(cursor, Mapping)
        and isinstance(cursor.get("batch_id"), str)
        and {"start_cursor", "end_cursor"} <= cursor.keys()
        and _whole(cursor.get("batch_size"), 32)
    )


def check_number(analyzer: str, outcome: Mapping[str, Any], profile: Profile) -> None:
    """Raise RunError for more batches than the simulator makes."""
    limit = profile.max_batches
    wanted = len(outcome["cursor_configs"]) if outcome["type"] == "create_batches" else 1
    if wanted > limit:
        raise RunError(
            f"Step {analyzer!r} asks for {wanted} batches; the simulator makes {limit} at the most. Make the batches "
            f"larger, or allow more: {allowing(profile, 'max_batches', wanted)}."
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
        hint = "Return no_batches_outcome(...) where there is nothing to do"
        raise GrowthError("cursor_configs cannot be empty for CreateBatches outcome", hint=hint)
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
    return Growth((*new, *later), without_collision(new_edges, linked, lambda edge: _SAME_ID))


_SAME_ID: Final = "Give each cursor a batch_id of its own"
_PLACEHOLDER: Mapping[str, Any] = {"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0}


def _placeholder_template(blueprint: Blueprint, analyzer: str) -> str:
    name = blueprint.steps[analyzer].handler.initialization.get("worker_template_name")
    if not isinstance(name, str):
        hint = "Name the worker in its handler.initialization"
        raise GrowthError(f"Batchable step '{analyzer}' missing worker_template_name", hint=hint)
    return name


def _worker(blueprint: Blueprint, name: str) -> StepTemplate:
    step = blueprint.steps.get(name)
    if step is None:
        raise GrowthError(f"Worker template not found: {name}", hint=_workers(blueprint, name))
    if step.type != "batch_worker":
        raise GrowthError(f"Template {name} is not a BatchWorker type", hint=_workers(blueprint, name))
    if step.batch_config is None:
        raise GrowthError(f"Step {name} missing batch configuration", hint="Give it a batch_config with all five keys")
    return step


def _workers(blueprint: Blueprint, name: str) -> str:
    workers = [step.name for step in blueprint.steps.values() if step.type == "batch_worker"]
    return f"{near(name, workers)} Batch workers: {', '.join(workers) or 'none'}"


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
