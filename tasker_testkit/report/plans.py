"""A fault plan in words, and as calls of the methods that plan it."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tasker_testkit.model.durations import exactly, spoken
from tasker_testkit.model.fault_kinds import Fault
from tasker_testkit.model.http_faults import Outage
from tasker_testkit.report.story import preview

_MOMENTS: Final = {
    "before": "before the handler is called",
    "checkpoint": "at its first checkpoint",
    "after": "after the handler returned, before the result is stored",
}


def _raised(one: Fault) -> str:
    said = f"{one.raised.type}: {one.raised.message}" if one.raised.message else one.raised.type
    return f"raises {said}"


def _failed(one: Fault) -> str:
    failure = one.failure
    code = f" ({failure.error_code})" if failure.error_code else ""
    after = f", to be retried after {failure.retry_after:g} s" if failure.retry_after else ""
    kind = "retryable" if failure.retryable else "for good"
    return f"fails, {kind}: {failure.error_type}{code}: {failure.message}{after}"


_WORDS: Final[Mapping[str, Callable[[Fault], str]]] = {
    "raise": _raised,
    "fail": _failed,
    "delay": lambda one: f"gives its result {spoken(one.by)} late",
    "hang": lambda one: "never returns",
    "crash": lambda one: f"loses its worker {_MOMENTS[one.when]}",
    "lose_result": lambda one: "returns, and its result is lost",
    "duplicate": lambda one: "is delivered twice",
    "corrupt": lambda one: f"has {preview(one.value)} stored at {one.path!r} of its result",
    "http": lambda one: f"meets {one.wire}",
}


def in_words(one: Fault) -> str:
    """The fault as a sentence about its step: ``charge: attempt 1 returns, and its result is lost``."""
    if isinstance(one.wire, Outage):
        return f"{one.wire.system} is away from {spoken(one.wire.start)} on, for {spoken(one.wire.length)}"
    who = f"{one.step}: {_attempts(one)}" if one.step else "any attempt"
    return f"{who} {_WORDS[one.kind](one)}"


def _attempts(one: Fault) -> str:
    numbers = one.attempts
    if numbers is None:
        return "every attempt"
    if len(numbers) == 1:
        return f"attempt {numbers[0]}"
    return f"each of the attempts {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def as_calls(plan: Sequence[Fault], receiver: str) -> list[str] | None:
    """The plan as lines of Python, such as ``faults.fail("charge", attempt=1)``; None if it can't be written so."""
    calls = [_call(one) for one in plan]
    return None if None in calls else [f"{receiver}.{call}" for call in calls]


def _call(one: Fault) -> str | None:
    written = _CALLS[one.kind](one)
    if written is None:
        return None
    method, arguments = written
    numbers = one.attempts if one.attempts is None or len(one.attempts) > 1 else one.attempts[0]
    attempt = [] if numbers is None else [f"attempt={list(numbers) if isinstance(numbers, tuple) else numbers}"]
    return f"{method}({', '.join([*arguments, *attempt])})"


def _raise_call(one: Fault) -> tuple[str, list[str]] | None:
    """Only of an exception of Python's own, which its text makes as it is."""
    kind, plain = getattr(builtins, one.raised.type, None), one.to_data()["raise"].keys() <= {"type", "message"}
    if not plain or not isinstance(kind, type) or not issubclass(kind, Exception):
        return None
    arguments = [one.raised.message] if one.raised.message else []
    made = f"{one.raised.type}({', '.join(map(quoted, arguments))})"
    return ("raise_", [quoted(one.step), made]) if _says(kind, arguments) else None


def _says(kind: type[Exception], arguments: list[str]) -> bool:
    """Whether an exception of this class that is made of its text has that text."""
    try:
        return str(kind(*arguments)) == "".join(arguments)
    except TypeError:
        return False


def _fail_call(one: Fault) -> tuple[str, list[str]]:
    return "fail", [quoted(one.step), *_keywords(one.to_data()["fail"])]


def _http_call(one: Fault) -> tuple[str, list[str]]:
    setting = {"method": None, **one.to_data()["http"]}
    step = {"step": one.step} if one.step else {}
    return "http", [_literal(setting.pop("method")), _literal(setting.pop("url")), *_keywords({**setting, **step})]


def _keywords(given: Mapping[str, Any]) -> list[str]:
    return [f"{name}={_literal(value)}" for name, value in given.items()]


def _aimed(method: str, *arguments: Callable[[Fault], str]) -> Callable[[Fault], tuple[str, list[str]]]:
    """A method whose first argument is the step."""
    return lambda one: (method, [quoted(one.step), *(argument(one) for argument in arguments)])


_CALLS: Final[Mapping[str, Callable[[Fault], tuple[str, list[str]] | None]]] = {
    "raise": _raise_call,
    "fail": _fail_call,
    "delay": _aimed("delay", lambda one: quoted(exactly(one.by))),
    "hang": _aimed("hang"),
    "crash": _aimed("crash", lambda one: f"when={quoted(one.when)}"),
    "lose_result": _aimed("lose_result"),
    "duplicate": _aimed("duplicate"),
    "corrupt": _aimed("corrupt", lambda one: quoted(one.path), lambda one: _literal(one.value)),
    "http": _http_call,
    "outage": lambda one: ("outage", [_literal(value) for value in one.to_data()["outage"].values()]),
}


def _literal(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else repr(value)


def quoted(text: str) -> str:
    """The text as Python writes it in double quotes, if that is no longer than in single ones."""
    written = repr(text)
    inside = written[1:-1]
    return f'"{inside}"' if written[0] == "'" and '"' not in inside and "\\'" not in inside else written
