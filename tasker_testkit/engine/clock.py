"""The simulated clock: an agenda of what happens when. Nothing else in the engine knows what time it is."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Any, Final

from tasker_testkit.errors import IllegalTransition

RESULT: Final = 0
"""Lane of what a handler, or the lack of one, brings about: an ending and everything the orchestrator makes of it."""
CLAIM: Final = 1
"""Lane of messages that a worker may claim."""
START: Final = 2
"""Lane of handlers about to be called."""


class Agenda:
    """What is to happen, by (instant, lane, order of booking). Instants are microseconds after the run's start.

    At one instant results come before claims and claims before handlers, each first in, first out; so a result is
    handled, and what it made ready is claimed, before the next handler starts (lifecycle, ties). ``lanes`` are those
    of this instant; what is booked for now may be appended to its lane directly.
    """

    __slots__ = ("_booked", "_later", "claims", "lanes", "now", "results", "starts")

    def __init__(self) -> None:
        self.now = 0
        self.results: deque[Any] = deque()
        self.claims: deque[Any] = deque()
        self.starts: deque[Any] = deque()
        self.lanes = (self.results, self.claims, self.starts)
        self._booked = 0
        self._later: list[tuple[int, int, int, Any]] = []

    def put(self, at: int, lane: int, entry: Any) -> None:
        """Book an entry of a lane for an instant that isn't past."""
        if at > self.now:
            self._booked += 1
            heappush(self._later, (at, lane, self._booked, entry))
        elif at == self.now:
            self.lanes[lane].append(entry)
        else:
            raise IllegalTransition(f"booked {self.now - at} us in the past")

    def pop(self) -> tuple[int, Any] | None:
        """What comes next at this instant, with its lane; None when nothing can run any more."""
        for lane, entries in enumerate(self.lanes):
            if entries:
                return lane, entries.popleft()
        return None

    def next_instant(self) -> int | None:
        """The earliest later instant that has anything booked, or None."""
        return self._later[0][0] if self._later else None

    def move_to(self, instant: int) -> None:
        """Move the clock. It moves only when nothing can run, and never back."""
        if instant < self.now or self.results or self.claims or self.starts:
            raise IllegalTransition(f"the clock can't move from {self.now} to {instant} us: something can still run")
        self.now = instant
        later = self._later
        while later and later[0][0] == instant:
            _, lane, _, entry = heappop(later)
            self.lanes[lane].append(entry)


def first_tick(at: int, phase: int, interval: int) -> int:
    """The first instant of the grid ``phase, phase + interval, ...`` that isn't before ``at``."""
    return phase + max(0, -((phase - at) // interval)) * interval
