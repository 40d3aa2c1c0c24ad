"""What an operator does to a task, as values and as plain data: THE TABLE of actions and what each of them takes.

An action comes at an instant of the run, or when a state is seen; after everything else of that instant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tasker_testkit.errors import RunError, TaskerTestkitError, listed, near
from tasker_testkit.model.durations import exactly, microseconds, spoken
from tasker_testkit.model.states import STEP_STATES, TASK_STATES
from tasker_testkit.model.template import Template

ACTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "cancel": (),
    "reset_for_retry": ("step",),
    "resolve_manually": ("step",),
    "complete_manually": ("step", "result", "metadata", "reason", "completed_by"),
}
"""What each action takes beside its time. Rows 22 and 23 of the profiles say what it leads to."""

_TIME: Final = ("at", "when", "delay")
_WHEN: Final = ("step", "state", "nth")
_TEXT: Final = re.compile(r"(?P<do>[^:@]*)(:(?P<step>.*))?@(?P<at>[^@]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class When:
    """The ``nth`` time (from 1) that a step enters a state; without a step the task's own state."""

    state: str
    step: str | None = None
    nth: int = 1

    def __str__(self) -> str:
        times = "" if self.nth == 1 else f" for the {self.nth}. time"
        return f"{'the task' if self.step is None else f'step {self.step!r}'} is {self.state}{times}"


@dataclass(frozen=True, slots=True)
class Action:
    """One action of an operator: ``at`` an instant (microseconds after the submission) or ``delay`` after ``when``.

    ``result``, ``metadata``, ``reason`` and ``completed_by`` belong to ``complete_manually``.
    """

    do: str
    step: str | None = None
    at: int = 0
    when: When | None = None
    delay: int = 0
    result: Mapping[str, Any] = field(default_factory=dict, hash=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    reason: str = "test"
    completed_by: str = "tasker_testkit"

    def to_data(self) -> dict[str, Any]:
        """The action as plain JSON, as ``action_from_data`` reads it."""
        data: dict[str, Any] = {"do": self.do}
        data |= {key: getattr(self, key) for key in ACTIONS[self.do] if getattr(self, key) != getattr(_PLAIN, key)}
        if self.when is None:
            return {**data, "at": exactly(self.at)}
        given = {key: getattr(self.when, key) for key in _WHEN}
        data["when"] = {key: value for key, value in given.items() if value not in (None, 1)}
        return {**data, "delay": exactly(self.delay)} if self.delay else data

    def __str__(self) -> str:
        who = self.do if self.step is None else f"{self.do} of step {self.step!r}"
        if self.when is None:
            return f"{who} at {spoken(self.at)}"
        return f"{who} {f'{spoken(self.delay)} after' if self.delay else 'when'} {self.when}"


_PLAIN: Final = Action("cancel")


def read_actions(data: Iterable[Any]) -> tuple[Action, ...]:
    """The actions that a list of mappings describes (Action values are taken as they are), in its order.

    Raises RunError that says which entry is wrong with what.
    """
    if isinstance(data, (str, bytes, Mapping)) or not isinstance(data, Iterable):
        raise RunError(f"Actions are a list, not {data!r:.80}. Write [{{do: cancel, at: 5s}}].")
    return tuple(_numbered(number, entry) for number, entry in enumerate(data, 1))


def action_from_data(data: Any) -> Action:
    """The action that a mapping describes: ``do``, its time (``at``, or ``when`` and ``delay``), and what it takes."""
    if isinstance(data, Action):
        return data
    if not isinstance(data, Mapping):
        raise RunError(f"An action is a mapping such as {{do: cancel, at: 5s}}, not {data!r:.80}.")
    do = data.get("do")
    if not isinstance(do, str) or do not in ACTIONS:
        said = "The action says nothing to do." if do is None else f"There is no action {do!r:.80}.{near(do, ACTIONS)}"
        raise RunError(f"{said} Actions ('do'):\n{listed(ACTIONS)}")
    _known_keys(data, ("do", *ACTIONS[do], *_TIME), f"'{do}'")
    if "step" in ACTIONS[do] and not _is_name(data.get("step")):
        raise RunError(f"'{do}' names no step. Add 'step: NAME'.")
    fields = {key: _checked(key, data[key]) for key in ACTIONS[do] if key in data}
    return Action(do, **fields, **_time(do, data))


def action_from_text(text: str) -> Action:
    """The action that ``DO[:STEP]@DURATION`` or a JSON object says: ``cancel@5s``, ``reset_for_retry:charge@1m``."""
    try:
        return action_from_data(_parsed(text))
    except RunError as error:
        raise RunError(f"Action {text!r:.80}: {error}") from None


def _parsed(text: str) -> Any:
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RunError(f"it isn't JSON: {error}.") from None
    match = _TEXT.fullmatch(text)
    if match is None:
        raise RunError("it has no time. Write DO[:STEP]@DURATION, such as cancel@5s, or a JSON object.")
    return {key: value for key, value in match.groupdict().items() if value is not None}


def check_actions(actions: Iterable[Action], template: Template) -> None:
    """Every step that the actions name is one of the template, or an instance of its batch workers. Raises RunError."""
    workers = tuple(f"{step.name}_" for step in template.steps if step.type == "batch_worker")
    for action in actions:
        for name in (action.step, action.when.step if action.when else None):
            if name is not None and name not in template.step_names and not name.startswith(workers):
                raise RunError(
                    f"The action '{action}' can't be done: template {template.name!r} has no step {name!r}."
                    f"{near(name, template.step_names)} Its steps:\n{listed(template.step_names)}"
                )


def _numbered(number: int, entry: Any) -> Action:
    try:
        return action_from_data(entry)
    except RunError as error:
        raise RunError(f"Action {number}: {error}") from None


def _time(do: str, data: Mapping[str, Any]) -> dict[str, Any]:
    if ("at" in data) == ("when" in data):
        both = "both 'at' and 'when'" if "at" in data else "neither 'at' nor 'when'"
        raise RunError(f"'{do}' has {both}. Say when it's done: 'at: 5s', or 'when: {{step: NAME, state: STATE}}'.")
    if "at" in data:
        if "delay" in data:
            raise RunError(f"'{do}' has 'at' and 'delay'. A delay belongs to 'when'; add it to 'at'.")
        return {"at": _duration("at", data["at"])}
    return {"when": _when(data["when"]), "delay": _duration("delay", data.get("delay", 0))}


def _when(data: Any) -> When:
    if not isinstance(data, Mapping):
        raise RunError(f"'when' takes a mapping such as {{step: NAME, state: error}}, not {data!r:.80}.")
    _known_keys(data, _WHEN, "'when'")
    step, state, nth = data.get("step"), data.get("state"), data.get("nth", 1)
    if step is not None and not _is_name(step):
        raise RunError(f"'step' of 'when' is the name of a step, not {step!r:.80}.")
    whose, states = ("the task", TASK_STATES) if step is None else ("a step", STEP_STATES)
    if not isinstance(state, str) or state not in states:
        raise RunError(
            f"'when' needs a state of {whose}, not {state!r:.80}.{near(state, states)} States:\n{listed(states)}"
        )
    if type(nth) is not int or nth < 1:
        raise RunError(f"'nth' of 'when' is a whole number from 1, not {nth!r:.80}.")
    return When(state, step, nth)


def _duration(key: str, value: Any) -> int:
    try:
        return microseconds(value)
    except TaskerTestkitError as error:
        raise RunError(f"'{key}': {error}") from None


def _checked(key: str, value: Any) -> Any:
    """What ``key`` holds: a copy of a JSON object, or a text."""
    if key not in ("result", "metadata"):
        if not _is_name(value):
            raise RunError(f"'{key}' is a text, not {value!r:.80}.")
        return value
    if not isinstance(value, Mapping):
        raise RunError(f"'{key}' is a mapping, not {value!r:.80}.")
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise RunError(f"'{key}' must be plain JSON: {error}.") from None


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _known_keys(data: Mapping[Any, Any], known: tuple[str, ...], whose: str) -> None:
    for key in data:
        if key not in known:
            raise RunError(f"{whose} has no key {key!r}.{near(key, known)} Its keys:\n{listed(known)}")
