"""Every error this package raises on purpose, one class for each kind of mistake.

The text of an error says what happened, what was possible and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final


class TaskerTestkitError(Exception):
    """Any error of tasker_testkit; its text is meant for the person who wrote the test."""


class TemplateError(TaskerTestkitError):
    """A template can't be loaded; ``problems`` lists every reason, ``kind`` is the class of the first."""

    def __init__(self, message: str, *, problems: Sequence[str] = (), kind: str = "unreadable") -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)
        self.kind = kind


class InputError(TaskerTestkitError):
    """The task's input was refused before the task existed; ``problems`` lists every reason."""

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems) or (message,)


class SubmissionRefused(TaskerTestkitError):
    """Tasker itself answers this submission with an error (profile ``tasker-0.1.8``): ``status``, ``code``."""

    def __init__(self, message: str, *, status: int, code: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ProfileError(TaskerTestkitError):
    """An unknown profile, or a setting of one that makes no sense."""


class HandlerError(TaskerTestkitError):
    """Handlers can't be imported, found or called."""


class HandlerHangs(TaskerTestkitError):
    """A handler blocked in real time for longer than ``real_timeout``."""


class StubError(TaskerTestkitError):
    """A stub that can't be used: unknown step, not an ancestor, wrong shape, never used."""


class FaultError(TaskerTestkitError):
    """A fault that is malformed, could never fire, or didn't."""


class EffectError(TaskerTestkitError):
    """An effect that can't be booked: no name, or a key or data that isn't JSON."""


class RouteError(TaskerTestkitError):
    """A route that isn't understood, or that no request met."""


class UnansweredRequest(TaskerTestkitError):
    """A handler's HTTP request that neither a route nor a double answers; its attempt fails, whatever it does then."""


class RunError(TaskerTestkitError):
    """A question to a run, or an action on one, that makes no sense: unknown step, wrong state, no end."""


class ScenarioError(TaskerTestkitError):
    """A scenario file that can't be right; each problem has its line and column."""


class HistoryError(TaskerTestkitError):
    """A history file that can't be read or written."""


class TokenError(TaskerTestkitError):
    """A token that is damaged, of another version, or of another workflow or input than it meets."""


class StrategyError(TaskerTestkitError):
    """Nothing can be drawn: a schema that isn't supported or that nothing fits, or arguments that make no sense."""


class IllegalTransition(TaskerTestkitError):
    """A state was asked to change in a way the tables don't have. From inside the engine: a bug of ours."""


OF_A_RUN: Final = (FaultError, HandlerHangs, RouteError, RunError, StubError)
"""What breaks a run off, or fails it at its end, against what keeps it from beginning."""


def near(name: object, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the known name nearest to ``name``, or an empty text."""
    import difflib  # here, since every pytest session loads this module and few write such a message

    match = difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.6)
    return f" Did you mean {match[0]!r}?" if match else ""


def listed(names: Iterable[object]) -> str:
    """The names one a line, indented, as candidates are shown in messages; ``(none)`` if there are none."""
    lines = [f"  {name}" for name in names]
    return "\n".join(lines) if lines else "  (none)"
