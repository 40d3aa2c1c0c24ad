"""What handlers read from outside of a run, by whom and where: for when two runs of one plan differ.

Seen are the environment, files and folders and what the system knows of them, addresses (``id``), processor time, the
process's number, other processes and connections, and draws from generators that were there before the attempt; only
where a handler's own code asks, itself or through a library.
"""

from __future__ import annotations

import builtins
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import Random
from types import FrameType
from typing import Any, Final
from weakref import WeakKeyDictionary

from tasker_testkit.worker import chance
from tasker_testkit.worker.threads import LIBRARIES
from tasker_testkit.worker.walltime import World

MOST: Final = 10
"""How many reads are named."""
_OWN: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

_PLACES: Final[tuple[tuple[Any, str, str], ...]] = (
    (os._Environ, "__getitem__", "the environment variable {1!r}"),
    (os._Environ, "__contains__", "the environment variable {1!r}"),
    (os._Environ, "__iter__", "all of the environment"),
    (builtins, "open", "the file {0!r}"),
    (io, "open", "the file {0!r}"),
    (os, "open", "the file {0!r}"),
    (os, "mkdir", "whether there is a folder {0!r}"),
    (os, "stat", "what the system knows of {0!r} (its times, its size)"),
    (os, "listdir", "the order and names of the files in {0!r}"),
    (os, "scandir", "the order and names of the files in {0!r}"),
    (os, "getpid", "the process's number"),
    (time, "process_time", "processor time"),
    (time, "process_time_ns", "processor time"),
    (time, "thread_time", "processor time"),
    (builtins, "id", "the address of an object (id)"),
    (socket.socket, "connect", "a connection to {1!r}"),
    (subprocess.Popen, "__init__", "the process {1!r}"),
)
"""Where somebody can ask, and what for, from the arguments of the call."""


_DRAWS: Final = ("random", "getrandbits")
"""What every other draw of ``random.Random`` is made of."""
_Makers = WeakKeyDictionary[Random, "chance.Chance | None"]
"""The attempt that has made or seeded a generator."""


class Reads:
    """What was read, each once, in order."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[str, None] = {}
        self._inside = False

    @property
    def texts(self) -> tuple[str, ...]:
        """One line for each, the first ``MOST`` of them."""
        return tuple(self._seen)[:MOST]

    def note(self, what: str, args: tuple[Any, ...], frame: FrameType) -> None:
        """Somebody asks; it counts if a handler does."""
        ticket = self._world.watchdog.current
        if ticket is None or self._inside:
            return
        self._inside = True
        try:
            place = _users_line(frame)
            if place:
                self._seen[f"step {ticket[0]!r}, attempt {ticket[1]}: {what.format(*args, '', '')} at {place}"] = None
        finally:
            self._inside = False


@contextmanager
def watching(world: World) -> Iterator[Reads]:
    """Meanwhile handlers in that world are watched."""
    reads = Reads(world)
    before = [(owner, name, vars(owner).get(name)) for owner, name, _ in _PLACES]
    for (owner, name, what), (_, _, real) in zip(_PLACES, before, strict=True):
        if real is not None:
            setattr(owner, name, _noted(real, what, reads))
    try:
        with _generators_watched(reads):
            yield reads
    finally:
        for owner, name, real in before:
            if real is not None:
                setattr(owner, name, real)


def _noted(real: Callable[..., Any], what: str, reads: Reads) -> Callable[..., Any]:
    @wraps(real)
    def noted(*args: Any, **fields: Any) -> Any:
        reads.note(what, args, sys._getframe(1))
        return real(*args, **fields)

    return noted


@contextmanager
def _generators_watched(reads: Reads) -> Iterator[None]:
    """Meanwhile draws from generators that the attempt hasn't made or seeded are noted."""
    made: _Makers = WeakKeyDictionary()
    before, chance.on_seed = chance.on_seed, lambda generator: made.update({generator: chance.drawing()})
    for name in _DRAWS:  # of the class below, written in C: what is set here hides it
        setattr(Random, name, _drawn(getattr(Random, name), made, reads))
    try:
        yield
    finally:
        for name in _DRAWS:
            delattr(Random, name)
        chance.on_seed = before


def _drawn(real: Callable[..., Any], made: _Makers, reads: Reads) -> Callable[..., Any]:
    @wraps(real)
    def drawn(self: Random, *args: Any) -> Any:
        if made.get(self) is not chance.drawing():
            reads.note("a random generator that was there before the attempt", (), sys._getframe(1))
        return real(self, *args)

    return drawn


def _users_line(frame: FrameType | None) -> str:
    """The innermost line that isn't a library's; empty if we ask ourselves, or an import does."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_OWN) or file.startswith("<frozen importlib"):
            return ""
        if not file.startswith((*LIBRARIES, "<")):
            return f"{os.path.basename(file)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
