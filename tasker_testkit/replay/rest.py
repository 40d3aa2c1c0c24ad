"""What Tasker's REST interface answers about a task, read from files.

``GET /v1/tasks/{task}``, its ``/workflow_steps`` and, for each step, ``/workflow_steps/{step}/audit``; each answer in a
file of its own, or all in one: ``{"task": ..., "workflow_steps": [...], "audit": {step: [...]}}``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from tasker_testkit.engine.history_shapes import ERROR, STORED
from tasker_testkit.errors import HistoryError, TaskerTestkitError, listed
from tasker_testkit.model.durations import instant
from tasker_testkit.model.states import TASK_TERMINAL
from tasker_testkit.replay.production import RecordedAttempt, RecordedMove, RecordedStep, RecordedTask

_AT_REST: Final = (*sorted(TASK_TERMINAL), "blocked_by_failures")
_ANSWERS: Final = (
    "GET /v1/tasks/{task}",
    "GET /v1/tasks/{task}/workflow_steps",
    "GET /v1/tasks/{task}/workflow_steps/{step}/audit",
    'all of them: {"task": ..., "workflow_steps": [...], "audit": {step: [...]}}',
)
_DONE: Final = ("complete", "error")
"""States in which the last attempt has brought a result."""
_SAID: Final[Mapping[type, str]] = {str: "a text", int: "a whole number", dict: "a mapping", list: "a list"}
_NEVER_SHOWN: Final = (
    "imported from REST, which shows no types of steps, no checkpoints, no published events, no changes of the "
    "task's state, and of those of steps only the ones that bring a result; what isn't shown is empty"
)


@dataclass
class _Answers:
    """What the files hold: each record with the place it has there."""

    tasks: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    steps: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    audit: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)


def read_rest(paths: Sequence[str | Path]) -> RecordedTask:
    """The task that the answers in these files are about.

    Raises HistoryError for files that hold something else, are about two tasks or about one that is still running, or
    lack the result of a step that completed.
    """
    answers = _Answers()
    for path in paths:
        _sort(_parsed(Path(path)), str(path), answers)
    place, task = _only_task(answers, paths)
    state = _get(task, "status", str, place)
    if state not in _AT_REST:
        raise HistoryError(
            f"{place}: task {task['task_uuid']} is still running: its state is {state!r}. Only a task at rest can be "
            f"imported; the states of one:\n{listed(_AT_REST)}\nAsk Tasker again later."
        )
    return _recorded(task, place, answers)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise HistoryError(f"There is no file {path}.") from None
    except OSError as error:
        raise HistoryError(f"Can't read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise HistoryError(f"{path}: not JSON: {error}. Save Tasker's answer as it came.") from None


def _sort(data: Any, place: str, answers: _Answers) -> None:
    """Put an answer where it belongs, by what its records have."""
    if isinstance(data, dict) and "workflow_steps" in data and "task" in data:
        answers.tasks.append((f"{place}: task", _mapping(data["task"], f"{place}: task")))
        answers.steps += _records(data["workflow_steps"], f"{place}: workflow_steps")
        for step, found in _mapping(data.get("audit", {}), f"{place}: audit").items():
            answers.audit += _records(found, f"{place}: audit.{step}")
    elif isinstance(data, dict) and "context" in data and "task_uuid" in data:
        answers.tasks.append((place, data))
    elif isinstance(data, list) and _all_have("audit_uuid", data):
        answers.audit += _records(data, place)
    elif isinstance(data, list) and _all_have("step_uuid", data):
        answers.steps += _records(data, place)
    else:
        known = listed(_ANSWERS)
        raise HistoryError(f"{place} is none of Tasker's answers about a task. Those that are read:\n{known}")


def _all_have(key: str, records: Iterable[Any]) -> bool:
    return all(isinstance(record, dict) and key in record for record in records)


def _records(values: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(values, list):
        _wrong(place, list, values)
    for index, value in enumerate(values):
        yield f"{place}[{index}]", _mapping(value, f"{place}[{index}]")


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _wrong(place, dict, value)


def _only_task(answers: _Answers, paths: Sequence[str | Path]) -> tuple[str, Mapping[str, Any]]:
    if not answers.tasks or not answers.steps:
        missing = _ANSWERS[1] if answers.tasks else _ANSWERS[0]
        raise HistoryError(f"The answer to {missing} is missing. The files that were given:\n{listed(paths)}")
    owners: dict[str, str] = {}
    for place, record in (*answers.tasks, *answers.steps, *answers.audit):
        owners.setdefault(_get(record, "task_uuid", str, place), place)
    if len(owners) > 1:
        found = listed(f"{uuid}  {place}" for uuid, place in owners.items())
        raise HistoryError(f"These answers are about {len(owners)} tasks; give those of one:\n{found}")
    if len(answers.tasks) > 1:
        found = listed(place for place, _ in answers.tasks)
        raise HistoryError(f"The task's answer is there {len(answers.tasks)} times; give it once:\n{found}")
    return answers.tasks[0]


def _recorded(task: Mapping[str, Any], place: str, answers: _Answers) -> RecordedTask:
    audit: dict[str, dict[str, _Audited]] = {}
    for where, record in answers.audit:
        of_step = audit.setdefault(_get(record, "workflow_step_uuid", str, where), {})
        of_step[_get(record, "audit_uuid", str, where)] = _audited(record, where)
    found = {_get(record, "step_uuid", str, where): (where, record) for where, record in answers.steps}
    given = dict(sorted(found.items()))  # these uuids are of version 7: sorted, they are in the order of creation
    steps = [_step(record, where, list(audit.pop(uuid, {}).values())) for uuid, (where, record) in given.items()]
    for stray in audit:
        raise HistoryError(f"There is an audit of step {stray}, but {_ANSWERS[1]} doesn't have it. Ask for both again.")
    return RecordedTask(
        uuid=_get(task, "task_uuid", str, place),
        template={key: _get(task, key, str, place) for key in ("namespace", "name", "version")},
        input=_get(task, "context", dict, place),
        created_at=_when(task, "created_at", place),
        state=task["status"],
        execution_status=_get(task, "execution_status", str, place),
        steps=tuple(steps),
        gaps=(_NEVER_SHOWN, *_gaps(steps, [record for _, record in given.values()])),
    )


@dataclass(frozen=True)
class _Audited:
    """One entry of an audit: a result, and the change of state that brought it."""

    stored: Mapping[str, Any] | None
    move: RecordedMove


def _audited(record: Mapping[str, Any], place: str) -> _Audited:
    at = _when(record, "recorded_at", place)
    move = RecordedMove(at, _get(record, "from_state", str, place), _get(record, "to_state", str, place))
    event = record.get("result")
    data = event.get("data") if isinstance(event, dict) else None
    return _Audited(_stored(data, f"{place}.result.data"), move)


def _stored(data: Any, place: str) -> Mapping[str, Any] | None:
    """A stored result with the keys that a history has; None if there is none."""
    if not data:
        return None
    for key, kinds in STORED.items():
        if key not in _mapping(data, place):
            raise HistoryError(f"{place}: there is no {key!r}; that is no result as Tasker 0.1.8 stores it.")
        if not isinstance(data[key], kinds):
            raise HistoryError(f"{place}.{key}: {data[key]!r:.60} isn't what Tasker 0.1.8 stores there.")
    error = data["error"]
    known = None if error is None else {key: error.get(key) for key in (*ERROR, "backtrace")}
    if known is not None and not isinstance(known["retryable"], bool):
        raise HistoryError(f"{place}.error.retryable: {known['retryable']!r:.60} isn't what Tasker 0.1.8 stores there.")
    return {**{key: data[key] for key in STORED}, "error": known}


def _step(record: Mapping[str, Any], place: str, audit: list[_Audited]) -> RecordedStep:
    name, state = _get(record, "name", str, place), _get(record, "current_state", str, place)
    audit.sort(key=lambda entry: entry.move.at)
    last = _stored(record.get("results"), f"{place}.results")
    found = [entry.stored for entry in audit] or ([last] if last else [])
    if state == "complete" and not any(found):
        raise HistoryError(
            f"{place}: step {name!r} is complete and has no result, neither there nor in its audit. "
            "Ask Tasker again, with an account that may see results."
        )
    missing = [None] * (_get(record, "attempts", int, place) - len(found))
    results = [*missing, *found] if state in _DONE else [*found, *missing]
    started = _when(record, "last_attempted_at", place) if record.get("last_attempted_at") else None
    begins = [*[None] * (len(results) - 1), started]
    return RecordedStep(
        name=name,
        state=state,
        max_attempts=_get(record, "max_attempts", int, place),
        attempts=tuple(RecordedAttempt(one, begin, _ended(one)) for one, begin in zip(results, begins, strict=False)),
        moves=tuple(entry.move for entry in audit),
    )


def _ended(stored: Mapping[str, Any] | None) -> datetime | None:
    """When the worker says that the attempt ended."""
    text = stored["metadata"].get("completed_at") if stored else None
    try:
        return instant(text) if text else None
    except TaskerTestkitError:
        return None


def _gaps(steps: Iterable[RecordedStep], records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for step, record in zip(steps, records, strict=True):
        if number := record.get("total_parents"):
            yield f"step {step.name}: REST says that it has {number} parent{'s' * (number != 1)}, not which"
        lost = [str(at) for at, attempt in enumerate(step.attempts, 1) if attempt.stored is None]
        if lost:
            yield f"step {step.name}: no result is known of attempt {', '.join(lost)}"
        for at in range(1, len(step.attempts)):
            yield f"step {step.name}: REST doesn't show when attempt {at} began"


def _when(record: Mapping[str, Any], key: str, place: str) -> datetime:
    try:
        return instant(_get(record, key, str, place))
    except HistoryError:
        raise
    except TaskerTestkitError as error:
        raise HistoryError(f"{place}.{key}: {error}") from None


def _get(record: Mapping[str, Any], key: str, kind: type, place: str) -> Any:
    if key not in record:
        raise HistoryError(f"{place}: there is no {key!r}. Save Tasker's answer as it came.")
    value = record[key]
    return value if type(value) is kind else _wrong(f"{place}.{key}", kind, value)


def _wrong(place: str, kind: type, value: Any) -> NoReturn:
    raise HistoryError(f"{place}: must be {_SAID[kind]}, not {value!r:.60}. Save Tasker's answer as it came.")
