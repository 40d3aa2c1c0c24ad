"""Who hears of the runs that this process makes, and of what explorations find. Nobody, unless somebody asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasker_testkit.findings import Finding
    from tasker_testkit.run import Run

Listener = Callable[["Run"], Any]
_listeners: tuple[Listener, ...] = ()
_finders: tuple[Callable[[Finding], Any], ...] = ()


def announce(run: Run) -> None:
    """Tell everybody who listens that this run was made."""
    for listener in _listeners:
        listener(run)


@contextmanager
def heard_by(*listeners: Listener) -> Iterator[None]:
    """Meanwhile these hear of every run, and nobody else does; without any, runs are nobody's business."""
    global _listeners
    before, _listeners = _listeners, listeners
    try:
        yield
    finally:
        _listeners = before


def also_heard_by(listener: Listener) -> AbstractContextManager[None]:
    """Meanwhile this one hears of every run as well."""
    return heard_by(*_listeners, listener)


def announce_failures(findings: Iterable[Finding]) -> None:
    """Tell everybody who wants to know that an exploration found these."""
    for finding in findings:
        for listener in _finders:
            listener(finding)


@contextmanager
def told_failures(listener: Callable[[Finding], Any]) -> Iterator[None]:
    """Meanwhile this one is told what explorations find, and nobody else is."""
    global _finders
    before, _finders = _finders, (listener,)
    try:
        yield
    finally:
        _finders = before
