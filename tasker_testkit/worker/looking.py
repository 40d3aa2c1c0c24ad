"""Looking at threads from outside: whether all of them wait, so that time can jump."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import FrameType
from typing import Any, Final, NamedTuple

from tasker_testkit.worker.bystanders import sleeps_for_real

OWN_LOOKS: Final = 250
"""For how many looks a handler's thread must stand at one place to count as waiting."""
OTHERS_LOOKS: Final = 50
"""And any other thread; what it stood there before counts too."""

OURS: Final[set[int]] = set()
"""Threads of this package: they never make anything happen in virtual time."""

_handed_over: Final[dict[Future[Any], Any]] = {}
_one_at_a_time: Final = threading.Lock()
_others_seen: Final[dict[int, tuple[Any, int]]] = {}


class Wait(NamedTuple):
    """That a thread waits: until an instant (None: without end), and as long as ``pending``."""

    deadline: int | None
    pending: Callable[[], bool]


class Quiet:
    """Whether all other threads wait, by several looks at them."""

    def __init__(self, waits: Mapping[int, Wait]) -> None:
        self._known = waits
        self._seen: dict[int, tuple[Any, int]] = {}
        self._looks = 0

    def now(self, now_us: int) -> bool:
        """True at the second look, at the earliest, that finds everybody waiting."""
        others = {one.ident for one in threading.enumerate() if sleeps_for_real(one)}
        frames, me = all_frames(), threading.get_ident()
        seen = [self._waits(*one, others, now_us) for one in frames.items() if one[0] != me and one[0] not in OURS]
        quiet = all(seen) and not is_work_taken()
        self._looks = self._looks + 1 if quiet else 0
        return self._looks >= 2

    def _waits(self, ident: int, frame: FrameType, others: set[int | None], now_us: int) -> bool:
        known = self._known.get(ident)
        if known is not None:
            return known.pending() and (known.deadline is None or known.deadline > now_us)
        if ident in others:
            return _stands(_others_seen, ident, frame) >= OTHERS_LOOKS
        return is_idle(frame) or _stands(self._seen, ident, frame) >= OWN_LOOKS


def all_frames() -> dict[int, FrameType]:
    """Where every thread is at this moment, by its identity.

    CPython 3.11 blocks for good when it collects garbage that holds a ``threading.local`` in the middle of it, so
    nothing is collected meanwhile.
    """
    with _one_at_a_time:
        collects = gc.isenabled()
        try:
            gc.disable()
            return sys._current_frames()
        finally:
            if collects:
                gc.enable()


def _stands(seen: dict[int, tuple[Any, int]], ident: int, frame: FrameType) -> int:
    """How many looks in a row have found the thread at this place."""
    place, (before, looks) = (id(frame), frame.f_lasti), seen.get(ident, (None, 0))
    looks = looks + 1 if place == before else 0
    seen[ident] = place, looks
    return looks


def is_idle(frame: FrameType) -> bool:
    """Whether a pool's thread waits there for work."""
    waiting = frame.f_locals.get("work_queue") if frame.f_code is _pools_code() else None
    return waiting is not None and waiting.empty()


def hand_over(future: Future[Any], work_queue: Any) -> None:
    """A pool has put work into its queue."""
    _handed_over[future] = work_queue


def is_work_taken() -> bool:
    """Whether some pool's work has left its queue without having begun: its thread looks idle, and isn't."""
    for future in list(_handed_over):
        if future.running() or future.done():
            _handed_over.pop(future, None)
    return any(work_queue.empty() for work_queue in list(_handed_over.values()))


def _pools_code() -> Any:
    """The code of a pool's threads, if pools are imported."""
    pools = sys.modules.get("concurrent.futures.thread")
    return None if pools is None else pools._worker.__code__
