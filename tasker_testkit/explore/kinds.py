"""What can go wrong at a place: THE TABLE of the explorer's kinds, each with the faults it comes to there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tasker_testkit.errors import FaultError, listed, near
from tasker_testkit.explore import http_kinds
from tasker_testkit.explore.places import Place
from tasker_testkit.model.durations import exactly
from tasker_testkit.model.fault_kinds import fault
from tasker_testkit.model.faults import Fault

MARGIN: Final = 1_000
"""How far a delay stays under, or goes over, ``timeout_seconds``: microseconds."""


class Kind(NamedTuple):
    """One kind: the settings of its faults at a place (none if it can't happen there), as their data has them.

    ``twin`` names a kind that comes to the same at this place, so that one of the two is enough; ``at_claim``: it
    doesn't need the handler to be called.
    """

    fault: str
    settings: Callable[[Place], Iterable[Any]]
    twin: Callable[[Place], str | None] = lambda place: None
    at_claim: bool = False


def _always(setting: Any) -> Callable[[Place], Iterable[Any]]:
    return lambda place: (setting,)


def _delay(beyond: int) -> Callable[[Place], Iterable[Any]]:
    """So long that the result arrives ``beyond`` microseconds after the timeout."""

    def settings(place: Place) -> Iterator[Any]:
        by = 0 if place.timeout is None else place.timeout + beyond - place.took
        if by > 0:
            yield exactly(by)

    return settings


def _checkpoint(place: Place) -> Iterable[Any]:
    return ("checkpoint",) if place.yields else ()


def _corruptions(place: Place) -> Iterator[Any]:
    return ({"path": _path(key), "value": None} for key in place.keys)


def _path(key: str) -> str:
    return key if key.isidentifier() else f'["{key}"]' if '"' not in key else f"['{key}']"


_ERROR: Final = {"type": "RuntimeError", "message": "injected fault"}

KINDS: Final[Mapping[str, Kind]] = {
    "fail_retryable": Kind("fail", _always({})),
    "fail_permanent": Kind(
        "fail", _always({"retryable": False}), lambda place: None if place.retries else "fail_retryable"
    ),
    "raise": Kind("raise", _always(_ERROR)),
    "delay_under": Kind("delay", _delay(-MARGIN)),
    "delay_over": Kind("delay", _delay(MARGIN)),
    "hang": Kind("hang", _always(True), lambda place: None if place.timeout is None else "delay_over"),
    "crash_before": Kind("crash", _always("before")),
    "crash_checkpoint": Kind("crash", _checkpoint),
    "crash_after": Kind("crash", _always("after")),
    "lose_result": Kind("lose_result", _always(True), lambda place: None if place.processes else "crash_after"),
    "duplicate": Kind("duplicate", _always(True), at_claim=True),
    "corrupt": Kind("corrupt", _corruptions),
    **{name: Kind("http", settings) for name, settings in http_kinds.SETTINGS.items()},
}
"""Every kind, in the order in which they are tried at a place. All of them happen in production."""

ALL: Final = tuple(KINDS)


def chosen(kinds: str | Iterable[str]) -> tuple[str, ...]:
    """The kinds that names or prefixes of them choose (``"crash"`` is three), in the table's order.

    A text may hold several, with commas between. Raises FaultError for one that chooses nothing.
    """
    if not isinstance(kinds, Iterable):
        raise FaultError(
            f"kinds={kinds!r}: give names of kinds of faults, as a text or a list. Kinds:\n{listed(KINDS)}"
        )
    wanted = kinds.split(",") if isinstance(kinds, str) else list(kinds)
    found = {name for prefix in wanted for name in _of(prefix)}
    if not found:
        raise FaultError(f"kinds={kinds!r}: name one kind of fault at least. Kinds:\n{listed(KINDS)}")
    return tuple(name for name in KINDS if name in found)


def _of(prefix: Any) -> list[str]:
    text = prefix.strip() if isinstance(prefix, str) else ""
    found = [name for name in KINDS if text and (name == text or name.startswith(f"{text}_"))]
    if not found:
        known = [*KINDS, *(name.partition("_")[0] for name in KINDS)]
        raise FaultError(
            f"kinds: there is no kind {prefix!r}.{near(prefix, known)} A name or the beginning of one "
            f"('crash' is all crashes). Kinds:\n{listed(KINDS)}"
        )
    return found


@lru_cache(maxsize=65_536)
def faults_at(place: Place, kinds: tuple[str, ...]) -> tuple[Fault, ...]:
    """The faults of these kinds at a place, one for each thing that can go differently there."""
    return tuple(
        fault(kind.fault, place.step, place.attempt, setting)
        for name, kind in KINDS.items()
        if name in kinds and kind.twin(place) not in kinds and (place.called or kind.at_claim)
        for setting in kind.settings(place)
    )
