"""Invariants over the effects of a run: nothing twice, nothing left behind."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.explore.judging import Invariant, Lived, Objection
from tasker_testkit.model.durations import spoken
from tasker_testkit.model.effects import Effect

_Booked = tuple[int, Effect]
"""An effect with its instant in microseconds."""


def _booked(run: Lived, names: Iterable[str] = ()) -> list[_Booked]:
    wanted = frozenset(names)
    return [(at, effect) for at, _, effect in run.engine.ledger.booked() if not wanted or effect.name in wanted]


def _identity(effect: Effect) -> Hashable:
    """What makes two effects the same one: the name and the key; without a key, the name and all data."""
    return effect.name, _written(effect.data if effect.key is None else effect.key), effect.key is None


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _told(at: int, effect: Effect) -> str:
    return f"  {spoken(at):>8}  {effect}"


def _no_effect_twice(run: Lived) -> None:
    seen: dict[Hashable, _Booked] = {}
    for at, effect in _booked(run):
        first = seen.setdefault(_identity(effect), (at, effect))
        if first[1] is not effect:
            raise Objection(
                f"the effect {effect.name!r} happens twice:\n{_told(*first)}\n{_told(at, effect)}\n"
                "Give the other side a key that is the same in every attempt, and let it answer with the first one.",
                at,
            )


no_effect_twice: Final = Invariant("no_effect_twice", "run", _no_effect_twice)
"""No effect happens twice: none of the same name and key; of effects without a key, none of the same name and data."""


@dataclass(frozen=True)
class _AtMostOnce:
    """Of each of these names there is one effect at most, whatever its key."""

    names: tuple[str, ...]

    @property
    def about(self) -> tuple[str, ...]:
        """The effects that it says something about."""
        return self.names

    def __call__(self, run: Lived) -> None:
        """Raise an Objection at the second one."""
        seen: dict[str, _Booked] = {}
        for at, effect in _booked(run, self.names):
            first = seen.setdefault(effect.name, (at, effect))
            if first[1] is not effect:
                raise Objection(
                    f"{effect.name!r} happens a second time:\n{_told(*first)}\n{_told(at, effect)}\n"
                    "If the keys differ, the other side can't know that it is the same one: make the key from the "
                    "task, not from the attempt, the clock or chance.",
                    at,
                )


def at_most_once(*names: str) -> Invariant:
    """Of each of these effects there is one at most in a task, even if the keys differ. Without names: of every one."""
    return Invariant(f"at_most_once({', '.join(map(repr, names))})", "run", _AtMostOnce(_checked(names)))


@dataclass(frozen=True)
class _Undone:
    """In a task that doesn't complete, each effect of the first names is followed by its undoing, of the same key."""

    undone_by: tuple[tuple[str, str], ...]

    @property
    def about(self) -> tuple[str, ...]:
        """The effects that want undoing; those that undo them needn't happen."""
        return tuple(done for done, _ in self.undone_by)

    def __call__(self, run: Lived) -> None:
        """Raise an Objection that lists what is left."""
        if run.engine.ledger.task_state in ("complete", "resolved_manually"):
            return
        left = [*self._left(_booked(run))][::-1]
        if left:
            names = ", ".join(f"{effect.name} (undone by {dict(self.undone_by)[effect.name]})" for _, effect in left)
            raise Objection(
                f"the task ends {run.engine.ledger.task_state}, and this is not undone: {names}\n"
                + "\n".join(_told(*one) for one in left)
            )

    def _left(self, booked: list[_Booked]) -> Iterable[_Booked]:
        """What no later undoing of the same key takes back, each undoing taking back one; the last one first."""
        undoings = {undoing: done for done, undoing in self.undone_by}
        taken: Counter[Hashable] = Counter()
        for at, effect in reversed(booked):
            if effect.name in undoings:
                taken[undoings[effect.name], _written(effect.key)] += 1
            elif effect.name in dict(self.undone_by):
                if not taken[effect.name, _written(effect.key)]:
                    yield at, effect
                else:
                    taken[effect.name, _written(effect.key)] -= 1


def every_effect_undone_or_task_complete(undone_by: Mapping[str, str]) -> Invariant:
    """A task completes, or what it did is undone: ``undone_by={"reserve": "release", "charge": "refund"}``.

    An undoing takes back one earlier effect of the same key. Raises TaskerTestkitError for anything but names.
    """
    if not isinstance(undone_by, Mapping):
        raise TaskerTestkitError(
            f"undone_by={undone_by!r:.80}: give a mapping from an effect to the one that undoes it, "
            'as in {"reserve": "release"}.'
        )
    pairs = zip(_checked(undone_by), _checked(undone_by.values()), strict=True)
    return Invariant("every_effect_undone_or_task_complete", "run", _Undone(tuple(pairs)))


def not_booked(invariants: Iterable[Invariant], run: Lived) -> Iterator[str]:
    """A sentence for each effect that an invariant is about and the run doesn't have: of a slip everything holds."""
    there = sorted({effect.name for _, effect in _booked(run)})
    others = f"it has {', '.join(map(repr, there))}" if there else "it has none"
    for invariant in invariants:
        for name in getattr(invariant.function, "about", ()):
            if name not in there:
                yield f"the plain run has no effect {name!r}, which {invariant.name} is about; {others}."


def _checked(names: Iterable[Any]) -> tuple[str, ...]:
    found = tuple(names)
    for name in found:
        if not isinstance(name, str) or not name:
            raise TaskerTestkitError(f"{name!r:.80} is no name of an effect. Give the text that effect(...) is given.")
    return found
