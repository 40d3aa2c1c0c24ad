"""Which failure paths and branches of its workflow a run took, among all there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tasker_testkit.engine.batches import batches
from tasker_testkit.engine.decisions import requested
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.rows import Attempt, StepRow
from tasker_testkit.explore.reaching import Subject, reachable
from tasker_testkit.model.coverage import BATCHES, NONE, Cell, Coverage, What
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.faults import Fault
from tasker_testkit.model.graph import ancestors

_FAILED: Final = "enqueued_as_error_for_orchestration"


def coverage_of(engine: Engine) -> Coverage:
    """What a run reached, among all that its template lets happen under its profile. Ask once the run is over.

    An attempt that lost its result counts as crashed after its effect: to the handler it is the same.
    """
    blueprint, template = engine.orchestrator.blueprint, engine.template
    title = f"{template.namespace_name}/{template.name} {template.version}"
    rows: dict[str, list[StepRow]] = {name: [] for name in blueprint.names}
    for row in engine.ledger.steps:
        rows[row.template.name].append(row)
    lines: dict[Cell, str] = {}
    covered: set[Cell] = set()
    for place, step in enumerate(blueprint.steps.values()):
        mine = rows[step.name]
        subject = Subject(step, blueprint, engine.profile, _target(step.type, step.name, mine))
        lines.update({Cell(title, place, step.name, *what): line for what, line in reachable(subject)})
        covered.update(Cell(title, place, step.name, *what) for row in mine for what in _reached(engine, row))
        if not any(row.log for row in mine) and _is_blocked(engine, step.name, rows):
            covered.add(Cell(title, place, step.name, "path", "blocked"))
    return Coverage(dict.fromkeys(covered, "") | lines, frozenset(covered))


def _target(type_: str, name: str, rows: list[StepRow]) -> str | None:
    """The name that a fault is aimed at; the placeholder of an empty batch is no example of a worker."""
    if type_ != "batch_worker":
        return name
    placeholder = (isinstance(row.inputs, Mapping) and bool(row.inputs.get("is_no_op")) for row in rows)
    return min((row.name for row, empty in zip(rows, placeholder, strict=True) if not empty), default=None)


def _is_blocked(engine: Engine, name: str, rows: Mapping[str, list[StepRow]]) -> bool:
    """A step that never ran: is that because another one failed? It may not even have come into being."""
    above = ancestors(engine.orchestrator.blueprint.dependencies, name)
    if any(row.state == "error" for one in above for row in rows.get(one, ())):
        return True
    return bool(rows[name]) and engine.ledger.task_state == "blocked_by_failures"


def _reached(engine: Engine, row: StepRow) -> Iterator[What]:
    for index, attempt in enumerate(row.log):
        yield from (("path", _CRASHES[found]) for fault in attempt.fired if (found := _crash(fault)) in _CRASHES)
        if attempt.outcome is not None:
            yield from (("path", path) for path in _ended(engine, row, index))
    last = row.log[-1].outcome if row.log else None
    if last is not None and last.success:
        yield from (("branch", branch) for branch in _chosen(engine, row, last.result))


_CRASHES: Final = {"crash before": "crashed before", "crash after": "crashed after", "lose_result": "crashed after"}


def _crash(fault: Fault) -> str:
    return f"crash {fault.when}" if fault.kind == "crash" else fault.kind


# -- how an attempt ended ----------------------------------------------------------------------------------------------


def _ended(engine: Engine, row: StepRow, index: int) -> Iterator[str]:
    attempt = row.log[index]
    outcome = attempt.outcome
    assert outcome is not None
    last = index + 1 == len(row.log)
    if outcome.success and not (last and row.state == "error"):  # else what it asked for couldn't grow (row 19)
        yield "after retry" if index else "first time"
    elif outcome.retryable or outcome.error_type == "worker_crashed":
        if row.log[index + 1].number <= attempt.number if not last else _gave_up(engine, row):
            yield "exhausted"
    else:
        yield "permanent"
    if _timed_out(row, attempt):
        yield "timed out"


def _gave_up(engine: Engine, row: StepRow) -> bool:
    """Did no other attempt follow the step's last failure, whatever an operator did later?"""
    states = [state for _, index, state in engine.ledger.log if index == row.index]
    last = len(states) - 1 - states[::-1].index(_FAILED)
    return states[last + 1 : last + 2] != ["waiting_for_retry"]


def _timed_out(row: StepRow, attempt: Attempt) -> bool:
    """Was it ended by ``timeout_seconds``? A handler that calls its own failure a timeout is another matter."""
    outcome, limit = attempt.outcome, row.template.timeout_seconds
    if outcome is None or outcome.error_type != "timeout" or limit is None:
        return False
    return (attempt.ended_at or 0) - (attempt.started_at or 0) >= limit * SECOND


def _chosen(engine: Engine, row: StepRow, result: Any) -> list[str]:
    """What a decision or an analyzer chose, of what came into being."""
    if row.type == "decision":
        names = requested(result)
        return [name for name in names if name in engine.ledger.by_name] if names else [NONE]
    outcome = batches(result) if row.type == "batchable" else None
    below = [engine.ledger.steps[index].template.type for index in row.children]
    if outcome is None or "batch_worker" not in below:
        return []
    return [NONE if outcome["type"] == "no_batches" else BATCHES]
