"""What must hold of a run, as values; and the verdict on one: what doesn't hold, where, and which goals it reached."""

from __future__ import annotations

import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from tasker_testkit.engine.engine import Engine
from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.explore.views import Film, TaskView
from tasker_testkit.model.durations import spoken

_PACKAGE: Final = str(Path(__file__).parents[1]) + os.sep
_MOST: Final = 12
"""How many steps and effects a message shows."""


class Lived(Protocol):
    """A finished run, as far as it is judged here."""

    engine: Engine


class Objection(AssertionError):
    """What a ready-made invariant has against a run; ``at`` is in microseconds, None = the end."""

    def __init__(self, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Invariant:
    """Something that must hold.

    ``kind``: ``always`` (``function`` sees the task after every change of state, and at the end), ``eventually`` (only
    at the end), ``sometimes`` (true at some moment of some run), ``run`` (the function sees the finished Run). It
    doesn't hold if the function returns False or raises.
    """

    name: str
    kind: Literal["always", "eventually", "sometimes", "run"]
    function: Callable[[Any], Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """By its name where it stands in a module, as a decorated function does; else by its parts."""
        home = (getattr(self.function, "__module__", ""), getattr(self.function, "__qualname__", ""))
        if _standing(*home) is self:
            return _standing, home
        return Invariant, (self.name, self.kind, self.function)


def _standing(module: str, name: str) -> Any:
    __import__(module)
    return getattr(sys.modules[module], name, None) if name.isidentifier() else None


def always(function: Callable[[TaskView], Any], *, name: str | None = None) -> Invariant:
    """``function`` holds after every change of state of the task and its steps, and at the end.

    It is given a ``TaskView``: ``now``, ``state``, ``task["step"]`` with ``state, attempts, result, error``, ``steps``,
    ``effects``. It doesn't hold where it returns False or raises. Can be used as a decorator.
    """
    return _invariant("always", function, name)


def eventually(function: Callable[[TaskView], Any], *, name: str | None = None) -> Invariant:
    """``function`` holds at the end of every run. It is given the ``TaskView`` of the end; see ``always``."""
    return _invariant("eventually", function, name)


def sometimes(function: Callable[[TaskView], Any], *, name: str | None = None) -> Invariant:
    """``function`` holds at some moment of at least one run of an exploration; see ``always`` for what it is given."""
    return _invariant("sometimes", function, name)


def as_invariants(checks: Any) -> tuple[Invariant, ...]:
    """The invariants among ``checks`` as they are, and a plain function of a Run as one that is named after it.

    One check may come without a list around it. Raises TaskerTestkitError for anything else.
    """
    several = isinstance(checks, Iterable) and not isinstance(checks, (str, bytes))
    found = [_as_invariant(check) for check in (checks if several else (checks,))]
    return tuple(_told_apart(found))


def _as_invariant(check: Any) -> Invariant:
    if isinstance(check, Invariant):
        return check
    if not callable(check) or isinstance(check, type):
        raise TaskerTestkitError(
            f"check: {check!r:.80} can't be checked. Give functions of a Run that raise or return False, or "
            "invariants: always(f), eventually(f), sometimes(f), no_effect_twice, state_is(...)."
        )
    return _invariant("run", check, None)


def _told_apart(invariants: Iterable[Invariant]) -> Iterator[Invariant]:
    """Each under a name of its own; the same invariant twice counts once."""
    seen: dict[str, Invariant] = {}
    for one in invariants:
        if one in seen.values():
            continue
        name = next(name for name in _numbered(one.name) if name not in seen)
        seen[name] = one
        yield one if name == one.name else Invariant(name, one.kind, one.function)


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in range(2, sys.maxsize))


def _invariant(kind: Any, function: Any, name: str | None) -> Invariant:
    if not callable(function) or isinstance(function, (type, Invariant)):
        raise TaskerTestkitError(f"{kind}(...) takes a function, not {function!r:.80}.")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        made = "async def" if inspect.iscoroutinefunction(function) else "yield"
        raise TaskerTestkitError(f"{_called(function)} can't be checked: with {made!r} nothing of it would run.")
    return Invariant(name or _called(function), kind, function)


def _called(function: Any) -> str:
    """The function's name; of a lambda, where it stands."""
    name = getattr(function, "__name__", None) or str(function)
    code = getattr(function, "__code__", None)
    if name == "<lambda>" and code is not None:
        return f"lambda at {Path(code.co_filename).name}:{code.co_firstlineno}"
    return str(name)


# -- the verdict -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that doesn't hold, what there is to say about it, and when: microseconds, None = at the end."""

    invariant: str
    message: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What doesn't hold of a run, and the names of the ``sometimes`` that it reached."""

    broken: tuple[Broken, ...] = ()
    reached: frozenset[str] = frozenset()


class _Case:
    """One run before its judges; its views are made when the first of them asks."""

    def __init__(self, run: Lived) -> None:
        self.run = run

    @cached_property
    def film(self) -> Film:
        return Film(self.run.engine)

    @cached_property
    def views(self) -> Sequence[TaskView]:
        return tuple(self.film.views())


def judged(run: Lived, invariants: Iterable[Invariant]) -> Verdict:
    """Hold a run against the invariants, each by itself.

    Raises TaskerTestkitError for a check that answers neither True, False nor nothing.
    """
    case, broken, reached = _Case(run), [], []
    for invariant in invariants:
        if invariant.kind == "sometimes":
            if any(_objection(invariant, view) is None for view in case.views):
                reached.append(invariant.name)
        elif found := _JUDGES[invariant.kind](invariant, case):
            broken.append(found)
    return Verdict(tuple(broken), frozenset(reached))


def unreached(invariants: Iterable[Invariant], reached: Iterable[str], runs: int) -> tuple[Broken, ...]:
    """The ``sometimes`` that none of so many runs reached."""
    missing = [one for one in invariants if one.kind == "sometimes" and one.name not in set(reached)]
    where = "the run" if runs == 1 else f"any of the {runs} runs"
    text = f"holds at no moment of {where}. Explore deeper, or with another input; or it can't happen."
    return tuple(Broken(one.name, text) for one in missing)


def _always(invariant: Invariant, case: _Case) -> Broken | None:
    for view in case.views:
        objection = _objection(invariant, view)
        if objection is not None:
            when = f"when {view.changed}" if view.changed else "at the end of the run"
            text = _sentence(f"doesn't hold at {spoken(view.at)}, {when}", objection)
            return Broken(invariant.name, f"{text}\n{_pictured(view)}", view.at)
    return None


def _eventually(invariant: Invariant, case: _Case) -> Broken | None:
    view = case.film.end()
    objection = _objection(invariant, view)
    if objection is None:
        return None
    text = f"doesn't hold at the end of the run, {spoken(view.at)} after the submission"
    return Broken(invariant.name, f"{_sentence(text, objection)}\n{_pictured(view)}")


def _of_the_run(invariant: Invariant, case: _Case) -> Broken | None:
    try:
        objection = _objection(invariant, case.run)
    except Objection as found:
        return Broken(invariant.name, str(found), found.at)
    return None if objection is None else Broken(invariant.name, _sentence("doesn't hold of this run", objection))


_JUDGES: Final = {"always": _always, "eventually": _eventually, "run": _of_the_run}


def _sentence(what: str, objection: str) -> str:
    return f"{what}: {objection}" if objection else f"{what}."


def _objection(invariant: Invariant, subject: Any) -> str | None:
    """What the invariant's function has against the subject; None if it holds, empty if it only says no."""
    try:
        answer = invariant.function(subject)
    except Objection:
        raise
    except AssertionError as error:
        return str(error) or f"the assertion{_place(error)} fails"
    except Exception as error:
        return f"raised {type(error).__name__}{_place(error)}: {error}"
    except BaseException as error:
        if type(error).__name__ != "Failed":  # pytest.fail
            raise
        return str(error)
    if answer is None or isinstance(answer, bool) or type(answer).__name__ == "bool_":  # numpy's
        return None if answer is None or answer else ""
    raise TaskerTestkitError(
        f"The check {invariant.name!r} returned {answer!r:.80}. A check raises or returns False if it doesn't hold, "
        "and returns True or nothing if it does."
    )


def _place(error: BaseException) -> str:
    """Where in the check it was raised, or by what the check called; empty if that is in this package alone."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)]
    return f" at {Path(theirs[-1].filename).name}:{theirs[-1].lineno}" if theirs else ""


def _pictured(view: TaskView) -> str:
    """The task at that moment, a line for each step and effect."""
    steps = [(step.name, str(step)) for step in view.steps.values()]
    effects = [("effect", f"{found}, at {spoken(at)}") for at, found in view.booked]
    rows = [("task", view.state), *_shortened(steps, "steps"), *_shortened(effects, "effects")]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {text}".rstrip() for name, text in rows)


def _shortened(rows: list[tuple[str, str]], what: str) -> list[tuple[str, str]]:
    left = len(rows) - _MOST
    return rows if left <= 0 else [*rows[:_MOST], ("...", f"and {left} more {what}")]
