"""What Tasker's REST interface answers about a task, read from files.

``GET /v1/tasks/{task}``, its ``/workflow_steps`` and, for each step, ``/workflow_steps/{step}/audit``; each answer in a
file of its own, or all in one: ``{"task": ..., "workflow_steps": [...], "audit": {step: [...]}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tasker_testkit.errors import HistoryError, listed
from tasker_testkit.replay.production import RecordedAttempt, RecordedMove, RecordedStep, RecordedTask
from tasker_testkit.replay.records import Record, by_hand, check_at_rest, ended, expected, stored_result

_ANSWERS: Final = (
    "GET /v1/tasks/{task}",
    "GET /v1/tasks/{task}/workflow_steps",
    "GET /v1/tasks/{task}/workflow_steps/{step}/audit",
    'all of them: {"task": ..., "workflow_steps": [...], "audit": {step: [...]}}',
)
_DONE: Final = ("complete", "error")
"""States in which the last attempt has brought a result."""
_ADVICE: Final = "Save Tasker's answer as it came."
_NEVER_SHOWN: Final = (
    "imported from REST, which shows no checkpoints, no published events, no changes of the task's state, and of those "
    "of steps only the ones that bring a result"
)


@dataclass
class _Answers:
    """What the files hold."""

    tasks: list[Record] = field(default_factory=list)
    steps: list[Record] = field(default_factory=list)
    audit: list[Record] = field(default_factory=list)


def read_rest(paths: Sequence[str | Path]) -> RecordedTask:
    """The task that the answers in these files are about.

    Raises HistoryError for files that hold something else, are about two tasks or about one that is still running, or
    lack the result of a step that completed.
    """
    answers = _Answers()
    for path in paths:
        _sort(_parsed(Path(path)), str(path), answers)
    task = _only_task(answers, paths)
    check_at_rest(task, task.get("task_uuid", str), task.get("status", str))
    return _recorded(task, answers)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise HistoryError(f"There is no file {path}.") from None
    except OSError as error:
        raise HistoryError(f"Can't read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise HistoryError(f"{path}: not JSON: {error}. {_ADVICE}") from None


def _sort(data: Any, place: str, answers: _Answers) -> None:
    """Put an answer where it belongs, by what its records have."""
    if isinstance(data, dict) and "workflow_steps" in data and "task" in data:
        answers.tasks.append(_record(data["task"], f"{place}: task"))
        answers.steps += _records(data["workflow_steps"], f"{place}: workflow_steps")
        for step, found in _record(data.get("audit", {}), f"{place}: audit").values.items():
            answers.audit += _records(found, f"{place}: audit.{step}")
    elif isinstance(data, dict) and "context" in data and "task_uuid" in data:
        answers.tasks.append(_record(data, place))
    elif isinstance(data, list) and _all_have("audit_uuid", data):
        answers.audit += _records(data, place)
    elif isinstance(data, list) and _all_have("step_uuid", data):
        answers.steps += _records(data, place)
    else:
        known = listed(_ANSWERS)
        raise HistoryError(f"{place} is none of Tasker's answers about a task. Those that are read:\n{known}")


def _all_have(key: str, records: Iterable[Any]) -> bool:
    return all(isinstance(record, dict) and key in record for record in records)


def _records(values: Any, place: str) -> Iterator[Record]:
    for index, value in enumerate(expected(values, list, place, _ADVICE)):
        yield _record(value, f"{place}[{index}]")


def _record(value: Any, place: str) -> Record:
    return Record(place, expected(value, dict, place, _ADVICE), _ADVICE)


def _only_task(answers: _Answers, paths: Sequence[str | Path]) -> Record:
    if not answers.tasks or not answers.steps:
        missing = _ANSWERS[1] if answers.tasks else _ANSWERS[0]
        raise HistoryError(f"The answer to {missing} is missing. The files that were given:\n{listed(paths)}")
    owners: dict[str, str] = {}
    for record in (*answers.tasks, *answers.steps, *answers.audit):
        owners.setdefault(record.get("task_uuid", str), record.place)
    if len(owners) > 1:
        found = listed(f"{uuid}  {place}" for uuid, place in owners.items())
        raise HistoryError(f"These answers are about {len(owners)} tasks; give those of one:\n{found}")
    if len(answers.tasks) > 1:
        found = listed(record.place for record in answers.tasks)
        raise HistoryError(f"The task's answer is there {len(answers.tasks)} times; give it once:\n{found}")
    return answers.tasks[0]


def _recorded(task: Record, answers: _Answers) -> RecordedTask:
    audit: dict[str, dict[str, _Audited]] = {}
    for record in answers.audit:
        of_step = audit.setdefault(record.get("workflow_step_uuid", str), {})
        of_step[record.get("audit_uuid", str)] = _audited(record)
    found = {record.get("step_uuid", str): record for record in answers.steps}
    given = dict(sorted(found.items()))  # these uuids are of version 7: sorted, they are in the order of creation
    steps = [_step(record, list(audit.pop(uuid, {}).values())) for uuid, record in given.items()]
    for stray in audit:
        raise HistoryError(f"There is an audit of step {stray}, but {_ANSWERS[1]} doesn't have it. Ask for both again.")
    return RecordedTask(
        uuid=task.get("task_uuid", str),
        template={key: task.get(key, str) for key in ("namespace", "name", "version")},
        input=task.get("context", dict),
        created_at=task.when("created_at"),
        state=task.get("status", str),
        execution_status=task.get("execution_status", str),
        steps=tuple(steps),
        gaps=(_NEVER_SHOWN,),
    )


@dataclass(frozen=True)
class _Audited:
    """One entry of an audit: a result, and the change of state that brought it."""

    stored: Mapping[str, Any] | None
    move: RecordedMove


def _audited(record: Record) -> _Audited:
    move = RecordedMove(record.when("recorded_at"), record.get("from_state", str), record.get("to_state", str))
    event = record.values.get("result")
    return _Audited(
        stored_result(event.get("data"), f"{record.place}.result.data") if isinstance(event, dict) else None, move
    )


def _step(record: Record, audit: list[_Audited]) -> RecordedStep:
    name, state = record.get("name", str), record.get("current_state", str)
    audit.sort(key=lambda entry: entry.move.at)
    last = record.stored("results")
    found = [entry.stored for entry in audit] or ([last] if last and not by_hand(last) else [])
    if state == "complete" and not any((*found, last)):
        raise HistoryError(
            f"{record.place}: step {name!r} is complete and has no result, neither there nor in its audit. "
            "Ask Tasker again, with an account that may see results."
        )
    missing = [None] * (record.get("attempts", int) - len(found))
    results = [*missing, *found] if state in _DONE else [*found, *missing]
    started = record.when("last_attempted_at") if record.values.get("last_attempted_at") else None
    begins = [*[None] * (len(results) - 1), started]
    return RecordedStep(
        name=name,
        state=state,
        max_attempts=record.get("max_attempts", int),
        attempts=tuple(RecordedAttempt(one, begin, ended(one)) for one, begin in zip(results, begins, strict=False)),
        moves=tuple(entry.move for entry in audit),
        parent_count=record.maybe("total_parents", int) or 0,
    )
