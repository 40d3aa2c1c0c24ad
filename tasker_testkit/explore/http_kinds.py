"""What can go wrong with an attempt's requests: the explorer's kinds, their names, and what is simpler than each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from tasker_testkit.explore.places import Place
from tasker_testkit.model.durations import MINUTE, SECOND
from tasker_testkit.model.fault_kinds import Fault
from tasker_testkit.model.http_faults import BREAKAGES, HttpFault, Outage

Settings = Callable[[Place], Iterable[Any]]

_RETRY_AFTER: Final = "Retry-After"


def _each(**what: Any) -> Settings:
    """This for each request of the place, one at a time."""
    return lambda place: ({"method": r.method, "url": r.url, "call": r.number, **what} for r in place.requests)


SETTINGS: Final[Mapping[str, Settings]] = {
    "http_429": _each(status=429),
    "http_429_retry_after": _each(status=429, headers={_RETRY_AFTER: "2"}),
    "http_500": _each(status=500),
    "http_503": _each(status=503),
    "http_timeout_before": _each(error="timeout", when="before"),
    "http_timeout_after": _each(error="timeout", when="after"),
}
"""The kinds of HTTP faults, each with its settings at a place: none where no request is made."""


def kind_of_request(wire: HttpFault | Outage) -> str:
    """The explorer's name for such a fault, whoever planned it: ``http_503``, ``http_timeout_after``, ``http_late``."""
    if isinstance(wire, Outage):
        return "outage"
    if wire.error:
        return f"http_{wire.error}_{wire.when}"
    asks = any(name.lower() == _RETRY_AFTER.lower() for name in wire.headers)
    return f"http_{wire.status}{'_retry_after' if asks else ''}" if wire.status else "http_late"


def detail_of_request(wire: HttpFault | Outage) -> str:
    """What a test's id says of it beside its kind: ``.POST_pay.example/charges``, ``#2`` behind it for the second."""
    if isinstance(wire, Outage):
        return f".{wire.system}_{wire.start}_{wire.length}"
    numbers = "" if wire.calls in (None, (1,)) else f"#{'.'.join(map(str, wire.calls or ()))}"
    return f".{wire.method or 'ANY'}_{wire.url.rpartition('://')[2]}{numbers}"


def weaker_requests(one: Fault) -> Iterator[Fault]:
    """The fault with one thing less about requests; nothing for faults of other kinds."""
    wires = _shorter(one.wire) if isinstance(one.wire, Outage) else _weaker(one.wire) if one.wire else ()
    yield from (replace(one, wire=wire) for wire in wires)


def _shorter(outage: Outage) -> Iterator[Outage]:
    yield from (replace(outage, length=length) for length in _less(outage.length, 1))
    yield from (replace(outage, start=start) for start in _less(outage.start, 0))


def _weaker(one: HttpFault) -> Iterator[HttpFault]:
    if one.calls is None:
        yield replace(one, calls=(1,))
    elif len(one.calls) > 1:
        yield from (replace(one, calls=(number,)) for number in one.calls)
    elif one.calls != (1,):
        yield replace(one, calls=(one.calls[0] - 1,))
    if one.when == "after" and (one.status or (one.error and "before" in BREAKAGES[one.error].moments)):
        yield replace(one, when="before")
    if one.headers or one.body is not None:
        yield replace(one, headers={}, body=None)
    least = 0 if one.status or one.error else 1
    yield from (replace(one, delay=delay) for delay in _less(one.delay, least))


def _less(value: int, least: int) -> Iterator[int]:
    """The least duration, then half of it in whole minutes, seconds, milliseconds or microseconds, whichever fits."""
    if value > least:
        yield least
    for unit in (MINUTE, SECOND, 1_000, 1):
        if value >= 2 * unit:
            yield value // 2 // unit * unit
            return
