"""Who hears of what explorations find. Nobody, unless somebody asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasker_testkit.search.findings import Finding

_finders: tuple[Callable[[Finding], Any], ...] = ()


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
