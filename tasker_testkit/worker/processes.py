"""Waiting for other processes takes real time: they live outside of the run, and nobody can make them hurry.

The standard library's modules for processes ask ``time`` for every wait. Seen through a frozen clock a deadline never
comes, and a nap between two looks at a process would pass whole hours of virtual time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

REAL_TIME: Final[Any] = SimpleNamespace(**vars(time))
"""What ``time`` holds while no world is entered."""
_PACKAGES: Final = ("subprocess", "multiprocessing")


_LAZY: Final = "concurrent.futures"
"""It imports its pool of processes when that is first asked for, which can be in the middle of an attempt."""


def replacements() -> list[tuple[Any, str, Any, Any]]:
    """Module, name, real value and the one for a frozen world, of what is imported so far that waits for processes."""
    places: list[tuple[Any, str, Any, Any]] = [(module, "time", time, REAL_TIME) for module in _waiting()]
    lazy = sys.modules.get(_LAZY)
    if lazy is not None and f"{_LAZY}.process" not in sys.modules:
        real: Any = vars(lazy)["__getattr__"]
        places.append((lazy, "__getattr__", real, _noticing(real)))
    return places


def _waiting() -> list[Any]:
    packages = [module for name, module in [*sys.modules.items()] if name.partition(".")[0] in _PACKAGES]
    return [module for module in packages if getattr(module, "time", None) is time]


def _noticing(real: Callable[[str], Any]) -> Callable[[str], Any]:
    """What gives a package's lazy names; modules that come with one have real time for good, which is no harm."""

    def lazily(name: str) -> Any:
        value = real(name)
        for module in _waiting():
            module.time = REAL_TIME
        return value

    return lazily
