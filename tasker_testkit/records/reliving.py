"""The attempts of a run that is over, once more: today's handlers are given what those of then were given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from tasker_testkit.engine.calls import Call, within_timeout
from tasker_testkit.engine.history import AttemptHistory, History
from tasker_testkit.engine.past import Past, is_whole, progress_of
from tasker_testkit.errors import HandlerHangs
from tasker_testkit.invoking import Backing, Invoker
from tasker_testkit.model.dispatch import Dispatch, TaskFacts
from tasker_testkit.model.outcome import Checkpoint, Ending, Outcome, Silence
from tasker_testkit.model.placeholders import placeholders_in
from tasker_testkit.model.plain import Frozen, frozen
from tasker_testkit.model.watched import watched
from tasker_testkit.records.answering import answers_of
from tasker_testkit.simulation import Simulation
from tasker_testkit.worker.http.routes import Routes

Ticket = tuple[str, int]
"""A step and the index of one of its attempts."""

_SILENT: Final[Mapping[str, str]] = {
    "no_completion": "it returns something that is no result, and Tasker waits for one in vain",
    "unstorable": "its result holds a NUL character, which Tasker's database can't store",
    "thread_died": "it raises SystemExit or its like, which ends the worker's thread",
    "hangs": "it never returns",
}


@dataclass(frozen=True)
class Relived:
    """What an attempt comes to today: its ``outcome``, None if there is none, which ``silence`` gives the reason for.

    ``checkpoints``: the progress that it yielded on its way; ``read``: places of placeholders that its handler read.
    """

    outcome: Outcome | None
    silence: str
    checkpoints: tuple[Mapping[str, Any], ...]
    read: tuple[str, ...]


class Reliving:
    """Runs attempts of one history once more.

    ``task``: keywords of TaskFacts. ``open_ended``: a real Tasker's history, of which identifiers are lost; and perhaps
    checkpoints, so that an attempt goes on from those that it yields now.
    """

    def __init__(
        self, history: History, simulation: Simulation, past: Past, task: Mapping[str, Any], *, open_ended: bool
    ) -> None:
        self._steps = {step.name: step for step in history.steps}
        self._simulation = simulation
        self._past = past
        self._open_ended = open_ended
        self._read: list[str] = []
        self._secretive = {
            step.name
            for step in history.steps
            if any(one.outcome and placeholders_in(one.outcome.result) for one in step.attempts)
        }
        self._input = frozen(history.input)
        self._task = task
        wire = simulation.faults.on_the_wire
        self._routed = self._invoker(simulation.behind, wire)
        self._answers = not (wire or simulation.routes.routers)

    def run(self, ticket: Ticket, *, twice: bool = False) -> Relived:
        """What that attempt comes to today; ``twice``: its handler is called a second time, for its doubles' sake."""
        name, index = ticket
        attempt = self._steps[name].attempts[index]
        self._read.clear()
        invoke = self._invoker_of(attempt)
        with self._past.call(name, index) as call:
            try:
                ending, checkpoints = self._pieces(invoke, call, attempt)
                if twice:
                    invoke(call.again(echo=True))
            except HandlerHangs as error:
                return Relived(None, str(error), (), tuple(dict.fromkeys(self._read)))
        outcome = ending if isinstance(ending, Outcome) else None
        silence = "" if outcome else _why(ending)
        return Relived(outcome, silence, checkpoints, tuple(dict.fromkeys(self._read)))

    def _pieces(
        self, invoke: Callable[[Call], Ending], call: Call, attempt: AttemptHistory
    ) -> tuple[Ending, tuple[Mapping[str, Any], ...]]:
        """How the attempt ends, over all its checkpoints; each next piece begins where the one of then did."""
        yielded: list[Mapping[str, Any]] = []
        known = () if self._open_ended and not attempt.checkpoints else attempt.checkpoints
        most = self._simulation.profile.max_checkpoints if self._open_ended else len(attempt.checkpoints)
        while True:
            ending = self._ended(invoke, call)
            if not isinstance(ending, Checkpoint):
                return ending, tuple(yielded)
            yielded.append(progress_of(ending))
            if len(yielded) > most:
                return ending, tuple(yielded)
            at, left = known[len(yielded) - 1] if len(yielded) <= len(known) else (None, yielded[-1])
            call = self._past.following(call, left if is_whole(left) else yielded[-1], at)

    def _ended(self, invoke: Callable[[Call], Ending], call: Call) -> Ending:
        ending = invoke(call)
        limited = call.step.template.timeout_seconds is not None and self._simulation.profile.honours_timeout
        return within_timeout(call, ending) if limited else ending

    def _invoker_of(self, attempt: AttemptHistory) -> Invoker:
        """With the answers of then, if neither routes nor faults say them."""
        answers = answers_of(attempt.requests) if self._answers else []
        if not answers:
            return self._routed
        return self._invoker(replace(self._simulation.behind, routes=Routes(answers)), ())

    def _invoker(self, behind: Backing, wire: Sequence[Any]) -> Invoker:
        return _Telling(self._changed, behind, self._past.ledger, self._facts, wire)

    def _changed(self, made: Dispatch) -> Dispatch:
        """The same, with results that tell where they are read, and with names of its own if those of then are lost."""
        results = {name: partial(self._result, name, stored) for name, stored in made.dependency_results.items()}
        made = made._replace(dependency_results=results)
        if not self._open_ended:
            return made
        event, correlation = (self._past.ledger.uuid(one) for one in (made.event_id, made.correlation_id))
        return made._replace(event_id=event, correlation_id=correlation)

    def _result(self, name: str, stored: Frozen) -> Any:
        whole = stored()
        return {**whole, "result": self._told(name, lambda: whole["result"])()}

    def _facts(self, uuid: str) -> TaskFacts:
        made = {"context": self._told("input", self._input)}
        return TaskFacts(
            uuid, self._simulation.template, self._input(), self._past.ledger.start, made=made, **self._task
        )

    def _told(self, place: str, value: Frozen) -> Frozen:
        """Copies of a value that tell where a placeholder in it is read."""
        if place != "input" and place not in self._secretive:
            return value
        where = place if place == "input" else f"{place}'s result"
        return lambda: watched(value(), _hides, self._read.append, where)


class _Telling(Invoker):
    """An invoker whose dispatches are changed on their way."""

    def __init__(self, change: Callable[[Dispatch], Dispatch], *behind: Any) -> None:
        super().__init__(*behind)
        self._change = change

    def dispatch(self, call: Call) -> Dispatch:
        """The call's facts, changed."""
        return self._change(super().dispatch(call))


def _hides(text: str) -> bool:
    return bool(placeholders_in(text))


def _why(ending: Ending) -> str:
    if isinstance(ending, Checkpoint):
        return f"it yields another checkpoint, with cursor {ending.cursor!r:.80}, and doesn't end"
    return _SILENT.get(ending.why, ending.why) if isinstance(ending, Silence) else ""


def in_order(history: History, past: Past) -> Iterable[Ticket]:
    """The attempts in the order in which they began."""
    begins: list[tuple[int, int, int, str]] = []
    for place, step in enumerate(history.steps):
        for index in range(len(step.attempts)):
            with past.call(step.name, index) as call:
                begins.append((call.at, place, index, step.name))
    return [(name, index) for _, _, index, name in sorted(begins)]
