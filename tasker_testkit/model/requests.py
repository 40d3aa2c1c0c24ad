"""A request that a handler made over HTTP, as the history has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tasker_testkit.model.durations import SECOND

UNANSWERED: Final = "unanswered_request"
"""The error type of an attempt whose request nothing answered. It isn't retried: the next one would fare no better."""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One request and what came of it; ``at`` and ``took`` are microseconds, ``at`` from the submission on.

    ``url`` and ``headers`` have ``*`` where secrets were, and lack what the client adds to every request. ``status`` is
    the answer's, None if there was none: ``error`` says why then (``ReadTimeout: The read operation timed out``).
    ``answer``: what answered it, if that isn't written down as a route; it isn't part of a history.
    """

    at: int
    method: str
    url: str
    status: int | None = None
    error: str | None = None
    took: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Any = field(default=None, compare=False, repr=False)

    def to_data(self) -> dict[str, Any]:
        """The request as plain JSON, times in seconds."""
        return {
            "at": self.at / SECOND,
            "method": self.method,
            "url": self.url,
            "status": self.status,
            "error": self.error,
            "took": self.took / SECOND,
            "headers": dict(self.headers),
        }

    def seen_from(self, start: datetime) -> Request:
        """The same with its instant in time; ``start`` is that of the submission."""
        at, took = start + timedelta(microseconds=self.at), timedelta(microseconds=self.took)
        return Request(self.method, self.url, self.status, self.error, at, took, self.headers)


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a run. ``at`` is an aware UTC datetime, ``took`` the virtual time until its answer.

    The rest is as in ``HttpCall``.
    """

    method: str
    url: str
    status: int | None
    error: str | None
    at: datetime
    took: timedelta
    headers: Mapping[str, str]
