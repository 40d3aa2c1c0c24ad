"""A task from the rows that Tasker 0.1.8 keeps of it in its database: table to rows, each a mapping as JSON has it.

Instants are texts in UTC without a zone, uuids texts, as PostgreSQL's ``to_jsonb`` writes a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from tasker_testkit.errors import HistoryError
from tasker_testkit.replay.production import RecordedMove, RecordedTask, Timed
from tasker_testkit.replay.records import Record, check_at_rest
from tasker_testkit.replay.step_rows import StepRows, checkpoint_gap, execution_status, recorded_step, settlements

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
"""Table to rows, in any order; rows of other tasks may be among them."""

TABLES: Final = (
    *("tasks", "named_tasks", "task_namespaces", "task_transitions", "tasks_dlq"),
    *("workflow_steps", "named_steps", "workflow_step_edges", "workflow_step_transitions"),
)
"""The tables that are read."""
_ADVICE: Final = "Only tables as Tasker 0.1.8 keeps them can be read."
_NEVER_KEPT: Final = "imported from PostgreSQL, where Tasker keeps no published events and no effects of handlers"
_LETTER: Final = {"original_state": "original_state", "reason": "dlq_reason", "resolution": "resolution_status"}
"""The keys of a history's dead letter, and the columns that hold them."""


def recorded_task(tables: Tables, uuid: str) -> RecordedTask:
    """The task with this uuid, which has a row in ``tasks``; types of steps are those of its template as kept there.

    Raises HistoryError for rows that aren't Tasker's, a task that is still running, and a step that completed and has
    no result.
    """
    task = _one(tables, "tasks", "task_uuid", uuid)
    moves = tuple(map(_move, _grouped(tables, "task_transitions", "task_uuid", "sort_key")[uuid]))
    if not moves:
        raise HistoryError(f"task_transitions has no row of task {uuid}, so that its state isn't known. {_ADVICE}")
    check_at_rest(task, uuid, moves[-1].after)
    named = _one(tables, "named_tasks", "named_task_uuid", task.get("named_task_uuid", str))
    namespace = _one(tables, "task_namespaces", "task_namespace_uuid", named.get("task_namespace_uuid", str))
    steps = list(_step_rows(tables, uuid, _types(named)))
    return RecordedTask(
        uuid=uuid,
        template={"namespace": namespace.get("name", str), **{key: named.get(key, str) for key in ("name", "version")}},
        input=task.get("context", dict),
        created_at=task.when("created_at"),
        state=moves[-1].after,
        execution_status=execution_status(steps),
        steps=tuple(map(recorded_step, steps)),
        moves=moves,
        actions=tuple(sorted((*_cancels(moves), *settlements(steps)), key=lambda action: action[0])),
        dead_letters=tuple(map(_dead_letter, _grouped(tables, "tasks_dlq", "task_uuid", "dlq_timestamp")[uuid])),
        gaps=(_NEVER_KEPT, *filter(None, map(checkpoint_gap, steps))),
    )


def _step_rows(tables: Tables, task: str, types: Mapping[str, str]) -> Iterator[StepRows]:
    """The rows of each step. Their uuids are of version 7: sorted by them, they are in the order of creation."""
    named = _grouped(tables, "named_steps", "named_step_uuid", "named_step_uuid")
    moves = _grouped(tables, "workflow_step_transitions", "workflow_step_uuid", "sort_key")
    edges = _grouped(tables, "workflow_step_edges", "to_step_uuid", "workflow_step_edge_uuid")
    rows = _grouped(tables, "workflow_steps", "task_uuid", "workflow_step_uuid")[task]
    names = {row.get("workflow_step_uuid", str): _called(row, named) for row in rows}
    for row, (uuid, name) in zip(rows, names.items(), strict=True):
        yield StepRows(
            name,
            types.get(_defined_as(row, name), ""),
            tuple(_parent(edge, names) for edge in edges[uuid]),
            row,
            tuple((record, _move(record)) for record in moves[uuid]),
        )


def _called(row: Record, named: Mapping[str, Sequence[Record]]) -> str:
    uuid = row.get("named_step_uuid", str)
    if uuid not in named:
        raise HistoryError(f"{row.place}: named_steps has no row {uuid}, so that its name isn't known. {_ADVICE}")
    name: str = named[uuid][0].get("name", str)
    return name


def _defined_as(row: Record, name: str) -> str:
    """The template's name of the step; that of a batch worker is among its inputs."""
    inputs = row.values.get("inputs")
    return str(inputs.get("__template_step_name", name)) if isinstance(inputs, dict) else name


def _parent(edge: Record, names: Mapping[str, str]) -> str:
    uuid = edge.get("from_step_uuid", str)
    if uuid not in names:
        raise HistoryError(f"{edge.place}: it begins at step {uuid}, which the task doesn't have. {_ADVICE}")
    return names[uuid]


def _types(named: Record) -> dict[str, str]:
    """Step to type, by the template that Tasker keeps; what isn't there isn't known."""
    steps = (named.maybe("configuration", dict) or {}).get("steps")
    listed = steps if isinstance(steps, list) else []
    return {str(step.get("name")): str(step.get("type") or "") for step in listed if isinstance(step, dict)}


def _move(record: Record) -> RecordedMove:
    return RecordedMove(record.when("created_at"), record.maybe("from_state", str), record.get("to_state", str))


def _cancels(moves: Sequence[RecordedMove]) -> Iterator[Timed]:
    return ((move.at, {"do": "cancel"}) for move in moves if move.after == "cancelled")


def _dead_letter(letter: Record) -> Timed:
    return letter.when("dlq_timestamp"), {key: letter.get(column, str) for key, column in _LETTER.items()}


def _one(tables: Tables, table: str, key: str, uuid: str) -> Record:
    found = _grouped(tables, table, key, key)[uuid]
    if not found:
        raise HistoryError(f"{table} has no row whose {key} is {uuid}. {_ADVICE}")
    return found[0]


def _grouped(tables: Tables, table: str, key: str, by: str) -> defaultdict[str, list[Record]]:
    """The rows of a table by the value of one column, each group sorted by another."""
    groups: defaultdict[str, list[Record]] = defaultdict(list)
    for number, row in enumerate(tables[table]):
        record = Record(f"{table}[{row.get(f'{table[:-1]}_uuid', number)}]", row, _ADVICE)
        groups[record.get(key, str)].append(record)
    for group in groups.values():
        group.sort(key=lambda record: record.get(by, int if by == "sort_key" else str))
    return groups
