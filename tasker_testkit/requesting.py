"""The HTTP requests of a run: whose they are, when they happen, and what becomes of one that nothing answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from tasker_testkit.engine.calls import Call
from tasker_testkit.engine.rows import Wire
from tasker_testkit.errors import RunError, UnansweredRequest
from tasker_testkit.model.faults import Fault
from tasker_testkit.model.outcome import Ending, Silence
from tasker_testkit.model.requests import HttpCall
from tasker_testkit.model.systems import Systems
from tasker_testkit.worker.http.alone import judged
from tasker_testkit.worker.http.gate import plug
from tasker_testkit.worker.http.line import Line, NeverAnswered
from tasker_testkit.worker.http.routes import Routes
from tasker_testkit.worker.walltime import World
from tasker_testkit.worker.watchdog import Ticket

T = TypeVar("T")

_WAITS: Final = "a subscriber waits for an answer that is never given, and its client has no timeout. Give it one."


class Switchboard:
    """Connects the handlers of one run with the routes; it is the desk of their line."""

    def __init__(self, world: World, routes: Routes, faults: Sequence[Fault], systems: Systems) -> None:
        self.timed = True
        self._world = world
        self._line = Line(self, routes, faults, systems)
        self._call: Call
        self._base = 0

    def connected(self, call: Call, at: int, run: Callable[[], T]) -> T:
        """``run()`` in the frozen world, from ``at`` (microseconds) on; its requests are those of ``call``.

        Raises UnansweredRequest if one of them had no answer.
        """
        outer = plug(self._line)
        self._call, self._base, self.timed = call, at, True
        try:
            return run()
        except NeverAnswered:
            raise RunError(f"What step {call.name!r} published is never dealt with: {_WAITS}") from None
        finally:
            plug(outer)
            refused = self._line.take_refusal()
            if refused is not None:
                raise refused

    def ending(self, call: Call, timed: bool, run: Callable[[Call], Ending]) -> Ending:
        """How an attempt ends that is ``run`` now: by itself, unless a request had no answer.

        ``timed``: it runs in the frozen world.
        """
        outer = plug(self._line)
        self._call, self._base, self.timed = call, call.at, timed
        try:
            ending = run(call)
        except (UnansweredRequest, NeverAnswered):
            ending = Silence("hangs", self.now() - call.at)
        finally:
            plug(outer)
        return judged(self._line, ending)

    # -- the desk ----------------------------------------------------------------------------------------------------

    def who(self) -> Ticket:
        """The step and the attempt at work."""
        return self._call.name, self._call.attempt

    def now(self) -> int:
        """Virtual microseconds since the submission; a stub stands still."""
        return self._base + (self._world.elapsed_us if self.timed else 0)

    def advance(self, microseconds: int) -> None:
        """Let virtual time pass, or take some back."""
        self._world.pause(microseconds)

    def keep(self, call: HttpCall) -> None:
        """Write the request down with its attempt."""
        self._wire().requests += (call,)

    def struck(self, fault: Fault) -> None:
        """Write down that the fault fired in this attempt."""
        wire = self._wire()
        if not any(fault is one for one in wire.struck):
            wire.struck += (fault,)

    def _wire(self) -> Wire:
        record = self._call.record
        record.wire = record.wire or Wire()
        return record.wire
