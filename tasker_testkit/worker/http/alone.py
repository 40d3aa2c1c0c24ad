"""The requests of a handler that is called by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tasker_testkit.errors import UnansweredRequest
from tasker_testkit.model.fault_kinds import Fault
from tasker_testkit.model.outcome import Ending, Outcome, Silence, failure
from tasker_testkit.model.requests import UNANSWERED, HttpCall
from tasker_testkit.worker.http.gate import plug
from tasker_testkit.worker.http.line import Line, NeverAnswered
from tasker_testkit.worker.http.routes import Routes
from tasker_testkit.worker.watchdog import Ticket


class Clock(Protocol):
    """What is needed of the world."""

    elapsed_us: int

    def pause(self, microseconds: int) -> None:
        """Let virtual time pass for the thread that asks, or take some back."""


class Alone:
    """The desk of one attempt without a run."""

    timed = True

    def __init__(self, ticket: Ticket, clock: Clock, routes: Routes) -> None:
        self._ticket = ticket
        self._clock = clock
        self._line = Line(self, routes)

    def ending(self, run: Callable[[], Ending]) -> Ending:
        """How the attempt ends that is ``run`` now: by itself, unless a request had no answer."""
        outer = plug(self._line)
        try:
            ending = run()
        except (UnansweredRequest, NeverAnswered):
            ending = Silence("hangs", self.now())
        finally:
            plug(outer)
        return judged(self._line, ending)

    def who(self) -> Ticket:
        """Step and attempt of the context."""
        return self._ticket

    def now(self) -> int:
        """Virtual microseconds since the call."""
        return self._clock.elapsed_us

    def advance(self, microseconds: int) -> None:
        """Let virtual time pass, or take some back."""
        self._clock.pause(microseconds)

    def keep(self, call: HttpCall) -> None:
        """Nobody asks for it: the router has the requests themselves."""

    def struck(self, fault: Fault) -> None:
        """There are no faults here."""


def judged(line: Line, ending: Ending) -> Ending:
    """The ending, or the failure of an attempt in which nothing answered a request."""
    refused = line.take_refusal()
    return ending if refused is None else unanswered(refused, ending.took_us)


def unanswered(error: UnansweredRequest, took_us: int) -> Outcome:
    """How an attempt ends in which nothing answered a request."""
    return failure(str(error), UNANSWERED, retryable=False, took_us=took_us)
