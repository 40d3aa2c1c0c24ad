"""What a comparison of the two profiles finds, as values: how either ended, how steps differ, which rows mattered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Side:
    """What one profile made of a workflow: the task's last state and its virtual time, or why nothing ran.

    ``state`` and ``elapsed`` are None, and ``refused`` is the reason, if template, handlers or input were refused.
    """

    profile: str
    state: str | None
    elapsed: timedelta | None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing in which a step differs: ``state``, ``attempts``, ``waits``, ``result`` or ``error type``."""

    step: str
    what: str
    documented: str
    as_built: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing in which two runs differ: whose (a step, ``task``, ``effects``), its attempt, what, and both."""

    owner: str
    attempt: int | None
    what: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Divergence:
    """One row of ``docs/profiles.md`` that mattered: number and title, the steps it concerns, what to do about it."""

    row: int
    title: str
    steps: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What both profiles make of one workflow.

    ``documented`` and ``as_built`` say how either ended; ``differences`` the first thing in which each step differs;
    ``divergences`` the rows of ``docs/profiles.md`` that mattered; ``unsteady`` what was left out, because it differs
    between two runs of one profile.
    """

    template: Mapping[str, str]
    seed: int
    start: str
    documented: Side
    as_built: Side
    differences: tuple[Difference, ...]
    divergences: tuple[Divergence, ...]
    unsteady: tuple[str, ...]
