"""What today's handlers come to where a run is known, as values: a verdict for each of its attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["same", "differs", "now fails", "now passes", "unclear", "not run"]

OTHER: Final[Sequence[Verdict]] = ("now fails", "now passes", "differs", "unclear")
"""Verdicts after which it can't be said that all is as it was."""


@dataclass(frozen=True, slots=True)
class AttemptVerdict:
    """One attempt (``attempt``: its number, from 1) of then against today's handler.

    * ``same``: the same result, or the same failure.
    * ``differs``, ``now fails``, ``now passes``: ``place`` is the first in which they part (``result.total``),
      ``expected`` and ``actual`` what was and is there, as JSON text; ``further`` are more such places. ``why`` says so
      if secrets are there, of which only the placeholders are compared.
    * ``unclear``: they part, but the handler has read what the history has only a placeholder of; ``why`` says what.
    * ``not run``: ``why`` says for which reason.

    ``unsteady`` are places of which only the type was compared: they hang on the clock, on chance or on identifiers.
    """

    step: str
    attempt: int
    verdict: Verdict
    place: str = ""
    expected: str = ""
    actual: str = ""
    further: tuple[str, ...] = ()
    why: str = ""
    unsteady: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdicts:
    """What today's handlers come to for a run that is known.

    ``template``: namespace, name and version; ``start``: the run's, ISO text. ``attempts``: in the order in which they
    began. ``never_ran``: steps without any attempt. ``notes``: what else should be known, a sentence each.
    """

    template: Mapping[str, str]
    profile: str
    start: str
    attempts: tuple[AttemptVerdict, ...]
    never_ran: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every attempt that was run came to the same, and at least one was."""
        found = {one.verdict for one in self.attempts}
        return "same" in found and not found & set(OTHER)

    def of(self, verdict: Verdict) -> tuple[AttemptVerdict, ...]:
        """The attempts with that verdict."""
        return tuple(one for one in self.attempts if one.verdict == verdict)
