"""One fault as a value, and THE TABLE of its kinds: how each is read from data and written to data."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeGuard

from tasker_testkit.errors import FaultError, TaskerTestkitError, listed, near
from tasker_testkit.model.corruption import parts
from tasker_testkit.model.durations import exactly, microseconds
from tasker_testkit.model.http_faults import HttpFault, Outage
from tasker_testkit.model.http_settings import read_http, read_outage, write_wire
from tasker_testkit.model.outcome import Failure

ANYWHERE: Final = ("http", "outage")
"""Kinds that strike a handler's requests; they needn't name a step."""

Attempts = int | Iterable[int] | None
Fields = dict[str, Any]
ExceptionClasses = Mapping[str, type[BaseException]]
"""Exceptions that data may name beside Python's own, by class name."""

_MESSAGE: Final = "injected fault"


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception as data: its class's name and text, and what it says about a retry (None = nothing).

    ``retry_after`` is seconds. ``exception`` is the original, if there was one; it doesn't count for equality.
    """

    type: str
    message: str = ""
    retryable: bool | None = None
    error_code: str | None = None
    retry_after: float | None = None
    exception: BaseException | None = field(default=None, compare=False, repr=False)

    def make(self, known: ExceptionClasses | None = None) -> BaseException:
        """The exception to raise: the original, else one of the class of that name among ``known`` and the builtins.

        A name that is in neither becomes an ``Exception`` of that name.
        """
        if self.exception is not None:
            return self.exception
        error = _named(self.type, known or {})(self.message)
        for name, value in _given(self, _RETRY_FIELDS).items():
            setattr(error, name, value)
        return error


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``attempts`` are 1-based and ascending, None = every attempt; the rest belongs to its ``kind``.

    ``raised``: of ``raise``; ``failure``: of ``fail``; ``by`` (microseconds): of ``delay``; ``when``: of ``crash``;
    ``path``, ``value``: of ``corrupt``; ``wire``: of ``http`` and ``outage``, whose ``step`` may be ``""`` for any.
    """

    kind: str
    step: str
    attempts: tuple[int, ...] | None = None
    raised: Raised = field(default=Raised(""), hash=False)
    failure: Failure = field(default=Failure(), hash=False)
    by: int = 0
    when: Literal["before", "checkpoint", "after"] = "before"
    path: str = ""
    value: Any = field(default=None, hash=False)
    wire: HttpFault | Outage | None = None

    def hits(self, attempt: int) -> bool:
        """Whether the fault is aimed at this attempt."""
        return self.attempts is None or attempt in self.attempts

    def make_exception(self, known: ExceptionClasses | None = None) -> BaseException:
        """What a ``raise`` fault raises; ``known`` are classes that its data may name, beside Python's own."""
        return self.raised.make(known)

    def to_data(self) -> dict[str, Any]:
        """The fault as plain JSON, as ``fault_from_data`` reads it."""
        data: dict[str, Any] = {"step": self.step} if self.step else {}
        if self.attempts is not None:
            data["attempt"] = self.attempts[0] if len(self.attempts) == 1 else list(self.attempts)
        return {**data, self.kind: KINDS[self.kind].write(self)}

    def __str__(self) -> str:
        what = f"{self.kind} {self.wire}" if self.wire else self.kind
        where = f" at {self.step}" if self.step else ""
        if self.attempts is None:
            return f"{what}{where}, every attempt" if where else what
        plural = "s" if len(self.attempts) > 1 else ""
        return f"{what}{where}, attempt{plural} {', '.join(map(str, self.attempts))}"


def _named(name: str, known: ExceptionClasses) -> type[BaseException]:
    found = known.get(name) or getattr(builtins, name, None)
    return found if _is_exception(found) else type(name, (Exception,), {})


def _is_exception(value: Any) -> TypeGuard[type[BaseException]]:
    return isinstance(value, type) and issubclass(value, BaseException)


def fault(kind: str, step: str, attempt: Attempts, setting: Any) -> Fault:
    """A checked fault; ``setting`` is what its data has under ``kind``. Raises FaultError."""
    if not isinstance(step, str) or not (step or kind in ANYWHERE):
        raise FaultError(f"A fault's step is the name of a step, not {step!r}.")
    if kind == "outage" and (step or attempt is not None):
        raise FaultError("An outage strikes whoever calls the system: it has neither step nor attempt.")
    return Fault(kind, step, _attempts(attempt), **KINDS[kind].read(setting))


def fault_from_data(data: Any) -> Fault:
    """The fault that a mapping describes: ``step``, optionally ``attempt``, and one key that says what happens."""
    if isinstance(data, Fault):
        return data
    if not isinstance(data, Mapping):
        raise FaultError(f"A fault is a mapping such as {{step: x, attempt: 1, fail: {{}}}}, not {data!r:.80}.")
    _known_keys(data, ("step", "attempt", *KINDS))
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) != 1:
        raise FaultError(
            f"A fault needs exactly one kind; this one has {' and '.join(kinds) or 'none'}. Kinds:\n{listed(KINDS)}"
        )
    if "step" not in data and kinds[0] not in ANYWHERE:
        raise FaultError(f"The fault {kinds[0]!r} names no step. Add 'step: NAME'.")
    if data.get("attempt", 1) is None:
        raise FaultError("'attempt' is empty. Give a number or several, or leave the key out for every attempt.")
    return fault(kinds[0], data.get("step", ""), data.get("attempt"), data[kinds[0]])


def _attempts(attempt: Any) -> tuple[int, ...] | None:
    if attempt is None:
        return None
    several = isinstance(attempt, Iterable) and not isinstance(attempt, (str, bytes, Mapping))
    found = tuple(attempt) if several else (attempt,)
    if not found or not all(type(number) is int and number >= 1 for number in found):
        raise FaultError(f"attempt={attempt!r:.80}: attempts are whole numbers from 1; None is every attempt.")
    return tuple(sorted(set(found)))


def _known_keys(data: Mapping[Any, Any], known: Iterable[str]) -> None:
    names = tuple(known)
    for key in data:
        if key not in names:
            raise FaultError(f"Unknown key {key!r}.{near(key, names)} Known keys:\n{listed(names)}")


_FIELD_TYPES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "type": ((str,), "a text"),
    "message": ((str,), "a text"),
    "error_type": ((str,), "a text"),
    "error_code": ((str,), "a text"),
    "retryable": ((bool,), "true or false"),
    "retry_after": ((int, float), "a number of seconds"),
    "metadata": ((Mapping,), "a mapping"),
}
_RETRY_FIELDS: Final = ("retryable", "error_code", "retry_after")
_RAISE_FIELDS: Final = ("type", "message", *_RETRY_FIELDS)
_FAIL_FIELDS: Final = ("message", "error_type", *_RETRY_FIELDS, "metadata")


def _fields(kind: str, data: Any, known: tuple[str, ...]) -> Fields:
    """The checked fields of a kind whose setting is a mapping."""
    if not isinstance(data, Mapping):
        raise FaultError(f"'{kind}' takes a mapping, not {data!r:.80}. Known keys:\n{listed(known)}")
    _known_keys(data, known)
    for key, value in data.items():
        if not _fits(key, value):
            raise FaultError(f"'{key}' of '{kind}' must be {_FIELD_TYPES[key][1]}, not {value!r:.80}.")
    return dict(data)


def _fits(field: str, value: Any) -> bool:
    types = _FIELD_TYPES[field][0]
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _given(value: Any, names: Iterable[str]) -> Fields:
    """The named attributes that aren't None."""
    return {name: found for name in names if (found := getattr(value, name, None)) is not None}


def _read_raise(data: Any) -> Fields:
    if isinstance(data, BaseException):
        return {"raised": _raised(data)}
    if _is_exception(data):
        try:
            return {"raised": _raised(data())}
        except TypeError as error:
            raise FaultError(f"{data.__name__} can't be made without arguments ({error}). Give an instance.") from None
    given = _fields("raise", data, _RAISE_FIELDS)
    if not given.get("type"):
        raise FaultError("'raise' names no exception. Add 'type: NAME', for example 'type: ConnectionError'.")
    return {"raised": Raised(**given)}


def _raised(error: BaseException) -> Raised:
    fitting = {name: value for name, value in _given(error, _RETRY_FIELDS).items() if _fits(name, value)}
    return Raised(type(error).__name__, str(error), **fitting, exception=error)


def _read_fail(data: Any) -> Fields:
    given = {"message": _MESSAGE, "metadata": {}, **_fields("fail", data, _FAIL_FIELDS)}
    return {"failure": Failure(**{**given, "metadata": _json("metadata", given["metadata"])})}


def _write_fail(fault: Fault) -> Fields:
    plain = Failure(_MESSAGE)
    found = _given(fault.failure, _FAIL_FIELDS)
    return {name: deepcopy(value) for name, value in found.items() if value != getattr(plain, name)}


def _read_delay(data: Any) -> Fields:
    try:
        return {"by": microseconds(data)}
    except TaskerTestkitError as error:
        raise FaultError(f"'delay': {error}") from None


def _read_crash(data: Any) -> Fields:
    if data not in ("before", "checkpoint", "after"):
        raise FaultError(f"A crash is 'before' or 'after' the handler's work, or at a 'checkpoint', not {data!r:.80}.")
    return {"when": data}


def _read_corrupt(data: Any) -> Fields:
    if not isinstance(data, Mapping) or set(data) != {"path", "value"}:
        raise FaultError(f"'corrupt' takes a mapping of path and value, not {data!r:.80}.")
    if not isinstance(data["path"], str):
        raise FaultError(f"'path' of 'corrupt' must be a text such as 'items.0.sku', not {data['path']!r:.80}.")
    parts(data["path"])
    return {"path": data["path"], "value": _json("value", data["value"])}


def _json(name: str, value: Any) -> Any:
    """A copy of the value through JSON."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise FaultError(f"'{name}' of a fault must be plain JSON: {error}.") from None


def _read_flag(data: Any) -> Fields:
    if data is not True:
        raise FaultError(f"This kind of fault takes nothing but 'true', not {data!r:.80}.")
    return {}


class Kind(NamedTuple):
    """How a kind's setting becomes fields of a Fault, and back."""

    read: Callable[[Any], Fields]
    write: Callable[[Fault], Any]


_FLAG: Final = Kind(_read_flag, lambda fault: True)

KINDS: Final[Mapping[str, Kind]] = {
    "raise": Kind(_read_raise, lambda fault: _given(fault.raised, _RAISE_FIELDS)),
    "fail": Kind(_read_fail, _write_fail),
    "delay": Kind(_read_delay, lambda fault: exactly(fault.by)),
    "hang": _FLAG,
    "crash": Kind(_read_crash, lambda fault: fault.when),
    "lose_result": _FLAG,
    "duplicate": _FLAG,
    "corrupt": Kind(_read_corrupt, lambda fault: {"path": fault.path, "value": deepcopy(fault.value)}),
    "http": Kind(read_http, lambda fault: write_wire(fault.wire)),
    "outage": Kind(read_outage, lambda fault: write_wire(fault.wire)),
}
"""Every kind of fault; a new one is an entry here, a field of Fault if it needs one, and a method of FaultPlan."""
