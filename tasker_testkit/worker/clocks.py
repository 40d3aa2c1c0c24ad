"""Clock functions that freezegun leaves alone, or whose answers aren't exact: nanoseconds, local time, daylight saving.

Each asks freezegun's innermost clock, so that a handler's own ``freeze_time`` counts here too; a bystander's thread
gets real time from all of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from tasker_testkit.worker.bystanders import is_bystander

_EPOCH: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)
_OF_A_WORLD: Final = "of_a_world"
_SHOWN: Final = {
    getattr(time, name)
    for name in ("CLOCK_REALTIME", "CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW", "CLOCK_BOOTTIME", "CLOCK_TAI")
    if hasattr(time, name)
}
"""Clocks of ``time.clock_gettime`` that tell a moment; the others count processor time."""


def functions(api: Any) -> list[tuple[str, Any]]:
    """The names in ``time`` and what they are while ``api`` (freezegun's) freezes it."""
    real: dict[str, Any] = {
        name: getattr(time, name, None) for name in ("clock_gettime", "clock_gettime_ns", "ctime", "asctime")
    }
    real |= {name: getattr(api, f"real_{name}") for name in ("time_ns", "gmtime", "localtime", "strftime")}
    made: dict[str, Callable[[Any], Any]] = {
        "time_ns": lambda old: lambda: old() if is_bystander() else _ns(api),
        "clock_gettime": lambda old: lambda clock: old(clock) if _not_ours(clock) else _ns(api) / 10**9,
        "clock_gettime_ns": lambda old: lambda clock: old(clock) if _not_ours(clock) else _ns(api),
        "ctime": lambda old: lambda seconds=None: old(_seconds(api, seconds)),
        "gmtime": lambda old: lambda seconds=None: old(_seconds(api, seconds)),
        "localtime": lambda old: lambda seconds=None: old(_seconds(api, seconds)),
        "asctime": lambda old: lambda t=None: old(real["localtime"](_seconds(api, None)) if t is None else t),
        "strftime": lambda old: (
            lambda form, t=None: old(form, real["localtime"](_seconds(api, None)) if t is None else t)
        ),
    }
    return [(name, made[name](function)) for name, function in real.items() if function is not None]


def mark(factory: Any) -> None:
    """This clock of freezegun's is a world's."""
    setattr(factory, _OF_A_WORLD, True)


def methods(api: Any) -> list[tuple[Any, str, Any, Any]]:
    """Class, attribute, freezegun's method and ours: local time by the process's zone, both sides of its changes.

    Inside a handler's own ``freeze_time`` freezegun's count. Nothing, where they are in place.
    """
    fake, date = api.FakeDatetime, api.FakeDate
    if getattr(fake.now, _OF_A_WORLD, False):
        return []
    ours: list[tuple[Any, str, Callable[..., Any]]] = [
        (fake, "now", _now), (fake, "fromtimestamp", _fromtimestamp), (fake, "timestamp", _timestamp),
        (fake, "astimezone", _astimezone), (date, "today", _today),
    ]  # fmt: skip
    return [(owner, name, vars(owner)[name], _chosen(api, vars(owner)[name], made)) for owner, name, made in ours]


def _chosen(api: Any, old: Any, made: Callable[..., Any]) -> Any:
    """A method of that name that is ours in a world's time and freezegun's in a handler's own freeze."""
    function = old.__func__ if isinstance(old, classmethod) else old

    def method(self: Any, *args: Any, **fields: Any) -> Any:
        ours = api.freeze_factories and getattr(api.freeze_factories[-1], _OF_A_WORLD, False)
        return made(api, self, *args, **fields) if ours else function(self, *args, **fields)

    setattr(method, _OF_A_WORLD, True)
    return classmethod(method) if isinstance(old, classmethod) else method


def _now(api: Any, cls: Any, tz: tzinfo | None = None) -> Any:
    if is_bystander():
        return _faked(api, api.real_datetime.now(tz))
    moment = api.get_current_time()
    if tz is not None:
        return _faked(api, tz.fromutc(moment.replace(tzinfo=tz)))
    return _faked(api, _local(api, moment))


def _today(api: Any, cls: Any) -> Any:
    if cls is not api.FakeDate:
        return cls.now()
    now = api.real_datetime.now() if is_bystander() else _local(api, api.get_current_time())
    return api.FakeDate(now.year, now.month, now.day)


def _fromtimestamp(api: Any, cls: Any, t: float, tz: tzinfo | None = None) -> Any:
    return _faked(api, api.real_datetime.fromtimestamp(t, tz))


def _timestamp(api: Any, moment: Any) -> float:
    return float(api.real_datetime.timestamp(moment))


def _astimezone(api: Any, moment: Any, tz: tzinfo | None = None) -> Any:
    return _faked(api, api.real_datetime.astimezone(moment, tz))


def _local(api: Any, moment: datetime) -> Any:
    """Naive UTC as naive local time; ``fold`` tells which of two equal hours it is."""
    seconds, microseconds = divmod(int((moment - _EPOCH) // _MICROSECOND), 10**6)
    return api.real_datetime.fromtimestamp(seconds).replace(microsecond=microseconds)


def _faked(api: Any, moment: Any) -> Any:
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond)
    return api.FakeDatetime(*fields, moment.tzinfo, fold=moment.fold)


def _ns(api: Any) -> int:
    """Nanoseconds since 1970 of the innermost frozen clock."""
    return int((api.get_current_time() - _EPOCH) // _MICROSECOND) * 1_000


def _seconds(api: Any, given: float | None) -> float | None:
    """``given``, or whole seconds of the frozen clock; None for a bystander, whose clock is real."""
    return given if given is not None or is_bystander() else _ns(api) // 10**9


def _not_ours(clock: int) -> bool:
    return clock not in _SHOWN or is_bystander()
