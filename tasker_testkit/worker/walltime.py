"""The frozen world in which handlers run: every clock shows the virtual instant, sleeping takes no real time.

Our own count of microseconds is the truth; freezegun follows it. While a world isn't entered, time is real.
"""

from __future__ import annotations

import copyreg
import importlib
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any, Final

from tasker_testkit.model.dispatch import EPOCH_START
from tasker_testkit.model.durations import SECOND, since_epoch
from tasker_testkit.worker import chance, clocks, processes, threads
from tasker_testkit.worker.bystanders import Bystanders, RealTime, sleeps_for_real
from tasker_testkit.worker.http import gate
from tasker_testkit.worker.watchdog import Ticket, Watchdog
from tasker_testkit.worker.zones import UTC as IN_UTC
from tasker_testkit.worker.zones import LocalTime

NEVER_FROZEN: Final = frozenset(
    {"tasker_testkit", "_pytest", "pytest", "pluggy", "hypothesis", "xdist", "execnet", "freezegun"}
    | {"threading", "queue", "multiprocessing", "concurrent", "subprocess", "selectors", "socket"}
)
"""Packages that keep their own real clock functions: what runs the tests, and what waits for threads and processes."""

DISPLACED: Final[list[ModuleType]] = []
"""Modules that handlers imported, and whose names are other modules' again: frozen like those in ``sys.modules``."""

_NAIVE_EPOCH: Final = datetime(1970, 1, 1)
_entered: list[World] = []


class World:
    """A clock for handlers, one for each simulation.

    Enter it (again and again is cheap), ``begin`` an attempt, run a handler, ``end`` it.

    ``elapsed_us`` is the virtual time since the last ``move_to`` or ``begin``; ``real_timeout`` is in real seconds, for
    one handler; ``timezone`` is what local time is.
    """

    def __init__(self, *, real_timeout: float = 10.0, start: datetime = EPOCH_START, timezone: str = IN_UTC) -> None:
        self.watchdog = Watchdog(real_timeout)
        self.local_time = LocalTime(timezone)
        self.elapsed_us = 0
        self._base_us = since_epoch(start)
        self._depth = 0
        self._notes: list[str] = []
        self._frozen: Frozen | None = None
        self._standing_by = Bystanders()
        self._factory: Any = None
        self._numpy: Any = None

    @property
    def now_us(self) -> int:
        """The virtual instant, in microseconds since 1970 (UTC)."""
        return self._base_us + self.elapsed_us

    @property
    def now(self) -> datetime:
        """The virtual instant as an aware UTC datetime."""
        return (_NAIVE_EPOCH + timedelta(microseconds=self.now_us)).replace(tzinfo=UTC)

    def __enter__(self) -> World:
        self._depth += 1
        if self._depth == 1:
            self._standing_by.__enter__()
            self.local_time.__enter__()
            if self._frozen is None or not self._frozen.resume():
                self._frozen = Frozen()
            self._factory = self._frozen.factory
            self._show()
            _entered.append(self)
            threads.enter(self)
            gate.hold()
            self._numpy = chance.state_of_numpy()
            self.watchdog.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._frozen is not None:
            self.watchdog.__exit__()
            chance.put_back(self._numpy)
            gate.let_go()
            _entered.remove(self)
            threads.leave(self)
            if not self._frozen.suspend():
                self._frozen = None
            self.local_time.__exit__()
            self._standing_by.__exit__()
            self._factory = None

    def move_to(self, moment: datetime) -> None:
        """Show this aware instant from now on, and count ``elapsed_us`` from it."""
        self._base_us, self.elapsed_us = since_epoch(moment), 0
        self._show()

    def advance(self, microseconds: int) -> None:
        """Let virtual time pass."""
        self.elapsed_us += microseconds
        self._show()

    def pause(self, microseconds: int) -> None:
        """The thread that asks sleeps, others of its handler get on meanwhile; or it takes some time back."""
        if microseconds > 0:
            threads.pause(self, microseconds)
        else:
            self.advance(microseconds)

    def begin(self, moment: datetime, ticket: Ticket, seed: str) -> None:
        """An attempt starts at that instant; the watchdog watches it, and it draws from generators of that seed."""
        self.move_to(moment)
        chance.begin(seed)
        threads.forget()
        self._notes.clear()
        self.watchdog.current = ticket

    @property
    def busy(self) -> bool:
        """Whether an attempt is under way."""
        return self.watchdog.current is not None

    def note(self, text: str) -> None:
        """Keep what is odd about the attempt that is under way; ``take_notes`` gives it."""
        self._notes.append(text)

    def take_notes(self) -> list[str]:
        """What was noted since the last time, once."""
        taken, self._notes = self._notes, []
        return taken

    def end(self) -> None:
        """The attempt is over."""
        self.watchdog.current = None
        chance.end()

    def _show(self) -> None:
        if self._factory is not None:
            self._factory.time_to_freeze = _NAIVE_EPOCH + timedelta(microseconds=self._base_us + self.elapsed_us)


Place = tuple[Any, str, Any, Any]
"""Module or class, attribute, real value, virtual value."""


class Frozen:
    """freezegun's clock and our own replacements, set up once; later only switched off and on, which is much cheaper.

    freezegun replaces what is in ``time``, ``datetime`` and ``uuid``. Copies of that in other modules are replaced
    here, since freezegun spares every module whose name merely begins like one on its list. Its four stacks, named in
    ``_stacks``, and ``ignore`` and ``time_to_freeze`` are all that is used of its inside.
    """

    def __init__(self) -> None:
        import freezegun

        self._api = freezegun.api
        self._nested = bool(self._api.freeze_factories)
        watched = (time, sys.modules["datetime"], importlib.import_module("uuid"))
        before, pickling = [dict(vars(module)) for module in watched], dict(copyreg.dispatch_table)
        self._freezer = freezegun.freeze_time(_NAIVE_EPOCH)
        self._freezer.ignore = ("",)  # every module: copies are replaced here
        self.factory = self._freezer.start()
        clocks.mark(self.factory)
        _put([(time, name, None, function) for name, function in clocks.functions(self._api)])
        self._api.ignore_lists[-1] = RealTime(("",))
        self._tops = [stack[-1] for stack in self._stacks()]
        self._pickling = {k: v for k, v in copyreg.dispatch_table.items() if pickling.get(k) is not v}
        places = _differences(watched, before)
        self._pairs = [(real, fake) for _, _, real, fake in places if callable(real) and callable(fake)]
        self._pairs += _replacements()
        methods = [*chance.methods(), *threads.methods(), *clocks.methods(self._api)]
        places += [*_replace(self._pairs), *_put([*methods, *processes.replacements()])]
        self._names = [(vars(owner), *what) for owner, *what in places if isinstance(owner, ModuleType)]
        self._methods = [place for place in places if not isinstance(place[0], ModuleType)]
        self._modules = _imported()

    def suspend(self) -> bool:
        """Make time real again. False if modules were imported meanwhile: then it can't be resumed, make a new one."""
        for names, name, real, fake in self._names:
            if names.get(name) is fake:
                names[name] = real
        for owner, name, real, fake in self._methods:
            if vars(owner).get(name) is fake:
                setattr(owner, name, real)
        for key in self._pickling:
            copyreg.dispatch_table.pop(key, None)
        for stack in self._stacks():
            stack.pop()
        if self._modules == _imported():
            return True
        _replace([(fake, real) for real, fake in self._pairs])
        return False

    def resume(self) -> bool:
        """Freeze time again. False if modules were imported meanwhile, or somebody else froze it: make a new one."""
        if self._modules != _imported() or bool(self._api.freeze_factories) != self._nested:
            return False
        for stack, top in zip(self._stacks(), self._tops, strict=True):
            stack.append(top)
        copyreg.dispatch_table.update(self._pickling)
        for names, name, real, fake in self._names:
            if names.get(name) is real:
                names[name] = fake
        for owner, name, real, fake in self._methods:
            if vars(owner).get(name) is real:
                setattr(owner, name, fake)
        return True

    def _stacks(self) -> tuple[list[Any], ...]:
        api = self._api
        return api.freeze_factories, api.tz_offsets, api.ignore_lists, api.tick_flags


def _imported() -> tuple[int, Any]:
    """Changes whenever a module is imported: how many there are, and the newest."""
    return len(sys.modules) + len(DISPLACED), sys.modules[next(reversed(sys.modules))]


def _differences(modules: tuple[ModuleType, ...], before: list[dict[str, Any]]) -> list[Place]:
    return [
        (module, name, old.get(name), value)
        for module, old in zip(modules, before, strict=True)
        for name, value in vars(module).items()
        if old.get(name) is not value
    ]


def _replace(pairs: list[tuple[Any, Any]]) -> list[Place]:
    """Put the second of each pair wherever a module holds the first."""
    wanted = {id(old): new for old, new in pairs}
    places: list[Place] = []
    for module_name, module in [*sys.modules.items(), *((each.__name__, each) for each in DISPLACED)]:
        if not isinstance(module, ModuleType) or module_name.partition(".")[0] in NEVER_FROZEN:
            continue
        if not wanted.keys().isdisjoint(map(id, list(vars(module).values()))):
            found = [(name, value) for name, value in vars(module).items() if id(value) in wanted]
            places += [(module, name, value, wanted[id(value)]) for name, value in found]
    return _put(places)


def _put(places: list[Place]) -> list[Place]:
    for owner, name, _, new in places:
        setattr(owner, name, new)
    return places


_REAL: Final[dict[str, Callable[..., Any]]] = {"sleep": time.sleep}


def _replacements() -> list[tuple[Any, Any]]:
    """Real function and virtual one, for what freezegun leaves alone: sleeping, event loops of handlers, chance."""
    import asyncio

    _REAL.setdefault("loop", asyncio.new_event_loop)
    return [(_REAL["sleep"], virtual_sleep), (_REAL["loop"], virtual_loop), *chance.replacements()]


def virtual_sleep(seconds: float, /) -> None:
    """``time.sleep`` inside a world. Bystanders, daemons beside a handler, and who is outside really sleep."""
    if not _entered or sleeps_for_real():
        _REAL["sleep"](seconds)
    elif seconds < 0:
        raise ValueError("sleep length must be non-negative")
    else:
        threads.pause(_entered[-1], round(seconds * SECOND))


virtual_sleep.__name__ = "sleep"  # threads are named after what they run, and messages name threads


def virtual_loop() -> Any:
    """``asyncio.new_event_loop`` inside a world, so that a handler's own ``asyncio.run`` is in virtual time too."""
    from tasker_testkit.worker.eventloop import VirtualLoop

    return VirtualLoop(_entered[-1]) if _entered else _REAL["loop"]()
