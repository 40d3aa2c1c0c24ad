"""Threads of handlers in virtual time: it jumps only when all of them wait, straight to the next deadline.

A thread waits that sleeps, joins another, or waits for a condition, and with it for an event, a semaphore, a barrier, a
``queue.Queue`` or a future. One that has stood at one place for a while counts as waiting too: it is in a lock, a
socket or a process, which nobody can look into. Daemon threads and bystanders aren't waited for any longer than that.

Of ``threading.Condition`` the names ``_waiters``, ``_is_owned``, ``_release_save`` and ``_acquire_restore`` are used,
of ``ThreadPoolExecutor`` the name ``_work_queue``.
"""

from __future__ import annotations

import os
import queue
import re
import sysconfig
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import CodeType, FrameType
from typing import Any, Final, Protocol

from tasker_testkit.worker.bystanders import sleeps_for_real
from tasker_testkit.worker.looking import Quiet, Wait, all_frames, hand_over, is_idle, is_work_taken

LOOK_S: Final = 0.001
"""Real seconds between two looks at what the other threads do."""
LIBRARIES: Final = tuple({sysconfig.get_path(key) + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib")})
"""Where libraries are: what they leave behind is their own business."""
_SECOND: Final = 1_000_000
_NUMBERED: Final = re.compile(r"^Thread-\d+")

_sleep: Final = time.sleep
_monotonic: Final = time.monotonic
_start: Final = threading.Thread.start
_join: Final = threading.Thread.join
_wait: Final = threading.Condition.wait
_submit: Final = ThreadPoolExecutor.submit


class Clock(Protocol):
    """What waiting needs of the world."""

    @property
    def now_us(self) -> int:
        """The instant, in microseconds."""

    @property
    def busy(self) -> bool:
        """Whether an attempt is under way."""

    def advance(self, microseconds: int) -> None:
        """Let virtual time pass."""

    def note(self, text: str) -> None:
        """Keep what is odd about the attempt."""


_clocks: list[Clock] = []
_crew: list[threading.Thread] = []
_unjoined: list[threading.Thread] = []
_starting: list[threading.Thread] = []
_waits: dict[int, Wait] = {}
_jumping: Final = threading.Lock()


def enter(clock: Clock) -> None:
    """From now on threads wait by that clock."""
    _clocks.append(clock)


def leave(clock: Clock) -> None:
    """From now on they wait by the clock before, or in real time."""
    _clocks.remove(clock)


def methods() -> list[tuple[Any, str, Any, Any]]:
    """Class or module, attribute, real value and ours, where they aren't in place yet."""
    if threading.Thread.start is not _start:
        return []
    return [
        (threading.Thread, "start", _start, _virtual_start),
        (threading.Thread, "join", _join, _virtual_join),
        (threading.Condition, "wait", _wait, _virtual_wait),
        (ThreadPoolExecutor, "submit", _submit, _virtual_submit),
        (threading, "_time", _monotonic, _virtual_monotonic),
        (queue, "time", _monotonic, _virtual_monotonic),
    ]


def alone() -> bool:
    """Whether no thread that a handler has started is alive."""
    if _crew:
        _crew[:] = [one for one in _crew if one.is_alive() or one.ident is None]
    return not _crew


def pause(clock: Clock, microseconds: int) -> None:
    """Sleep; other threads of the handler get on meanwhile."""
    if alone() or microseconds <= 0:
        clock.advance(max(0, microseconds))
    else:
        waited(clock, clock.now_us + microseconds, lambda seconds: _sleep(seconds), lambda: True)


def waited(
    clock: Clock,
    deadline: int | None,
    ready: Callable[[float], Any],
    pending: Callable[[], bool],
    *,
    stuck: bool = False,
) -> bool:
    """Wait until ``ready`` (which is given real seconds to wait) gives something true; False: the deadline came first.

    ``pending`` tells, without waiting, that nothing is ready. With ``stuck``, False too when nobody can get on.
    """
    me, quiet = threading.get_ident(), Quiet(_waits)
    _waits[me] = Wait(deadline, pending)
    try:
        while True:
            if ready(LOOK_S):
                return True
            with _jumping:
                if deadline is not None and clock.now_us >= deadline:
                    return False
                # Whoever made it ready may have done so, and ended, since it was asked.
                if not _starting and quiet.now(clock.now_us) and pending() and _is_next(deadline, clock, stuck):
                    clock.advance(0 if deadline is None else deadline - clock.now_us)
                    return False
    finally:
        del _waits[me]


def _is_next(deadline: int | None, clock: Clock, stuck: bool) -> bool:
    """Whether no other thread has an earlier deadline; without a deadline, whether nobody has one."""
    others = [one.deadline for one in _waits.values() if one.deadline is not None]
    return deadline <= min(others) if deadline is not None else stuck and not others


def forget() -> None:
    """An attempt begins: what was started before isn't its own."""
    if _unjoined:
        _unjoined.clear()


def at_work() -> bool:
    """Whether handlers have started threads that ``gather`` hasn't seen the end of."""
    return bool(_crew)


def gather(clock: Clock) -> list[str]:
    """Wait for the handler's threads, and for its pools to be idle; what to say of threads that nobody has joined.

    A thread that nothing can wake isn't waited for.
    """
    left = list(_unjoined)
    if not alone():
        waited(clock, None, lambda seconds: not any(_at_work(seconds) for _ in range(2)), lambda: True, stuck=True)
    _unjoined.clear()
    return [_told(one) for one in left]


def _at_work(seconds: float) -> bool:
    """Whether any of the handler's threads does something, or will, after so many real seconds."""
    _sleep(seconds)
    return is_work_taken() or not all(map(is_idle, frames()))


def frames() -> list[FrameType]:
    """Where the handler's threads are, but for the one that asks."""
    found, me = all_frames(), threading.get_ident()
    return [found[one.ident] for one in list(_crew) if one.ident in found and one.ident != me]


def _told(thread: threading.Thread) -> str:
    name = _NUMBERED.sub("Thread", thread.name)
    end = "it is still there, and waits for what never comes" if thread.is_alive() else "it was waited for"
    return f"the handler leaves thread {name!r} behind, without joining it; {end}"


# -- in place of threading's -------------------------------------------------------------------------------------------


def _clock() -> Clock | None:
    """By which the thread that asks waits; None: in real time."""
    return None if not _clocks or sleeps_for_real() else _clocks[-1]


def _virtual_monotonic() -> float:
    clock = _clock()
    return _monotonic() if clock is None or not clock.busy else clock.now_us / _SECOND


def _virtual_start(self: threading.Thread) -> None:
    if _clock() is None:
        return _start(self)
    if not self.daemon:
        _crew.append(self)
        if not _code_of(self).co_filename.startswith(LIBRARIES):
            _unjoined.append(self)
    # Until the system has begun it there is nothing to look at, so that all would seem to wait.
    _starting.append(self)
    try:
        _start(self)
    except BaseException:
        if self in _crew and self.ident is None:
            _crew.remove(self)
        raise
    finally:
        _starting.remove(self)


def _code_of(thread: threading.Thread) -> CodeType:
    """What it will run: its target, a timer's function, or a method of its own."""
    found: Any = getattr(thread, "function", None) or getattr(thread, "_target", None) or type(thread).run
    found = getattr(found, "func", found)  # of a partial
    code = getattr(found, "__code__", None)
    return code if isinstance(code, CodeType) else _start.__code__


def _virtual_submit(self: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    future: Future[Any] = _submit(self, fn, *args, **kwargs)
    if _clock() is not None:
        hand_over(future, self._work_queue)
    return future


def _virtual_join(self: threading.Thread, timeout: float | None = None) -> None:
    clock = _clock()
    if clock is None or not self.is_alive() or self is threading.current_thread() or _real(clock, timeout):
        _join(self, timeout)
    else:
        waited(clock, _deadline(clock, timeout), lambda s: _join(self, s) or not self.is_alive(), lambda: _runs(self))
    if self in _unjoined and not self.is_alive():
        _unjoined.remove(self)


def _runs(thread: threading.Thread) -> bool:
    """Whether it hasn't come to its end; ``is_alive`` says yes while somebody is just about to hear that it has."""
    return thread in threading.enumerate()


def _virtual_wait(self: Any, timeout: float | None = None) -> bool:
    clock = _clock()
    if clock is None or not self._is_owned() or _real(clock, timeout):
        return _wait(self, timeout)
    waiter = threading.Lock()
    waiter.acquire()
    self._waiters.append(waiter)
    saved = self._release_save()
    woken = False
    try:
        woken = waited(
            clock,
            _deadline(clock, timeout),
            lambda seconds: waiter.acquire(True, seconds),
            lambda: waiter.locked() and waiter in self._waiters,
        )
        return woken
    finally:
        self._acquire_restore(saved)
        if not woken and waiter in self._waiters:
            self._waiters.remove(waiter)


def _real(clock: Clock, timeout: float | None) -> bool:
    """Whether a wait is real: one that has an end, or has had it, while no attempt runs."""
    return timeout is not None and (timeout <= 0 or not clock.busy)


def _deadline(clock: Clock, timeout: float | None) -> int | None:
    return None if timeout is None else clock.now_us + max(1, round(timeout * _SECOND))
