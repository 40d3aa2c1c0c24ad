"""Local time of handlers: the process's time zone while a world is entered, and what was there before afterwards."""

from __future__ import annotations

import os
import time
import zoneinfo
from pathlib import Path
from typing import Final

from tasker_testkit.errors import TaskerTestkitError, near

UTC: Final = "UTC"
_FORMS: Final = 'Give a name such as "UTC" or "Europe/Berlin".'


def known_zone(name: object) -> str:
    """The name of a time zone. Raises TaskerTestkitError for one that isn't known, or that this system can't set."""
    if not isinstance(name, str) or not name:
        raise TaskerTestkitError(f"timezone={name!r:.80}: {_FORMS}")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        hint = near(name, zoneinfo.available_timezones())
        raise TaskerTestkitError(f"timezone={name!r:.80} isn't known.{hint} {_FORMS}") from None
    if name != UTC and not hasattr(time, "tzset"):
        raise TaskerTestkitError(
            f"timezone={name!r}: on this system a process can't change its time zone. Leave it out, and let handlers "
            "ask for the zone that they mean: datetime.now(ZoneInfo(...))."
        )
    return name


class LocalTime:
    """Meanwhile local time is that of the zone, in ``TZ`` and in the C library; inside another one, of the inner."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._value = _setting(name)
        self._before: str | None = None
        self._changed = False

    def __enter__(self) -> None:
        self._before = os.environ.get("TZ")
        self._changed = hasattr(time, "tzset") and not self._is_there()
        if self._changed:
            _set(self._value)

    def __exit__(self, *_: object) -> None:
        if hasattr(time, "tzset") and (self._changed or os.environ.get("TZ") != self._before):
            _set(self._before)

    def _is_there(self) -> bool:
        if self.name == UTC and not self._before:
            return time.tzname == ("UTC", "UTC")
        return self._before == self._value


def _set(value: str | None) -> None:
    if value is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = value
    time.tzset()


def _setting(name: str) -> str:
    """What ``TZ`` must be: the name if the system has its file, else the file of the package ``tzdata``."""
    if name == UTC or any(Path(folder, name).is_file() for folder in zoneinfo.TZPATH):
        return name
    from importlib.resources import files

    return f":{files('tzdata') / 'zoneinfo' / name}"
