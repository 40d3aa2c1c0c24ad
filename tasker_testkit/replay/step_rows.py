"""One step from the rows that Tasker 0.1.8 keeps of it: its attempts with their results, and what an operator did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from tasker_testkit.engine.readiness import retry_eligible
from tasker_testkit.engine.ways import SETTLED, SHARES
from tasker_testkit.errors import HistoryError
from tasker_testkit.model.states import STEP_SATISFIED, STEP_WAITING, ExecutionStatus
from tasker_testkit.replay.production import RecordedAttempt, RecordedMove, RecordedStep, Timed
from tasker_testkit.replay.records import Record, by_hand, ended, expected, stored_result

_RESULTS: Final = ("enqueued_for_orchestration", "enqueued_as_error_for_orchestration")
"""The states that a worker's result leads to."""
_OWN_WAYS: Final = ("enqueued_for_orchestration", "enqueued_as_error_for_orchestration", "in_progress")
"""The states from which a step becomes complete without an operator."""
_DEFAULT_ATTEMPTS: Final = 3
"""What Tasker takes an absent ``max_attempts`` for."""


@dataclass(frozen=True, slots=True)
class StepRows:
    """The rows of one step, and what other tables say of it. ``moves``: each transition as row and as value."""

    name: str
    type: str
    parents: tuple[str, ...]
    row: Record
    moves: tuple[tuple[Record, RecordedMove], ...]

    @property
    def state(self) -> str:
        """Its state; a step that grew and was never enqueued has no transition yet (row 28 of the profiles)."""
        return self.moves[-1][1].after if self.moves else "pending"


def recorded_step(step: StepRows) -> RecordedStep:
    """The step as a value. Raises HistoryError if it is complete, and no result of it is there."""
    attempts = tuple(_with_checkpoints(_attempts(step), step.row))
    if step.state == "complete" and not any(one.stored for one in attempts) and not step.row.stored("results"):
        raise HistoryError(
            f"{step.row.place}: step {step.name!r} is complete and has no result, neither there nor in its "
            "transitions. The rows aren't as Tasker wrote them; import a task whose rows are whole."
        )
    limit = step.row.maybe("max_attempts", int)
    return RecordedStep(
        name=step.name,
        state=step.state,
        max_attempts=_DEFAULT_ATTEMPTS if limit is None else limit,
        attempts=attempts,
        moves=tuple(move for _, move in step.moves),
        type=step.type,
        parents=step.parents,
        parent_count=len(step.parents),
    )


def _attempts(step: StepRows) -> list[RecordedAttempt]:
    """One for each claim by a worker; before them those that Tasker counts and has no transitions of."""
    found: list[RecordedAttempt] = []
    enqueued: datetime | None = None
    for record, move in step.moves:
        if move.after == "enqueued":
            enqueued = move.at
        elif move.after == "in_progress":
            found.append(RecordedAttempt(None, started_at=move.at, enqueued_at=enqueued))
            enqueued = None
        elif move.after in _RESULTS:
            stored = _result(record)
            found[-1:] = [replace(one, stored=stored, ended_at=ended(stored)) for one in found[-1:]]
    missing = (step.row.maybe("attempts", int) or 0) - len(found)
    return _with_the_last(step, [*[RecordedAttempt(None)] * missing, *found])


def _with_the_last(step: StepRows, attempts: list[RecordedAttempt]) -> list[RecordedAttempt]:
    """The attempts, the last of them with what the step's own row says of it."""
    if not attempts:
        return attempts
    *before, last = attempts
    if step.row.maybe("last_attempted_at", str):
        began = step.row.when("last_attempted_at")
        last = replace(last, started_at=max(began, last.started_at or began))
    kept = step.row.stored("results")
    turns = [move.after for _, move in step.moves if move.after in ("in_progress", *_RESULTS)]
    if last.stored is None and turns[-1:] != ["in_progress"] and kept and not by_hand(kept):
        last = replace(last, stored=kept, ended_at=ended(kept))
    return [*before, last]


def _result(record: Record) -> Mapping[str, Any] | None:
    """The result in a transition that brought one: ``metadata.event`` is a JSON text with ``type`` and ``data``."""
    return stored_result(_event(record).get("data"), f"{record.place}.metadata.event.data")


def _event(record: Record) -> Mapping[str, Any]:
    """The event that made a transition; empty if it wasn't kept."""
    text = (record.maybe("metadata", dict) or {}).get("event")
    try:
        event = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        event = None
    return event if isinstance(event, dict) else {}


# -- checkpoints -------------------------------------------------------------------------------------------------------


def _with_checkpoints(attempts: Iterable[RecordedAttempt], row: Record) -> list[RecordedAttempt]:
    """The attempts, each with what it yielded: the checkpoints from its start to the next one's."""
    found = list(attempts)
    for at, checkpoint in _checkpoints(row):
        begun = [index for index, one in enumerate(found) if one.started_at and one.started_at <= at]
        if begun:
            one = found[begun[-1]]
            found[begun[-1]] = replace(one, checkpoints=(*one.checkpoints, (at, checkpoint)))
    return found


def _checkpoints(row: Record) -> Iterator[Timed]:
    """Of the last checkpoint everything is kept, of those before it the cursor."""
    last = row.maybe("checkpoint", dict)
    if last is None:
        return
    kept = Record(f"{row.place}.checkpoint", last, row.advice)
    history = kept.get("history", list)
    for number, entry in enumerate(history, 1):
        place = f"{kept.place}.history[{number - 1}]"
        at = Record(place, expected(entry, dict, place, row.advice), row.advice).when("timestamp")
        yield at, last if number == len(history) else {**entry, "history": history[:number]}


def checkpoint_gap(step: StepRows) -> str | None:
    """A sentence on the checkpoints that aren't known whole, None if there are none."""
    number = len((step.row.maybe("checkpoint", dict) or {}).get("history", ()))
    if number < 2:
        return None
    return f"step {step.name}: of its {number} checkpoints only the last is known whole, of the others the cursor"


# -- the operator, and all steps together ------------------------------------------------------------------------------


def settlements(steps: Iterable[StepRows]) -> Iterator[Timed]:
    """What an operator did to the steps, each with its instant."""
    for step in steps:
        for record, move in step.moves:
            did = _done_by_hand(record, move)
            if did == "complete_manually":
                yield (
                    move.at,
                    {"do": did, "step": step.name, "result": (step.row.stored("results") or {}).get("result")},
                )
            elif did:
                yield move.at, {"do": did, "step": step.name}


def _done_by_hand(record: Record, move: RecordedMove) -> str | None:
    if move.after == "resolved_manually":
        return "resolve_manually"
    if (move.before, move.after) == ("error", "pending"):
        return "reset_for_retry"
    by_itself = move.before in _OWN_WAYS and _event(record).get("type") != "CompleteManually"
    return None if move.after != "complete" or by_itself else "complete_manually"


def execution_status(steps: Iterable[StepRows]) -> ExecutionStatus:
    """The task's execution status by the rows of its steps, first match; a step that waits for its retry is ready."""
    given = list(steps)
    states = {step.name: step.state for step in given}
    shares = {SHARES.get(state, "open") for state in states.values()}  # type: ignore[call-overload]
    if "error" in shares:
        return "blocked_by_failures"
    if any(_is_ready(step, states) for step in given):
        return "has_ready_steps"
    if "processing" in shares:
        return "processing"
    return "all_complete" if shares == {SETTLED} else "waiting_for_dependencies"


def _is_ready(step: StepRows, states: Mapping[str, str]) -> bool:
    row = step.row
    waits = step.state in STEP_WAITING and not row.get("processed", bool) and not row.get("in_process", bool)
    limits = row.maybe("attempts", int), row.maybe("max_attempts", int), row.get("retryable", bool)
    return waits and retry_eligible(*limits) and all(states[parent] in STEP_SATISFIED for parent in step.parents)
