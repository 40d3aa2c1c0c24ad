"""An effect on the world outside: what a gateway's double did for a handler, booked with whose attempt it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Effect:
    """One booked effect: a charge, a mail, a row written.

    ``key`` is what the other side would know it again by, ``data`` whatever else was said of it; both are JSON copies.
    ``step`` and ``attempt`` (1-based) say whose handler it was, ``at`` when: an aware UTC datetime of virtual time.
    """

    name: str
    key: Any
    data: Mapping[str, Any] = field(hash=False)
    step: str
    attempt: int
    at: datetime

    def __str__(self) -> str:
        what = f"key {self.key!r}" if self.key is not None else f"data {dict(self.data)!r}"
        return f"{self.name} ({what}) by {self.step}, attempt {self.attempt}"
