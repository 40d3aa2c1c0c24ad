"""Stubs: what takes the place of a step's handler, or says how long one takes. Nothing here needs tasker_core."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Final

from tasker_testkit.errors import StubError, TaskerTestkitError, listed, near
from tasker_testkit.model.durations import Duration, microseconds
from tasker_testkit.model.outcome import METADATA_DEFAULTS, Ending, Failure, Outcome, failure, success
from tasker_testkit.model.plain import copied, frozen, is_plain
from tasker_testkit.model.profile import Profile
from tasker_testkit.model.template import Template

Stub = Any
"""A result (mapping or None), a ``Failure``, an exception, a list of these (one an attempt), or a function."""
Raised = Callable[[BaseException], Ending]
"""Classifies an exception as the worker would."""


def by_step(template: Template, given: Any, what: str) -> dict[str, Any]:
    """A copy of the table ``given`` (None: empty), whose keys are steps or instances of the template's batch workers.

    Raises StubError for anything else; ``what`` is what it holds: ``stub``, ``duration``.
    """
    if not isinstance(given, (Mapping, type(None))):
        raise StubError(f"{what}s={given!r:.80}: give a mapping of step to {what}.")
    known, steps = template.step_names, set(template.step_names)
    for name in given or {}:
        if name not in steps and definition_of(template, str(name)) is None:
            raise StubError(
                f"There is a {what} for step {name!r}, but template {template.name!r} has no such step."
                f"{near(name, known)} Its steps:\n{listed(known)}"
            )
    return dict(given or {})


def definition_of(template: Template, name: str) -> str | None:
    """The template step that ``name`` names: itself, or the batch worker ``work`` for ``work_001``; else None."""
    if template.step(name) is not None:
        return name
    workers = [step.name for step in template.steps if step.type == "batch_worker"]
    return next((worker for worker in workers if name.startswith(f"{worker}_")), None)


def entry_for(table: Mapping[str, Any], name: str, template_name: str) -> tuple[str, Any] | None:
    """The table's entry for a step under its own name, else under its template step's; with the name that matched."""
    for key in (name, template_name):
        if key in table:
            return key, table[key]
    return None


class Prepared:
    """A step's stub under one profile: data is made ready the first time, and from then on only copied.

    ``asks_nobody``: it is only data, so that it has no effects and sends no requests.
    """

    __slots__ = ("_entries", "_profile", "_raised", "_ready", "asks_nobody")

    def __init__(self, stub: Stub, profile: Profile, raised: Raised) -> None:
        self._entries: Sequence[Any] = stub if isinstance(stub, (list, tuple)) else (stub,)
        self._profile = profile
        self._raised = raised
        self._ready: dict[int, _Give] = {}
        self.asks_nobody = all(isinstance(entry, _DATA) for entry in self._entries)

    def ending(self, attempt: int, context: Callable[[], Any]) -> Ending:
        """The outcome that it gives to an attempt (1-based); the last entry of a list repeats.

        ``context`` makes the real StepContext, for a function. Raises StubError for a value that can't be a result.
        """
        number = min(attempt, len(self._entries)) - 1
        give = self._ready.get(number)
        if give is None:
            if number < 0:
                raise StubError("A stub is an empty list: give one entry an attempt, the last one repeats.")
            give = self._ready[number] = _giving(self._entries[number], self._raised, self._profile)
        return give(context)


class Stubs:
    """The stubs of a simulation under one profile; ``used`` gets the name of each that a step has met."""

    def __init__(self, given: Mapping[str, Stub], profile: Profile, raised: Raised, used: set[str]) -> None:
        self._given = given
        self._profile = profile
        self._raised = raised
        self._used = used
        self._met: dict[str, Prepared] = {}
        self._prepared: dict[int, Prepared] = {}
        """By the identity of what was given: a batch's instances share one."""

    def of(self, name: str, template_name: str) -> Prepared | None:
        """The stub of a step, under its own name or else that of its template step; None if it has none."""
        stub = self._met.get(name)
        if stub is None and self._given:
            found = entry_for(self._given, name, template_name)
            if found is not None:
                stub = self._met[name] = self._prepared_for(*found)
        return stub

    def _prepared_for(self, name: str, stub: Stub) -> Prepared:
        self._used.add(name)
        prepared = self._prepared.get(id(stub))
        if prepared is None:
            prepared = self._prepared[id(stub)] = Prepared(stub, self._profile, self._raised)
        return prepared


_DATA: Final = (dict, Failure, Outcome, BaseException, type(None))
_Give = Callable[[Callable[[], Any]], Ending]


def _giving(value: Any, raised: Raised, profile: Profile) -> _Give:
    """What gives one entry's ending, attempt after attempt."""
    if isinstance(value, (Outcome, Failure)):
        outcome = _outcome(value, raised, profile)
        return lambda context: outcome
    if value is None or isinstance(value, Mapping):
        copy = frozen(json_copy(value))
        return lambda context: success(copy())
    if callable(value) and not isinstance(value, type):
        return lambda context: _answered(value, context, raised, profile)
    return lambda context: _outcome(value, raised, profile)


def _answered(function: Callable[[Any], Any], context: Callable[[], Any], raised: Raised, profile: Profile) -> Ending:
    """What a function makes of the context; what it raises, a handler would have raised."""
    try:
        value = function(context())
    except Exception as error:
        return raised(error)
    return _outcome(value, raised, profile)


def _outcome(value: Any, raised: Raised, profile: Profile) -> Ending:
    if isinstance(value, Outcome):
        return value
    if isinstance(value, Failure):
        return crossed(value, profile)
    if isinstance(value, BaseException) or (isinstance(value, type) and issubclass(value, BaseException)):
        return raised(value() if isinstance(value, type) else value)
    if value is None or isinstance(value, Mapping):
        return success(json_copy(value))
    raise StubError(
        f"A stub gave {value!r:.80}. A stub is a mapping (success), None (success without a "
        "result), a Failure, an exception, a list of these (one an attempt), or a function of the context."
    )


def json_copy(value: Any) -> Any:
    """A copy through JSON. Raises StubError for what JSON can't hold."""
    if not value:
        return {} if value is None else type(value)()
    with suppress(RecursionError):  # json says what that is
        if is_plain(value):
            return copied(value)
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise StubError(f"The result isn't JSON: {error}.") from None


def crossed(failed: Failure, profile: Profile) -> Outcome:
    """The failure as it crosses from worker to orchestrator (rows 8 and 9)."""
    kept = {key: value for key, value in failed.metadata.items() if profile.keeps_metadata or key in METADATA_DEFAULTS}
    return failure(
        failed.message,
        failed.error_type,
        retryable=failed.retryable,
        error_code=failed.error_code if profile.keeps_error_code else None,
        metadata=kept,
        retry_after=failed.retry_after,
    )


Durations = Mapping[str, "Duration | Sequence[Duration] | Callable[[Any, Random], Duration]"]


def has_function(entry: Any) -> bool:
    """Whether an entry in ``durations`` is a function, or a list with one."""
    return callable(entry) or (isinstance(entry, (list, tuple)) and any(map(callable, entry)))


def duration(entry: Any, attempt: int, context: Callable[[], Any], random: Random) -> int:
    """Microseconds that an attempt takes by its entry in ``durations``; the last entry of a list repeats.

    Raises StubError for what is no duration, and for a function that raises.
    """
    value = entry
    if isinstance(value, (list, tuple)):
        if not value:
            raise StubError("The list is empty: give one duration an attempt, the last one repeats.")
        value = value[min(attempt, len(value)) - 1]
    if callable(value):
        try:
            value = value(context(), random)
        except Exception as error:
            raise StubError(f"The function (of a context and a random generator) raised {error!r}.") from error
    try:
        return microseconds(value)
    except TaskerTestkitError as error:
        raise StubError(str(error)) from None
