"""From the text of a history file back to the History value; what isn't one is refused with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from tasker_testkit.engine.history import FORMAT, VERSION, AttemptHistory, History, StepHistory, written
from tasker_testkit.engine.history_digests import KEY, changed_parts
from tasker_testkit.engine.history_shapes import (
    AGAIN,
    ATTEMPT,
    ERROR,
    HISTORY,
    HISTORY_ALSO,
    LIST,
    LISTS,
    MAYBE_TEXT,
    REQUEST,
    STEP,
    STORED,
    TASK,
    TEXT,
    Checker,
)
from tasker_testkit.errors import HistoryError
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.outcome import METADATA_DEFAULTS, Outcome
from tasker_testkit.model.requests import HttpCall

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: Final[Mapping[int, Upgrade]] = {}
"""From a version's data to that of the next one. Version 1 is the first."""


def read_history(text: str, *, name: str = "the history") -> History:
    """The history of a file's text; ``name`` is what messages call the file.

    Older versions are upgraded. Raises HistoryError, with the place, for what is no history, was cut off or edited, or
    is of a newer version.
    """
    data = upgraded(_parsed(text, name), name=name)
    for part in changed_parts(data):
        raise HistoryError(
            f"{name}{_line_of(part, text)}: {_spoken(part)} was changed after the file was saved: its digest is "
            f"another one.\n{AGAIN}; or take out its {KEY!r}, if it is to be used as it is now."
        )
    return _history(data, name)


def upgraded(
    data: dict[str, Any], *, name: str = "the history", upgrades: Mapping[int, Upgrade] = UPGRADES, to: int = VERSION
) -> dict[str, Any]:
    """A history's data in today's version. Raises HistoryError for another format and for a newer version."""
    if data.get("format") != FORMAT:
        raise HistoryError(f"{name} is no history: its 'format' is {data.get('format')!r:.80}, not {FORMAT!r}.")
    version = data.get("version")
    if type(version) is not int or version < min((*upgrades, to)):
        raise HistoryError(f"{name}: 'version' is {version!r:.80}. There are versions up to {to}.")
    if version > to:
        raise HistoryError(
            f"{name} is of version {version}, and this tasker-testkit knows versions up to {to}. Update tasker-testkit."
        )
    while version < to:
        data = {**upgrades[version](data), "version": version + 1}
        version += 1
    return data


def _parsed(text: str, name: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        end = "" if text[error.pos :].strip() else " The file ends there: it was cut off."
        where = f"{name}:{error.lineno}:{error.colno}"
        raise HistoryError(f"{where}: not JSON: {error.msg}.{end}\n{AGAIN}.") from None
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise HistoryError(f"{name}: not JSON: {why}.\n{AGAIN}.") from None
    if not isinstance(data, dict):
        raise HistoryError(f"{name} is no history: it holds {data!r:.60}, not a mapping.")
    return data


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number there")


def _spoken(part: str) -> str:
    section, _, step = part.partition(".")
    return f"step {step!r}" if step else "the list of its steps" if part == "steps" else f"{section!r}"


def _line_of(part: str, text: str) -> str:
    """``:LINE`` where that part begins, if the file is laid out as it was written."""
    section, _, step = part.partition(".")
    pattern = rf'^      "name": {re.escape(json.dumps(step, ensure_ascii=False))}' if step else rf'^  "{section}":'
    found = re.search(pattern, text, re.MULTILINE)
    return f":{text.count(chr(10), 0, found.start()) + 1}" if found else ""


def _history(data: Mapping[str, Any], name: str) -> History:
    check = Checker(name)
    check.record(data, "", HISTORY, HISTORY_ALSO)
    task = data["task"]
    check.record(task, "task", TASK, {"stuck": MAYBE_TEXT})
    lists = {key: tuple(check.mappings(data.get(key, ()), key)) for key in LISTS}
    return History(
        profile=data["profile"],
        seed=data["seed"],
        start=check.instant(data["start"], "start"),
        template=data["template"],
        input=data["input"],
        faults=tuple(check.mappings(data["faults"], "faults")),
        state=task["state"],
        execution_status=task["execution_status"],
        transitions=check.transitions(task["transitions"], "task.transitions"),
        steps=tuple(_step(check, step, f"steps[{index}]") for index, step in enumerate(data["steps"])),
        stuck=task.get("stuck"),
        order=check.whole_numbers(data["order"], "order") if "order" in data else None,
        recipe=data.get("recipe"),
        **lists,
    )


def _step(check: Checker, step: Any, place: str) -> StepHistory:
    check.record(step, place, STEP)
    check.all_of(step["parents"], f"{place}.parents", TEXT)
    return StepHistory(
        name=step["name"],
        type=step["type"],
        state=step["state"],
        parents=tuple(step["parents"]),
        max_attempts=step["max_attempts"],
        transitions=check.transitions(step["transitions"], f"{place}.transitions"),
        attempts=tuple(_attempt(check, one, f"{place}.attempts[{at}]") for at, one in enumerate(step["attempts"])),
    )


def _attempt(check: Checker, attempt: Any, place: str) -> AttemptHistory:
    check.record(attempt, place, ATTEMPT, {"checkpoints": LIST, "requests": LIST})
    stored = attempt["stored"]
    return AttemptHistory(
        number=attempt["number"],
        enqueued_at=_micros(attempt["enqueued_at"]),
        started_at=_micros(attempt["started_at"]),
        ended_at=_micros(attempt["ended_at"]),
        faults=tuple(check.mappings(attempt["faults"], f"{place}.faults")),
        outcome=None if stored is None else _outcome(check, stored, f"{place}.stored"),
        checkpoints=tuple(
            check.checkpoint(record, f"{place}.checkpoints[{index}]")
            for index, record in enumerate(attempt.get("checkpoints", ()))
        ),
        requests=tuple(
            _request(check, one, f"{place}.requests[{index}]") for index, one in enumerate(attempt.get("requests", ()))
        ),
    )


def _request(check: Checker, data: Any, place: str) -> HttpCall:
    check.record(data, place, REQUEST)
    times = {"at": round(data["at"] * SECOND), "took": round(data["took"] * SECOND)}
    return HttpCall(**{**data, **times})


def _micros(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * SECOND)


def _outcome(check: Checker, stored: Mapping[str, Any], place: str) -> Outcome:
    """The outcome that is stored like this. What a stored result doesn't tell, such as ``took``, isn't known."""
    check.record(stored, place, STORED)
    error = stored["error"]
    if error is not None:
        check.record(error, f"{place}.error", ERROR, {"backtrace": (object,)})
    success, made = stored["success"], stored["orchestration_metadata"] is not None
    metadata, ended = _metadata(stored["metadata"])
    return Outcome(
        success,
        stored["result"],
        message=error and error["message"],
        error_type=error and error["error_type"],
        error_code=metadata.pop("error_code", None),
        retryable=bool(error and error["retryable"]),
        metadata=metadata,
        status=stored["status"],
        worker_made=made and not success,
        by_hand=made and success,
        step_uuid=stored["step_uuid"],
        ended_at=ended,
    )


def _metadata(stored: Mapping[str, Any]) -> tuple[dict[str, Any], datetime | None]:
    """What was more than Tasker's defaults, and the instant of the end."""
    defaults = {**METADATA_DEFAULTS, "retryable": None}
    kept = {key: value for key, value in stored.items() if key not in defaults or not _same(value, defaults[key])}
    text = kept.get("completed_at")
    try:
        ended = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        ended = None
    if ended is None or ended.tzinfo is None or written(ended) != text:
        return kept, None
    del kept["completed_at"]
    return kept, ended


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
