"""In which order parallel things are handled at one instant: a choice, not a law.

The engine asks a ``Choose`` wherever several steps could go first: handlers about to be called, and results that
arrived. What one step or one worker process does in turn is no question, and neither is what can go only one way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from tasker_testkit.engine.calls import Call, Worker
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.errors import RunError

Choose = Callable[[int], int]
"""Asked with how many could go first (at least 2), in order of booking; says which of them does (from 0)."""

Asked = Sequence[tuple[int, int]]
"""Every question of a run, in turn, as (choice, number of candidates)."""


def chooser(order: str | Sequence[int], seed: int) -> Choose | None:
    """Who chooses: nobody (``"creation"``), chance from the seed (``"seeded"``), or a list of choices."""
    if order == "creation":
        return None
    return seeded(seed) if isinstance(order, str) else scripted(order)


def seeded(seed: int) -> Choose:
    """Draws each choice; the same seed draws the same."""
    return Random(repr((seed, "order"))).randrange


def scripted(choices: Sequence[int]) -> Choose:
    """Answers with these choices in turn, beyond their end with 0. The Choose raises RunError for one out of range."""
    left = enumerate(choices)

    def choose(candidates: int) -> int:
        number, choice = next(left, (0, 0))
        if choice >= candidates:
            raise RunError(
                f"order[{number}] is {choice}, but there are {candidates} candidates: it can be 0 to {candidates - 1}. "
                "It belongs to another workflow or plan; leave it out, or list the choices of this one."
            )
        return choice

    return choose


def following(asked: Asked) -> tuple[int, ...] | None:
    """The choices that come next, depth first, after a run that was asked this; None after the last.

    From ``()`` on, running with what follows leads through every order of a workflow once.
    """
    for place in range(len(asked) - 1, -1, -1):
        choice, candidates = asked[place]
        if choice + 1 < candidates:
            return (*(before for before, _ in asked[:place]), choice + 1)
    return None


def picker(choose: Choose | None, asked: list[tuple[int, int]]) -> Callable[[deque[Any]], Any]:
    """What takes the next entry from a lane of the agenda; what is chosen is kept in ``asked``."""
    if choose is None:
        return deque.popleft

    def pick(lane: deque[Any]) -> Any:
        places = _candidates(lane)
        if len(places) < 2:
            return lane.popleft()
        choice = choose(len(places))
        asked.append((choice, len(places)))
        entry = lane[places[choice]]
        del lane[places[choice]]
        return entry

    return pick


def _candidates(entries: Iterable[Call | Worker | tuple[Call, object]]) -> list[int]:
    """The places, in a lane, of those that could go first: the first one of each step."""
    places: dict[int, int] = {}
    for place, entry in enumerate(entries):
        step = _step(entry)
        if step is not None:
            places.setdefault(step.index, place)
    return list(places.values())


def _step(entry: Call | Worker | tuple[Call, object]) -> StepRow | None:
    """Whose turn the entry is; a worker process that can't begin anything is nobody's."""
    if isinstance(entry, Worker):
        return entry.queue[0].step if entry.can_start else None
    return entry.step if isinstance(entry, Call) else entry[0].step
