"""Would yesterday's run still pass with today's code? Each attempt of a history against today's handlers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.checking import call_setup
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.engine.history import AttemptHistory, History, StepHistory, written
from tasker_testkit.engine.past import PROGRESS, Past, is_whole
from tasker_testkit.errors import HistoryError
from tasker_testkit.model.faults import as_plan
from tasker_testkit.model.outcome import Outcome, failure
from tasker_testkit.model.verdicts import AttemptVerdict, Verdicts
from tasker_testkit.recording import without_secrets
from tasker_testkit.records.reliving import Relived, Reliving, Ticket, in_order
from tasker_testkit.records.todays import Today, today_of
from tasker_testkit.replay.files import load_history
from tasker_testkit.replay.levels import compared
from tasker_testkit.replay.verdicts import ending_of, handlers_part, verdict_on
from tasker_testkit.report.cells import ASCII, UNICODE, Line, Signs, joined
from tasker_testkit.report.verdicts import verdicts_layout

if TYPE_CHECKING:
    from tasker_testkit.run import Run

FORMAT: Final = "tasker-testkit/recheck"
VERSION: Final = 1
_LATER: Final = 61_234_567
"""So many microseconds later is the second look: seconds and minutes are others then, the day is mostly the same."""
_OTHER_SEED: Final = 1
_OWN: Final = frozenset(("http", "outage", "delay"))
"""Faults after which a result is its handler's own all the same."""
_UNCALLED: Final = frozenset(("fail", "raise"))
"""Faults that stand for the handler."""


@dataclass(frozen=True)
class HistoryCheck(Verdicts):
    """What today's handlers come to for a known run, for asserts and for people: ``print(check)`` shows it.

    ``same`` is true if every attempt that was run comes to what it came to then.
    """

    def layout(self, *, width: int, signs: Signs) -> list[list[Line]]:
        """The lines of the text with their tones."""
        return verdicts_layout(self, width=width, signs=signs)

    def text(self, *, width: int = 100, unicode: bool = True) -> str:
        """The verdicts for people, at most ``width`` columns wide (at least 60)."""
        parts = self.layout(width=width, signs=UNICODE if unicode else ASCII)
        return "\n\n".join("\n".join(map(joined, part)) for part in parts)

    def __str__(self) -> str:
        return self.text()

    def to_data(self) -> dict[str, Any]:
        """The verdicts as plain JSON (``format: tasker-testkit/recheck``)."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {"format": FORMAT, "version": VERSION, "same": self.same, **data}


def check_against(
    history: Run | History | str | Path,
    handlers: Any = None,
    *,
    template: Any = None,
    level: str = "exact",
    ignore: Sequence[str] = (),
    routes: Any = None,
    setup: Any = None,
    environment: str | None = None,
) -> HistoryCheck:
    """Run today's handlers on what a run's handlers were given, attempt by attempt, and compare what comes out.

    ``history``: a Run, a History or a file, of ``run.save`` or of ``tasker-testkit import``. Each attempt has the
    recorded input, results of its ancestors, retries and checkpoints, at its recorded instant; what it comes to today
    goes nowhere else. ``template``, ``handlers``, ``routes``, ``setup`` and ``environment`` are as in ``Simulation``; a
    history of ``run.save`` knows its own. ``level`` and ``ignore`` are as in docs/recordings.md.

    Of an imported task neither identifiers nor chance nor the clock to the microsecond are known. So each attempt runs
    twice, differently in these; where today's own two results differ, only the type is compared.

    Raises HistoryError for a file that is no history or without results, for one of another template, and for an
    unknown level or pattern; TemplateError, HandlerError and RouteError for what can't be used.
    """
    compared({}, level=level, ignore=ignore)  # says what is wrong with them before anything runs
    past, name, folder = _loaded(history)
    settings = {"routes": routes, "setup": setup, "environment": environment}
    today = today_of(past, name, folder, handlers=handlers, template=template, **settings)
    looks = [_look(today)] if today.exact else [_look(today), _look(today, seed=today.history.seed + _OTHER_SEED)]
    return HistoryCheck(
        template=dict(past.template),
        profile=past.profile,
        start=written(past.start),
        attempts=tuple(_verdicts(today, looks, level, ignore)),
        never_ran=tuple(step.name for step in past.steps if not step.attempts),
        notes=(*today.notes, *(_unmet(today) if routes is not None else ())),
    )


def _unmet(today: Today) -> Iterator[str]:
    """A sentence on each route that no request met."""
    return (f"No request met the route {one}." for one in today.simulation.routes.unused())


def _loaded(history: Any) -> tuple[History, str, Path]:
    """The history, what messages call it, and the folder of its paths."""
    if isinstance(history, (str, Path)):
        return load_history(history), str(history), Path(history).parent
    found = getattr(history, "history", history)
    if not isinstance(found, History):
        raise HistoryError(f"{history!r:.80} is no history: give a run, a History or the path of a history file.")
    return found, "The history", Path.cwd()


# -- running -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Look:
    """All attempts, run once: in their order, with what they came to, or the reason why they weren't run."""

    order: Sequence[Ticket]
    reasons: Mapping[Ticket, str]
    relived: Mapping[Ticket, Relived]


def _look(today: Today, *, seed: int | None = None) -> _Look:
    """Run every attempt that can be run."""
    history, simulation = today.history, today.simulation
    later = 0 if seed is None else _LATER
    blueprint = Blueprint(simulation.template)
    known = (history, blueprint, simulation.profile, today.definitions)
    past = Past(*known, whole=today.exact, seed=seed, later=later)
    order = list(in_order(history, past))
    reasons: dict[Ticket, str] = {}
    relived: dict[Ticket, Relived] = {}
    reliving = Reliving(history, simulation, past, today.task, open_ended=not today.exact)
    with simulation.kept_frozen() as world:
        world.move_to(past.ledger.start)
        if simulation.setup is not None:
            call_setup(simulation.setup)
        simulation.routes.rewind()
        for ticket in order:
            step = today.steps[ticket[0]]
            attempt = step.attempts[ticket[1]]
            why = _why_not(today, step, ticket[1]) or past.unknown.get(step.name, "")
            if why:
                reasons[ticket] = why
            if not why or _was_called(today, step, attempt):
                relived[ticket] = reliving.run(ticket, twice="duplicate" in _kinds(attempt))
    return _Look(order, reasons, relived)


def _kinds(attempt: AttemptHistory) -> set[str]:
    return {fault.kind for fault in as_plan(attempt.faults)}


def _why_not(today: Today, step: StepHistory, index: int) -> str:
    """Why there is nothing to compare an attempt with, or no way to run it; empty if neither is so."""
    attempt = step.attempts[index]
    planned = [fault for fault in as_plan(attempt.faults) if fault.kind not in _OWN]
    outcome = attempt.outcome
    if today.stubbed(step.name):
        return "a stub stood for its handler"
    if "duplicate" in _kinds(attempt):
        return "it was delivered twice, and whose result counted isn't recorded"
    if planned:
        return f"a fault ended it, not its handler: {planned[0].kind}"
    if outcome is None:
        return "no result of its handler is recorded"
    if outcome.by_hand:
        return "an operator gave its result"
    if outcome.worker_made or (outcome.error_type == "timeout" and "delay" in _kinds(attempt)):
        return f"Tasker made its result, not its handler: {outcome.error_type}"
    return "" if today.exact or not index else _lost_checkpoint(today, step, index)


def _lost_checkpoint(today: Today, step: StepHistory, index: int) -> str:
    """Why it isn't known where an imported task's retry went on; empty if it is."""
    left = [one.checkpoints[-1][1] for one in step.attempts[:index] if one.checkpoints]
    if not left and today.is_worker(step) and step.attempts[index].enqueued_at is None:  # REST, which shows neither
        return "whether an earlier attempt left a checkpoint isn't recorded"
    if left and not is_whole(left[-1]):
        return "of the checkpoint that an earlier attempt left only the cursor is recorded"
    return ""


def _was_called(today: Today, step: StepHistory, attempt: AttemptHistory) -> bool:
    """Was the handler called although its result isn't compared? Then its doubles are to see that again."""
    before = any(fault.kind == "crash" and fault.when == "before" for fault in as_plan(attempt.faults))
    called = attempt.started_at is not None and bool(attempt.faults) and not today.stubbed(step.name)
    return called and not before and not _kinds(attempt) & _UNCALLED


# -- comparing ---------------------------------------------------------------------------------------------------------


def _verdicts(today: Today, looks: Sequence[_Look], level: str, ignore: Sequence[str]) -> list[AttemptVerdict]:
    first = looks[0]
    parts = [_parts(today, None), *(_parts(today, look) for look in (looks[0], looks[-1]))]
    sides = [compared(data, level=level, ignore=ignore)["steps"] for data in parts]
    named = [{step["name"]: step["attempts"] for step in data["steps"]} for data in parts[:2]]
    found = []
    for name, index in first.order:
        number = today.steps[name].attempts[index].number
        if (name, index) in first.reasons:
            found.append(AttemptVerdict(name, number, "not run", why=first.reasons[name, index]))
            continue
        endings = tuple(ending_of(attempts[name][index]["stored"]) for attempts in named)
        read = first.relived[name, index].read
        there = [_at(steps, name, index) for steps in sides]
        found.append(verdict_on(name, number, there, (endings[0], endings[1]), read))
    return found


def _at(steps: Mapping[str, Any], name: str, index: int) -> Any:
    """That attempt, None if it isn't compared at all."""
    attempts = (steps.get(name) or {}).get("attempts")
    return attempts[index] if attempts else None


def _parts(today: Today, look: _Look | None) -> dict[str, Any]:
    """The history's data with the handlers' part of every result: of then, or of a look. Without secrets."""
    data = {key: value for key, value in today.history.to_data().items() if key not in ("recipe", "digest")}
    known = {} if look is None else {ticket: one for ticket, one in look.relived.items() if ticket not in look.reasons}
    for step in data["steps"]:
        for index, attempt in enumerate(step["attempts"]):
            _put(attempt, known.get((step["name"], index)), compare_checkpoints=today.exact)
    plain: dict[str, Any] = json.loads(json.dumps(without_secrets(data)))
    return plain


def _put(attempt: dict[str, Any], relived: Relived | None, *, compare_checkpoints: bool) -> None:
    """Reduce an attempt's data to what is compared, as it came out today if it did."""
    stored = attempt["stored"]
    if relived is not None:
        stored = _outcome(relived).stored
    attempt["stored"] = None if stored is None else handlers_part(stored)
    yielded = attempt.get("checkpoints", []) if relived is None else relived.checkpoints
    attempt["checkpoints"] = [{key: one.get(key) for key in PROGRESS} for one in yielded] if compare_checkpoints else []


def _outcome(relived: Relived) -> Outcome:
    return relived.outcome or failure(relived.silence, "no result", retryable=False)
