"""Instants and durations: whole microseconds inside, ``datetime`` and ``timedelta`` at the edge."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from tasker_testkit.errors import TaskerTestkitError

Duration = float | int | str | timedelta
"""What a user may write for a duration: seconds, a text such as ``"250ms"``, or a timedelta."""

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
_UNITS: Final = {"us": 1, "ms": 1_000, "s": SECOND, "m": MINUTE, "h": 3_600 * SECOND, "d": 86_400 * SECOND}
_LONGEST: Final = 365_000 * _UNITS["d"]
_TEXT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)?\s*")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(value: Duration) -> int:
    """The duration in whole microseconds, rounded to the nearest.

    A bare number, also as text, is seconds. Raises TaskerTestkitError for anything negative, unreadable, or longer than
    ``_LONGEST``, with which virtual time would leave the calendar.
    """
    result = _convert(value)
    if result is None or not 0 <= result <= _LONGEST:
        raise TaskerTestkitError(
            f"{value!r:.80} is not a duration. Write seconds (1.5), a text with a unit "
            f"({', '.join(_UNITS)}; '250ms', '40s', '5m', '2h') or a timedelta; "
            "it can't be negative, nor longer than 1000 years."
        )
    return result


def _convert(value: Duration) -> int | None:
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        return _rounded(float(match[1]) * _UNITS[match[2] or "s"]) if match else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _rounded(value * SECOND)


def _rounded(value: float) -> int | None:
    return round(value) if isinstance(value, int) or math.isfinite(value) else None


def exactly(value: int) -> str:
    """Microseconds as a text that ``microseconds`` reads back as the same number: ``40s``, ``250ms``, ``1us``."""
    unit, size = next((unit, size) for unit, size in (("s", SECOND), ("ms", 1_000), ("us", 1)) if value % size == 0)
    return f"{value // size}{unit}"


def as_timedelta(value: int) -> timedelta:
    """Microseconds as a timedelta, exactly."""
    return timedelta(microseconds=value)


def instant(value: datetime | str) -> datetime:
    """An instant as timezone-aware UTC datetime; a naive one is taken as UTC.

    Raises TaskerTestkitError for a text that isn't ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, AttributeError, TypeError):
        raise TaskerTestkitError(
            f"{value!r} is not an instant. Write ISO 8601, for example '2026-01-01T00:00:00Z', or a datetime."
        ) from None


def since_epoch(moment: datetime) -> int:
    """Microseconds from 1970-01-01T00:00:00Z to an aware datetime, exactly."""
    return (moment - _EPOCH) // _MICROSECOND


def spoken(value: int) -> str:
    """A duration for people: ``0 s``, ``100 ms``, ``1.5 s``, ``2 min``, ``1 h 5 min``."""
    if value < 1_000 and value:
        return f"{value} us"
    if value < SECOND and value:
        return f"{value / 1_000:g} ms"
    if value < 2 * MINUTE:
        return f"{value / SECOND:.6f}".rstrip("0").rstrip(".") + " s"
    hours, minutes, seconds = value // (60 * MINUTE), value // MINUTE % 60, value % MINUTE / SECOND
    parts = [(hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{number:g} {unit}" for number, unit in parts if number)
