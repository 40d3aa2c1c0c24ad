"""The invariants that come with the package: Tasker's own promises, held by default, and some to ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from tasker_testkit.engine.ledger import TASK
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.engine.stuck import why_over, why_stuck
from tasker_testkit.errors import RunError, TaskerTestkitError, listed, near
from tasker_testkit.explore.effect_checks import at_most_once, every_effect_undone_or_task_complete, no_effect_twice
from tasker_testkit.explore.judging import (
    Broken,
    Invariant,
    Lived,
    Objection,
    Verdict,
    always,
    as_invariants,
    eventually,
    judged,
    sometimes,
    unreached,
)
from tasker_testkit.model.durations import spoken
from tasker_testkit.model.loading.schema import schema_problem, validator_of, violations
from tasker_testkit.model.states import STEP_SATISFIED, STEP_STATES, TASK_STATES

__all__ = [
    "DEFAULT",
    "Broken",
    "Invariant",
    "Verdict",
    "after_ancestors",
    "always",
    "as_invariants",
    "at_most_once",
    "ends",
    "eventually",
    "every_effect_undone_or_task_complete",
    "judged",
    "no_effect_twice",
    "nothing_after_permanent_failure",
    "result_matches",
    "sometimes",
    "state_is",
    "unreached",
    "within_attempts",
]


def _ends(run: Lived) -> None:
    why = why_stuck(run.engine.ledger)
    if why is not None:
        raise Objection(f"the run has no end. {why}", run.engine.now)


ends: Final = Invariant("ends", "run", _ends)
"""The task ends: complete, cancelled, resolved by hand, in error, or blocked by failures. Nobody waits for ever."""


def _within_attempts(run: Lived) -> None:
    for step in run.engine.ledger.steps:
        for attempt in step.log:
            if attempt.number > max(step.max_attempts, 1):
                raise Objection(
                    f"step {step.name!r} makes attempt {attempt.number} of {step.max_attempts}", attempt.claimed_at
                )


within_attempts: Final = Invariant("within_attempts", "run", _within_attempts)
"""No step is attempted more often than its ``max_attempts``."""


def _after_ancestors(run: Lived) -> None:
    """Parents are enough: an ancestor is the parent of one."""
    ledger = run.engine.ledger
    done: set[int] = set()
    for at, index, state in ledger.log:
        if state == "in_progress":
            early = [parent for parent in ledger.steps[index].parents if parent.index not in done]
            if early:
                names = ", ".join(repr(parent.name) for parent in early)
                raise Objection(f"step {ledger.steps[index].name!r} starts at {spoken(at)}, before {names} is done", at)
        elif state in STEP_SATISFIED:
            done.add(index)


after_ancestors: Final = Invariant("after_ancestors", "run", _after_ancestors)
"""No step starts before all its ancestors are complete or resolved by hand."""


def _nothing_after_permanent_failure(run: Lived) -> None:
    ledger = run.engine.ledger
    failed: dict[int, int] = {}
    for at, index, state in ledger.log:
        if state == "error" and index != TASK:
            failed[index] = at
        elif failed:
            failed.pop(index, None)  # an operator's doing
        if state == "enqueued" and failed:
            first, since = next(iter(failed.items()))
            name = ledger.steps[index].name
            raise Objection(
                f"step {name!r} is enqueued at {spoken(at)}, although step {ledger.steps[first].name!r} has failed for "
                f"good at {spoken(since)}",
                at,
            )


nothing_after_permanent_failure: Final = Invariant(
    "nothing_after_permanent_failure", "run", _nothing_after_permanent_failure
)
"""Nothing is enqueued while a step is in ``error``: a permanent failure blocks the task at once."""

DEFAULT: Final = (ends, within_attempts, after_ancestors, nothing_after_permanent_failure)
"""What holds of every run, unless somebody found a bug."""


@dataclass(frozen=True)
class _StateIs:
    """The task, or a step, ends in one of these states."""

    states: tuple[str, ...]
    step: str | None = None

    def __call__(self, run: Lived) -> None:
        """Raise an Objection that says how it ended instead."""
        ledger = run.engine.ledger
        row = None if self.step is None else _row(run, self.step)
        found = ledger.task_state if self.step is None else row.state if row else "never created"
        if found not in self.states:
            who = "the task" if self.step is None else f"step {self.step!r}"
            raise Objection(f"{who} ends {found}, not {' or '.join(self.states)}. {why_over(ledger)}")


def state_is(*states: str, step: str | None = None) -> Invariant:
    """The task (or that ``step``) ends in one of these states. Raises TaskerTestkitError for one that doesn't exist."""
    known: Iterable[str] = TASK_STATES if step is None else STEP_STATES
    for state in states or ("",):
        if state not in known:
            whose = "a task" if step is None else "a step"
            said = f"state_is: {state!r} isn't a state of {whose}.{near(state, known)} Its states:\n{listed(known)}"
            raise TaskerTestkitError(said)
    who = "" if step is None else f", step={step!r}"
    return Invariant(f"state_is({', '.join(map(repr, states))}{who})", "run", _StateIs(states, step))


@dataclass(frozen=True)
class _ResultMatches:
    """Results of complete steps fit a JSON Schema; ``step`` None: those of the steps that no other waits for."""

    schema: Any
    step: str | None = None

    def __call__(self, run: Lived) -> None:
        """Raise an Objection that lists what doesn't fit."""
        rows = [_row(run, self.step)] if self.step is not None else _last(run.engine.ledger.steps)
        for row in rows:
            if row is None or row.state != "complete" or row.result is None:
                continue
            found = violations(validator_of(self.schema), row.result.result)
            if found:
                wrong = listed(f"{path or 'the result'}: {said}" for path, said in found)
                raise Objection(f"the result of step {row.name!r} doesn't fit:\n{wrong}", row.result_at)


def result_matches(schema: Any, *, step: str | None = None) -> Invariant:
    """The step's result fits the JSON Schema ``schema`` if the step is complete.

    Without ``step``: the result of each step that no other waits for. Raises TaskerTestkitError if it isn't a schema.
    """
    problem = schema_problem(schema)
    if problem is not None:
        raise TaskerTestkitError(f"result_matches: {problem}")
    return Invariant(f"result_matches({'' if step is None else repr(step)})", "run", _ResultMatches(schema, step))


def _last(rows: Iterable[StepRow]) -> list[StepRow]:
    return [row for row in rows if not row.children]


def _row(run: Lived, name: str) -> StepRow | None:
    """The step's row, None if it was never created. Raises RunError for a name that the workflow doesn't have."""
    known = run.engine.template.step_names
    if name not in known and name not in run.engine.ledger.by_name:
        raise RunError(f"There is no step {name!r}.{near(name, known)} Steps of the template:\n{listed(known)}")
    return run.engine.ledger.by_name.get(name)
