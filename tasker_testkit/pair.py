"""The two profiles of a test that runs under both; apart from what is made of them, which few sessions need."""

from __future__ import annotations

from typing import Final

BOTH: Final = "both"
"""The profile's name that stands for each of ``PAIR``."""
PAIR: Final = ("documented", "tasker-0.1.8")
