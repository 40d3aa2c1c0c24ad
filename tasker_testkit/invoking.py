"""From a call of the engine to its ending: faults, stubs, durations, and the real handler behind the worker's door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Final

from tasker_testkit.engine.calls import Call
from tasker_testkit.engine.events import Book, Delivery, Occasion, straight
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.errors import FaultError, StubError
from tasker_testkit.model.dispatch import Dispatch, TaskFacts
from tasker_testkit.model.effects import Effect
from tasker_testkit.model.faults import Fault, corrupted
from tasker_testkit.model.outcome import Checkpoint, Ending, Outcome, Silence, delayed
from tasker_testkit.model.plain import Frozen, frozen, frozen_in_parts
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.systems import Systems
from tasker_testkit.requesting import Switchboard
from tasker_testkit.stubs import Prepared, Stubs, crossed, duration, entry_for, has_function
from tasker_testkit.worker.calling import perform, watched
from tasker_testkit.worker.contexts import context_of
from tasker_testkit.worker.effects import listen
from tasker_testkit.worker.endings import raised
from tasker_testkit.worker.handlers import HandlerSet
from tasker_testkit.worker.http.routes import Routes
from tasker_testkit.worker.injecting import error_classes, raised_in
from tasker_testkit.worker.publishing import News, Outlets
from tasker_testkit.worker.walltime import World


@dataclass(frozen=True, slots=True)
class Backing:
    """What stands behind the steps of a workflow, for all its runs under one profile."""

    profile: Profile
    handlers: HandlerSet
    stubs: Stubs
    durations: Mapping[str, Any]
    world: World
    routes: Routes
    systems: Systems


class Invoker:
    """Calls what stands behind a step, for one run of a simulation; ``wire`` are its faults that strike requests.

    ``facts`` makes the task's facts of its UUID, once a handler wants to see them.
    """

    def __init__(
        self, behind: Backing, ledger: Ledger, facts: Callable[[str], TaskFacts], wire: Sequence[Fault] = ()
    ) -> None:
        self._behind = behind
        self._ledger = ledger
        self._facts = facts
        self._wire = wire
        self._results: dict[int, tuple[Outcome, int, Frozen]] = {}
        self._at_work: Call

    @cached_property
    def _task(self) -> TaskFacts:
        return self._facts(self._ledger.uuid("task"))

    @cached_property
    def _outlets(self) -> Outlets:
        behind = self._behind
        return Outlets(behind.handlers.events, behind.profile, behind.world)

    @cached_property
    def _switchboard(self) -> Switchboard:
        behind = self._behind
        return Switchboard(behind.world, behind.routes, self._wire, behind.systems)

    def __call__(self, call: Call) -> Ending:
        """How this call ends, its planned faults included."""
        if not call.faults:
            return self._lasting(call, self._handled(call))
        faults = {fault.kind: fault for fault in call.faults}
        return _after(faults, self._before(faults, call), call)

    def _before(self, faults: dict[str, Fault], call: Call) -> Ending:
        """What takes the place of the handler, or what the handler itself comes to."""
        crash = faults.get("crash")
        if crash is not None and _PIECE.get(crash.when) == call.piece:
            return Silence("died")
        if "raise" in faults:
            return self._raised(call, faults["raise"])
        if "fail" in faults:
            self._stub(call)
            return crossed(faults["fail"].failure, self._behind.profile)
        return self._lasting(call, self._handled(call))

    def _stub(self, call: Call) -> Prepared | None:
        """The step's stub, if it has one; it counts as used, also where a fault takes its place."""
        step = call.step
        return self._behind.stubs.of(step.name, step.template.name)

    def _handled(self, call: Call) -> Ending:
        stub = self._stub(call)
        if stub is not None and stub.asks_nobody:
            return self._stubbed(stub, call)
        outer, self._at_work = listen(self._book), call
        try:
            return self._switchboard.ending(call, stub is None, self._called)
        finally:
            listen(outer)

    def _book(self, name: str, key: Any, data: Mapping[str, Any]) -> None:
        """Book an effect of the handler, or of the stub, that is at work."""
        call = self._at_work
        at = call.at + (0 if self._stub(call) else self._behind.world.elapsed_us)
        self._note(call, at, name, key, data)

    def _note(self, call: Call, at: int, name: str, key: Any, data: Mapping[str, Any]) -> None:
        ledger = self._ledger
        ledger.book(Effect(name, key, data, call.name, call.attempt, ledger.instant(at)), at)

    def _called(self, call: Call) -> Ending:
        behind, stub = self._behind, self._stub(call)
        if stub is not None:
            return self._answered(stub, call)
        ending = perform(behind.handlers, self.dispatch(call), behind.profile, behind.world)
        self._warn(call)
        return ending

    def _answered(self, stub: Prepared, call: Call) -> Ending:
        """What a stub's function gives: it has the clock and the chance that a handler has, and takes no time."""
        world, dispatch = self._behind.world, self.dispatch(call)
        ticket = (call.name, call.attempt)
        with world:
            world.begin(dispatch.at, ticket, dispatch.event_id)
            return watched(partial(self._stubbed, stub, call), world, ticket, who="the stub")

    def _stubbed(self, stub: Prepared, call: Call) -> Ending:
        try:
            return stub.ending(call.record.number, lambda: self._context(call))
        except StubError as error:
            raise StubError(f"Step {call.name!r}, attempt {call.attempt}: {error}") from None

    def _warn(self, call: Call) -> None:
        """What was odd about the attempt becomes a warning of the history."""
        for text in self._behind.world.take_notes():
            self._ledger.warn(f"step {call.name}, attempt {call.attempt}: {text}")

    def _raised(self, call: Call, fault: Fault) -> Ending:
        """The attempt ends as if the step's handler had raised the fault's exception (row 7)."""
        behind, error = self._behind, fault.make_exception(error_classes())
        if self._stub(call) is None:
            return raised_in(behind.handlers, call.step.template, error, behind.profile)
        return raised(error, behind.profile)

    def _lasting(self, call: Call, ending: Ending) -> Ending:
        """The ending after the step's entry in ``durations``."""
        durations = self._behind.durations
        entry = entry_for(durations, call.name, call.step.template.name) if durations else None
        if entry is None:
            return ending
        try:
            return delayed(ending, self._duration(call, entry[1]))
        except StubError as error:
            raise StubError(f"durations: step {call.name!r}, attempt {call.attempt}: {error}") from error.__cause__

    def _duration(self, call: Call, entry: Any) -> int:
        """Microseconds; a function that says how many sees the clock at the attempt's first instant."""
        random = self._ledger.random("duration", call.name, call.attempt, call.piece)
        lasts = partial(duration, entry, call.attempt, partial(self._context, call), random)
        if not has_function(entry):
            return lasts()
        with self._behind.world as world:
            world.move_to(self._ledger.instant(call.at))
            return lasts()

    def _context(self, call: Call) -> Any:
        return context_of(self.dispatch(call), call.step.template.handler.callable)

    def dispatch(self, call: Call) -> Dispatch:
        """The call's facts, as the worker is handed them."""
        step, ledger = call.step, self._ledger
        backoff, last, results = call.backoff_before, call.last_attempted_before, call.dependency_results.items()
        return Dispatch(
            task=self._task,
            step=step.template,
            name=step.name,
            step_uuid=ledger.step_uuid(step),
            event_id=ledger.dispatch_uuid(step, call.attempt, 2 + 2 * call.piece + call.echo),
            correlation_id=ledger.dispatch_uuid(step, call.attempt, 1),
            at=ledger.instant(call.at),
            attempts=call.attempts_before,
            max_attempts=step.max_attempts,
            retryable=step.retryable,
            inputs=step.inputs,
            results=partial(self._copied, step, call.result_before, step.result_at) if call.result_before else None,
            checkpoint=call.checkpoint,
            last_attempted_at=None if last is None else ledger.instant(last),
            backoff_request_seconds=None if backoff is None else backoff // 1_000_000,
            dependency_results={row.name: self._stored(row, found, row.result_at) for row, found in results},
        )

    def announce(self, occasion: Occasion, book: Book) -> Delivery:
        """Publish a domain event: through the team's own publishers, to their subscribers (row 24).

        Effects that they book are the attempt's.
        """
        if not self._outlets.concerns(occasion.declared):
            return straight(occasion, book)
        at, call, world = self._ledger.instant(occasion.at), occasion.call, self._behind.world
        news = News(occasion.declared, self.dispatch(call), occasion.outcome, at, occasion.event_id, occasion.payload)
        outer = listen(lambda *said: self._note(call, occasion.at + world.elapsed_us, *said))
        try:
            return self._switchboard.connected(call, occasion.at, partial(self._outlets.send, news, book))
        finally:
            listen(outer)
            self._warn(call)

    def _stored(self, row: StepRow, outcome: Outcome, ended: int) -> Frozen:
        """Gives a copy of the result that was stored at that instant, whenever it is called."""
        kept = self._results.get(row.index)
        if kept is None or kept[0] is not outcome or kept[1] != ended:
            ledger = self._ledger
            copies = _stored_copies(outcome, ledger.step_uuid(row), ledger.written(ended))
            kept = self._results[row.index] = (outcome, ended, copies)
        return kept[2]

    def _copied(self, row: StepRow, outcome: Outcome, ended: int) -> dict[str, Any]:
        """A copy of it, for who may never ask for one."""
        copy: dict[str, Any] = self._stored(row, outcome, ended)()
        return copy


def _stored_copies(outcome: Outcome, step_uuid: str, completed_at: str) -> Frozen:
    """Copies of the stored result; of one without metadata of its own, as most are, in a few calls."""
    whole, result = outcome.stored_as(step_uuid, completed_at), frozen_in_parts(outcome.result)
    if outcome.metadata or whole["orchestration_metadata"]:
        return partial(_with_result, frozen({**whole, "result": None}), result)
    return partial(_usual, whole, result)


def _with_result(rest: Frozen, result: Frozen) -> dict[str, Any]:
    made: dict[str, Any] = rest()
    made["result"] = result()
    return made


def _usual(whole: Mapping[str, Any], result: Frozen) -> dict[str, Any]:
    error = whole["error"] and {**whole["error"]}
    metadata = {**whole["metadata"], "custom": {}, "context": {}}
    return {**whole, "result": result(), "error": error, "metadata": metadata}


_PIECE: Final = {"before": 0, "checkpoint": 1}
"""Which piece of an attempt a crash comes before."""


def _after(faults: dict[str, Fault], ending: Ending, call: Call) -> Ending:
    """What the planned faults make of the ending. A piece that yields may hang; all else waits for the result."""
    if "hang" in faults:
        return Silence("hangs", ending.took_us)
    if isinstance(ending, Checkpoint):
        return ending
    if "delay" in faults:
        ending = delayed(ending, faults["delay"].by)
    if "corrupt" in faults:
        ending = _corrupted(faults["corrupt"], ending, call)
    if "crash" in faults and faults["crash"].when == "after" and not isinstance(ending, Silence):
        return Silence("died", ending.took_us)
    if "lose_result" in faults and not isinstance(ending, Silence):
        return Silence("lost", ending.took_us)
    return ending


def _corrupted(fault: Fault, ending: Ending, call: Call) -> Ending:
    if not isinstance(ending, Outcome) or not ending.success:
        raise FaultError(
            f"The fault '{fault}' can't corrupt attempt {call.attempt} of {call.name!r}: it has no successful result."
        )
    return replace(ending, result=corrupted(ending.result, fault.path, fault.value))
