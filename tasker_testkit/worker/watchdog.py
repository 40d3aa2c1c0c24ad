"""A handler that blocks in real time is stopped, and the line that blocks is named.

One daemon thread looks after every run of the process. It counts its own waits instead of reading a clock, so neither a
frozen clock nor a suspended machine confuses it.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import itertools
import linecache
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Final

from tasker_testkit.errors import HandlerHangs
from tasker_testkit.worker import threads
from tasker_testkit.worker.looking import OURS, all_frames
from tasker_testkit.worker.threads import LIBRARIES

REPEAT_S: Final = 1.0
_OWN: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

Ticket = tuple[str, int]
"""Step and attempt of a running handler; a new object for each."""


class HandlerStopped(BaseException):
    """Raised inside a handler that blocks. Not an Exception, so that ``except Exception`` lets it through."""


class Watchdog:
    """Watches one thread's handlers: after ``real_timeout`` real seconds in one handler, it is stopped.

    Set ``current`` to a fresh ticket while a handler runs. In the main thread of a POSIX process the handler is stopped
    by a SIGINT to itself, which also ends a blocking system call; elsewhere at its next bytecode. A handler that
    swallows that is stopped again every second.
    """

    def __init__(self, real_timeout: float = 10.0) -> None:
        self.real_timeout = real_timeout
        self.interval = min(max(real_timeout / 10, 0.01), 0.5)
        self.current: Ticket | None = None
        self.interrupted = False
        self._fired: Ticket | None = None
        self._seen: Ticket | None = None
        self._waited = 0.0
        self._place = ""
        self._thread = 0
        self._previous: Any = None
        self._by_signal = False

    def __enter__(self) -> Watchdog:
        self._thread = threading.get_ident()
        self.interrupted = False
        self._by_signal = hasattr(signal, "pthread_kill") and threading.current_thread() is threading.main_thread()
        if self._by_signal:
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
        _patrol().add(self)
        return self

    def __exit__(self, *_: object) -> None:
        _patrol().remove(self)
        if self._by_signal:
            signal.signal(signal.SIGINT, self._previous or signal.default_int_handler)

    def tick(self) -> None:
        """One interval has passed; called by the patrol's thread."""
        ticket = self.current
        if ticket is None or ticket is not self._seen:
            self._seen, self._waited, self._place = ticket, 0.0, ""
            return
        self._waited += self.interval
        if self._waited >= self.real_timeout:
            self._waited = self.real_timeout - REPEAT_S
            self._stop(ticket)

    def _stop(self, ticket: Ticket) -> None:
        self._place = self._place or _described(all_frames().get(self._thread))
        self._fired = ticket
        if self._by_signal:
            signal.pthread_kill(self._thread, signal.SIGINT)
        elif self.current is ticket:
            stopped = ctypes.py_object(HandlerStopped)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), stopped)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._fired is not None:
            fired, self._fired = self._fired, None
            # What is raised in a callback of the collector is lost; the next second will do.
            if self.current is fired and not _collects_garbage(frame):
                raise HandlerStopped
        else:
            self.interrupted = True
            if callable(self._previous):
                self._previous(number, frame)

    def hangs(self, ticket: Ticket, who: str = "the handler") -> HandlerHangs:
        """The error for a handler (``who``) that was stopped."""
        step, attempt = ticket
        return HandlerHangs(
            f"Step {step!r}, attempt {attempt}: "
            f"{who} blocked for more than {self.real_timeout:g} s of real time, at\n"
            f"{self._place}\n"
            "time.sleep and asyncio.sleep take no real time here; locks, sockets, processes and endless loops do.\n"
            "Replace what it waits for by a double, simulate the wait with the fault 'hang', "
            "or allow more with real_timeout."
        )


class _Patrol:
    """The thread, parked while nobody is watched."""

    def __init__(self) -> None:
        self._dogs: list[Watchdog] = []
        self._awake = threading.Event()
        self._pause = threading.Event()
        self.thread = threading.Thread(target=self._walk, name="tasker-testkit-watchdog", daemon=True)
        self.thread.start()

    def add(self, dog: Watchdog) -> None:
        self._dogs.append(dog)
        self._awake.set()

    def remove(self, dog: Watchdog) -> None:
        if dog in self._dogs:
            self._dogs.remove(dog)

    def _walk(self) -> None:
        OURS.add(threading.get_ident())
        while True:
            self._awake.wait()
            dogs = list(self._dogs)
            if not dogs:
                self._awake.clear()
                if self._dogs:
                    self._awake.set()
                continue
            self._pause.wait(min(dog.interval for dog in dogs))
            for dog in dogs:
                dog.tick()


_patrols: list[_Patrol] = []


def _patrol() -> _Patrol:
    """The process's patrol; a forked child, where the thread is gone, gets its own."""
    if not _patrols or not _patrols[-1].thread.is_alive():
        _patrols[:] = [_Patrol()]
    return _patrols[-1]


def _collects_garbage(frame: FrameType | None) -> bool:
    """Whether a callback of the garbage collector runs there."""
    callbacks = {getattr(each, "__code__", None) for each in gc.callbacks}
    while frame is not None and frame.f_code not in callbacks:
        frame = frame.f_back
    return frame is not None


def _described(frame: FrameType | None) -> str:
    """The user's innermost line; if an event loop waits there, the lines where its tasks wait.

    If only threads are left of the handler, their lines.
    """
    frames = list(_handler_frames(frame))
    inside = list(itertools.takewhile(lambda one: _loop(one) is None, frames))
    loops = [loop for loop in map(_loop, frames) if loop]
    waiting = [line for loop in loops[:1] for task in asyncio.all_tasks(loop) for line in _awaiting(task)]
    places = _users(inside)[:1] or waiting or _users(frames)[:1] or _users_in_threads() or frames[:1]
    return "\n".join(dict.fromkeys(map(_line, places))) or "  (unknown place)"


def _users_in_threads() -> list[FrameType]:
    """Where the threads are that a handler has left behind."""
    return [found for frame in threads.frames() for found in _users(_handler_frames(frame))[:1]]


def _users(frames: Iterable[FrameType]) -> list[FrameType]:
    return [frame for frame in frames if not frame.f_code.co_filename.startswith((*LIBRARIES, _OWN, "<"))]


def _handler_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames between our call and the innermost one, innermost first."""
    while frame is not None and not _is_caller(frame):
        if not frame.f_code.co_filename.startswith(_OWN):
            yield frame
        frame = frame.f_back


def _is_caller(frame: FrameType) -> bool:
    return frame.f_code.co_filename == os.path.join(_OWN, "worker", "calling.py")


def _loop(frame: FrameType) -> asyncio.AbstractEventLoop | None:
    """The event loop that runs in this frame, if it is a loop's own."""
    found = frame.f_locals.get("self") if frame.f_code.co_name == "run_forever" else None
    return found if isinstance(found, asyncio.AbstractEventLoop) else None


def _awaiting(task: asyncio.Task[Any]) -> list[FrameType]:
    """Where a suspended task waits: the user's innermost ``await``."""
    frames = []
    coroutine: Any = task.get_coro()
    while getattr(coroutine, "cr_frame", None) is not None:
        frames.append(coroutine.cr_frame)
        coroutine = coroutine.cr_await
    return _users(frames)[-1:]


def _line(frame: FrameType) -> str:
    name, number = frame.f_code.co_filename, frame.f_lineno
    return f"  {name}:{number} in {frame.f_code.co_name}\n    {linecache.getline(name, number).strip()}"
