"""The simulated clock: an agenda of what happens when. Nothing else in the engine knows what time it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

from tasker_testkit.errors import IllegalTransition

Action = Callable[[Any], Any]

RESULT: Final = 0
"""Lane of what a handler, or the lack of one, brings about: an ending and everything the orchestrator makes of it."""
CLAIM: Final = 1
"""Lane of messages that a worker may claim."""
START: Final = 2
"""Lane of handlers about to be called."""
_LANES: Final = 3


class Agenda:
    """What is to happen, by (instant, lane, order of booking). Instants are microseconds after the run's start.

    At one instant results come before claims and claims before handlers, each first in, first out; so a result is
    handled, and what it made ready is claimed, before the next handler starts (lifecycle, ties).
    """

    __slots__ = ("_booked", "_lanes", "_later", "now")

    def __init__(self) -> None:
        self.now = 0
        self._booked = 0
        self._lanes: tuple[deque[tuple[Action, Any]], ...] = tuple(deque() for _ in range(_LANES))
        self._later: list[tuple[int, int, int, Action, Any]] = []

    def put(self, at: int, lane: int, action: Action, argument: Any) -> None:
        """Book ``action(argument)`` for an instant that isn't past."""
        if at > self.now:
            self._booked += 1
            heappush(self._later, (at, lane, self._booked, action, argument))
        elif at == self.now:
            self._lanes[lane].append((action, argument))
        else:
            raise IllegalTransition(f"booked {self.now - at} us in the past")

    def pop(self) -> tuple[Action, Any] | None:
        """What comes next at this instant, or None when nothing can run any more."""
        results, claims, starts = self._lanes
        lane = results or claims or starts
        return lane.popleft() if lane else None

    def next_instant(self) -> int | None:
        """The earliest later instant that has anything booked, or None."""
        return self._later[0][0] if self._later else None

    def move_to(self, instant: int) -> None:
        """Move the clock. It moves only when nothing can run, and never back."""
        if instant < self.now or any(self._lanes):
            raise IllegalTransition(f"the clock can't move from {self.now} to {instant} us: something can still run")
        self.now = instant
        later = self._later
        while later and later[0][0] == instant:
            _, lane, _, action, argument = heappop(later)
            self._lanes[lane].append((action, argument))


def first_tick(at: int, phase: int, interval: int) -> int:
    """The first instant of the grid ``phase, phase + interval, ...`` that isn't before ``at``."""
    return phase + max(0, -((phase - at) // interval)) * interval
