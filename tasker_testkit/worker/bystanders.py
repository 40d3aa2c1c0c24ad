"""Threads that have nothing to do with handlers: their clocks go on while a handler's stand still.

A thread that was started while time was frozen is a handler's, also when it waits for the next run; any other thread,
of a cluster's client or a test's event loop, would be confused by time that jumps and stops.
"""

from __future__ import annotations

import threading
from typing import Final
from weakref import WeakSet

_handlers_own: Final[WeakSet[threading.Thread]] = WeakSet()
_strangers: dict[int | None, threading.Thread] = {}
_owner = 0
_present = False


class RealTime(tuple[str, ...]):
    """freezegun's list of modules that see real time: all of them in a bystander, in any other thread none."""

    def __bool__(self) -> bool:
        return is_bystander()


def is_bystander() -> bool:
    """Whether the thread that asks has nothing to do with handlers; False while time isn't frozen."""
    # The system gives the identity of a thread that has ended to a new one, which may be a handler's.
    return threading.get_ident() in _strangers and _is_stranger(threading.current_thread())


def sleeps_for_real(thread: threading.Thread | None = None) -> bool:
    """Whether that thread's sleeping and waiting (None: of the one that asks) takes real time.

    That is so for a bystander, and for a daemon beside a handler, whose loop would make time fly.
    """
    thread = thread or threading.current_thread()
    return _is_stranger(thread) or (thread.daemon and thread.ident != _owner)


def _is_stranger(thread: threading.Thread) -> bool:
    return _strangers.get(thread.ident) is thread


class Bystanders:
    """Meanwhile all threads that are there, but this one and those that handlers started, are bystanders.

    To be entered before time is frozen, and left when it goes on again; inside another one it does nothing.
    """

    def __init__(self) -> None:
        self._before: list[threading.Thread] | None = None

    def __enter__(self) -> None:
        global _strangers, _owner, _present
        if not _present:
            self._before, current = threading.enumerate(), threading.current_thread()
            _owner = threading.get_ident()
            others = (one for one in self._before if one is not current and one not in _handlers_own)
            _strangers = {one.ident: one for one in others}
            _present = True

    def __exit__(self, *_: object) -> None:
        global _strangers, _present
        if self._before is not None:
            _handlers_own.update(set(threading.enumerate()).difference(self._before))
            self._before, _strangers, _present = None, {}, False
