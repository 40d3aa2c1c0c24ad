"""Waiting for other processes takes real time: they live outside of the run, and nobody can make them hurry.

The standard library's modules for processes ask ``time`` for every wait. Seen through a frozen clock a deadline never
comes, and a nap between two looks at a process would pass whole hours of virtual time.
"""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace
from typing import Any, Final

REAL_TIME: Final[Any] = SimpleNamespace(**vars(time))
"""What ``time`` holds while no world is entered."""
_PACKAGES: Final = ("subprocess", "multiprocessing")


def replacements() -> list[tuple[Any, str, Any, Any]]:
    """Module, name, ``time`` and the real one, for each module imported so far that waits for processes."""
    waiting = (module for name, module in [*sys.modules.items()] if name.partition(".")[0] in _PACKAGES)
    return [(module, "time", time, REAL_TIME) for module in waiting if getattr(module, "time", None) is time]
