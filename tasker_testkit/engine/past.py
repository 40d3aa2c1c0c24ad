"""A run that is over, as rows again: what the handlers of its attempts were called with, out of its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final

from tasker_testkit.engine.batches import batch_growth, batches
from tasker_testkit.engine.calls import Call, ancestors
from tasker_testkit.engine.clock import Agenda
from tasker_testkit.engine.decisions import decision_growth, requested
from tasker_testkit.engine.growth import NOTHING, Blueprint, Edge, Growth, GrowthError, NewStep, plain
from tasker_testkit.engine.history import AttemptHistory, History, StepHistory
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.rows import Attempt, StepRow
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.outcome import Checkpoint, Outcome, success
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.states import STEP_SATISFIED

PROGRESS: Final = ("cursor", "items_processed", "accumulated_results")
"""What a checkpoint says of the progress."""


class Past:
    """The rows of a history's steps, all with what came of them in the end.

    ``definitions``: the template step of each of the history's steps. ``seed`` and ``later`` (microseconds): make other
    identifiers than the run's own, and move all of it in time. ``unknown``: steps that can't be called as they were,
    and why. ``whole``: the history has every edge; else steps without parents have those that the template leads to.
    """

    def __init__(
        self,
        history: History,
        blueprint: Blueprint,
        profile: Profile,
        definitions: Mapping[str, str],
        *,
        whole: bool = True,
        seed: int | None = None,
        later: int = 0,
    ) -> None:
        start = history.start + timedelta(microseconds=later)
        self.ledger = Ledger(Agenda(), history.seed if seed is None else seed, start)
        self.unknown: dict[str, str] = {}
        self._steps = {step.name: step for step in history.steps}
        self._history = history
        self._add_steps(blueprint, profile, definitions, whole=whole)
        for step in history.steps:
            self._end(step)
        for row in self.ledger.steps:
            self._look_for_gaps(row)

    def _add_steps(
        self, blueprint: Blueprint, profile: Profile, definitions: Mapping[str, str], *, whole: bool
    ) -> None:
        grown = _grown(blueprint, self._history, profile)
        new = {one.name: one for growth in grown for one in growth.steps}
        edges = dict.fromkeys(edge for growth in grown for edge in growth.edges)
        for step in self._history.steps:
            definition = blueprint.steps[definitions[step.name]]
            one = new.get(step.name) or NewStep(step.name, step.type, definition, plain(definition).inputs)
            self.ledger.add_step(one).max_attempts = step.max_attempts
            if step.name not in new and step.name != definition.name:
                self.unknown[step.name] = "the result that it was made of isn't recorded, and its cursor was in it"
                edges.update(_declared(step.name, definitions, blueprint))
        known = dict.fromkeys((parent, step.name) for step in self._history.steps for parent in step.parents)
        lacking = {step.name for step in self._history.steps if not (whole or step.parents)}
        for parent, child in (*known, *(edge for edge in edges if edge[1] in lacking)):
            rows = self.ledger.by_name
            if parent in rows and child in rows and not self.ledger.linked((parent, child)):
                self.ledger.add_edge(rows[parent], rows[child])

    def _end(self, step: StepHistory) -> None:
        """What became of the step: its last result, or what an operator gave in its place."""
        row = self.ledger.by_name[step.name]
        ended = [one for one in step.attempts if one.outcome is not None]
        for one in ended:
            if one.outcome is not None and one.outcome.step_uuid:
                self.ledger.identify(step.name, one.outcome.step_uuid)
        given = [one for one in self._history.actions if one.get("step") == step.name and "result" in one]
        row.result = success(given[-1]["result"], by_hand=True) if given else ended[-1].outcome if ended else None
        row.result_at = round(given[-1]["at"] * SECOND) if given else (ended[-1].ended_at or 0) if ended else 0
        row.processed = step.state in STEP_SATISFIED

    def _look_for_gaps(self, row: StepRow) -> None:
        for parent in ancestors(row):
            if self._steps[parent.name].state == "complete" and parent.result is None:
                self.unknown.setdefault(row.name, f"the result of {parent.name!r}, which it had, isn't recorded")

    # -- calls -----------------------------------------------------------------------------------------------------

    @contextmanager
    def call(self, name: str, index: int) -> Iterator[Call]:
        """The call of a step's attempt (by its index); meanwhile the step's row is as it was then."""
        row, attempts = self.ledger.by_name[name], self._steps[name].attempts
        attempt, before = attempts[index], attempts[:index]
        final = row.result, row.result_at
        failed = [one for one in before if one.outcome is not None]
        yielded = [one for one in before if one.checkpoints]
        row.attempts = attempt.number - 1 if before else None
        row.result, row.result_at = (failed[-1].outcome, failed[-1].ended_at or 0) if failed else (None, 0)
        row.checkpoint = yielded[-1].checkpoints[-1][1] if yielded else None
        row.last_attempted_at = _claimed(self._steps[name], before) if before else None
        claimed = _claimed(self._steps[name], attempts[: index + 1])
        later = [one for one in ancestors(row) if one.processed and _settled(self._steps[one.name]) > claimed]
        for one in later:
            one.processed = False
        record = Attempt(attempt.number, attempt.enqueued_at, claimed, ())
        call = Call(row, None, record)
        call.at = record.started_at = began(attempts[: index + 1])
        try:
            yield call
        finally:
            row.result, row.result_at = final
            for one in later:
                one.processed = True

    def following(self, call: Call, progress: Mapping[str, Any], at: int | None) -> Call:
        """The next piece of an attempt that has yielded with this progress, at that instant if it is known."""
        after = call.again()
        kept = {key: progress.get(key) for key in PROGRESS}
        after.checkpoint = {"step_uuid": self.ledger.step_uuid(call.step), **kept}
        after.at = call.at if at is None else at
        return after


def progress_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a yielded checkpoint says of the progress."""
    return {key: getattr(checkpoint, key) for key in PROGRESS}


def is_whole(checkpoint: Mapping[str, Any]) -> bool:
    """Whether all of it is known: of an imported task's it is only its last one."""
    return all(key in checkpoint for key in PROGRESS)


def began(attempts: tuple[AttemptHistory, ...]) -> int:
    """When the last of these attempts began, as far as it is known: else its end, or the latest that is known."""
    for attempt in reversed(attempts):
        instants: tuple[int | None, ...] = (attempt.started_at, attempt.ended_at, attempt.enqueued_at)
        known = [at for at in instants if at is not None]
        if known:
            return known[0]
    return 0


def _claimed(step: StepHistory, attempts: tuple[AttemptHistory, ...]) -> int:
    """When the last of these attempts of the step was claimed; a busy worker calls the handler later."""
    claims = [move.at for move in step.transitions if move.after == "in_progress"]
    if len(claims) == len(step.attempts):
        return claims[len(attempts) - 1]
    called, before = began(attempts), began(attempts[:-1]) if attempts[1:] else -1
    return max((at for at in claims if before < at <= called), default=called)


def _settled(step: StepHistory) -> int:
    """When the step's result was there for others, as far as that is known; as built some don't wait (row 20)."""
    for states in (STEP_SATISFIED, ("enqueued_for_orchestration",)):
        found = [move.at for move in step.transitions if move.after in states]
        if found:
            return found[0]
    return 0


def _grown(blueprint: Blueprint, history: History, profile: Profile) -> list[Growth]:
    """What the task started with, and what each result added to it."""
    first = blueprint.initial(convergence_waits_for_batch=profile.convergence_waits_for_batch)
    return [first, *(_growth(blueprint, step, profile) for step in history.steps if step.attempts)]


def _growth(blueprint: Blueprint, step: StepHistory, profile: Profile) -> Growth:
    outcome: Outcome | None = step.attempts[-1].outcome
    definition = blueprint.steps.get(step.name)
    if definition is None or outcome is None or not outcome.success:
        return NOTHING
    with suppress(GrowthError):
        if definition.type == "decision":
            names, limit = requested(outcome.result), profile.max_requested_steps
            return decision_growth(blueprint, step.name, names, (), _nothing_linked, limit)
        batch = batches(outcome.result) if definition.type == "batchable" else None
        if batch is not None:
            return batch_growth(blueprint, step.name, batch, (), _nothing_linked)
    return NOTHING


def _nothing_linked(edge: Edge) -> bool:
    return False


def _declared(name: str, definitions: Mapping[str, str], blueprint: Blueprint) -> dict[Edge, None]:
    """The edges of a batch worker as its template declares them."""
    own = definitions[name]
    above = [(one, name) for one, definition in definitions.items() if definition in blueprint.dependencies[own]]
    below = [(name, one) for one, definition in definitions.items() if definition in blueprint.children[own]]
    return dict.fromkeys(above + below)
