"""Where the pytest plugin learns of the runs that a test makes. Nobody listens unless ``runs`` is set."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasker_testkit.run import Run

runs: deque[Run] | None = None
"""The latest runs, oldest first; None outside pytest."""
