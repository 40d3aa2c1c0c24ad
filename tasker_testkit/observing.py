"""Who hears of the runs that this process makes. Nobody, unless somebody asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasker_testkit.run import Run

Listener = Callable[["Run"], Any]
_listeners: tuple[Listener, ...] = ()


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
