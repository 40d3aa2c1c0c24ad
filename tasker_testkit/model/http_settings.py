"""Faults of HTTP requests as plain data: how ``http`` and ``outage`` are read, checked and written."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from tasker_testkit.errors import FaultError, TaskerTestkitError, listed, near
from tasker_testkit.model.durations import exactly, microseconds
from tasker_testkit.model.http_faults import BREAKAGES, HttpFault, Moment, Outage


def read_http(data: Any) -> dict[str, Any]:
    """The fields of a fault that ``http: {...}`` describes. Raises FaultError."""
    given = checked("http", data, _HTTP)
    if "url" not in given:
        raise FaultError("'http' names no url. Add the address: https://pay.example/charges, or https://pay.example/*.")
    if not {"status", "error", "delay"} & given.keys():
        raise FaultError(f"'http' of {given['url']} doesn't say what happens. Give one of these:\n{listed(_HAPPENS)}")
    return {"wire": replace(answer_of(given), method=method_of(given), url=address(given["url"]), calls=_calls(given))}


def answer_of(given: Mapping[str, Any]) -> HttpFault:
    """What is answered, and when, as checked settings say; of no request yet. Raises FaultError."""
    fields = {name: _copy(name, given[name]) for name in ("status", "error", "headers", "body") if name in given}
    return HttpFault(None, "*", when=_moment(given), delay=microseconds(given.get("delay", 0)), **fields)


def method_of(given: Mapping[str, Any]) -> str | None:
    """The method in capitals, None for any."""
    method = str(given.get("method") or "ANY").upper()
    return None if method in ("*", "ANY") else method


def read_outage(data: Any) -> dict[str, Any]:
    """The fields of a fault that ``outage: {...}`` describes. Raises FaultError."""
    given = checked("outage", data, _OUTAGE)
    missing = [name for name in _OUTAGE if name not in given]
    if missing:
        raise FaultError(
            f"'outage' lacks {' and '.join(missing)}. Write {{system: payments, start: 10s, length: 5m}}; "
            "start counts from the submission."
        )
    if not microseconds(given["length"]):
        raise FaultError("'length' of 'outage' is 0: nobody would notice. Give a duration such as 5m.")
    return {"wire": Outage(given["system"], microseconds(given["start"]), microseconds(given["length"]))}


def write_wire(one: HttpFault | Outage | None) -> dict[str, Any]:
    """The setting that ``read_http`` or ``read_outage`` reads back."""
    if isinstance(one, Outage):
        return {"system": one.system, "start": exactly(one.start), "length": exactly(one.length)}
    return _write_http(one) if one else {}


def _write_http(one: HttpFault) -> dict[str, Any]:
    fields = ("method", "url", "status", "error", "headers", "body")
    given = {name: _copy(name, getattr(one, name)) for name in fields}
    data = {name: value for name, value in given.items() if value is not None and (name != "headers" or value)}
    if one.calls is not None:
        first = one.calls == tuple(range(1, len(one.calls) + 1))
        data |= {"times": len(one.calls)} if first else {"call": list(one.calls) if one.calls[1:] else one.calls[0]}
    if one.delay:
        data["delay"] = exactly(one.delay)
    return {**data, "when": one.when} if one.when != _usual(data) else data


def address(text: str) -> str:
    """An address that makes sense as a pattern. Raises FaultError for half of one."""
    if "://" not in text and not text.startswith("*"):
        raise FaultError(f"{text!r} is half an address. Give all of it, as in https://pay.example/charges, or *{text}.")
    return text


def _calls(given: Mapping[str, Any]) -> tuple[int, ...] | None:
    if "times" in given and "call" in given:
        raise FaultError("'times' (the first so many calls) and 'call' (these calls) exclude each other. Give one.")
    if "times" in given:
        return tuple(range(1, given["times"] + 1))
    several = given.get("call")
    return None if several is None else tuple(sorted({*several} if isinstance(several, (list, tuple)) else {several}))


def _moment(given: Mapping[str, Any]) -> Moment:
    if "status" in given and "error" in given:
        raise FaultError("'status' (another answer) and 'error' (none) exclude each other. Give one.")
    if "status" not in given and {"headers", "body"} & given.keys():
        raise FaultError("'headers' and 'body' belong to an answer. Add its 'status'.")
    when: Moment = given.get("when", _usual(given))
    possible = BREAKAGES[given["error"]].moments if "error" in given else ("before", "after")
    if "status" not in given and "error" not in given:
        possible = ("after",)
    if when not in possible:
        raise FaultError(f"'when: {when}' can't be: {_told(given)} is always {possible[0]} the server acted.")
    return when


def _usual(given: Mapping[str, Any]) -> Moment:
    """What is meant if ``when`` isn't given: an answer that is only late has been made by a server that acted."""
    if "error" in given:
        return BREAKAGES[given["error"]].moments[0]
    return "before" if "status" in given else "after"


def _told(given: Mapping[str, Any]) -> str:
    return f"error {given['error']!r}" if "error" in given else "an answer that is only late"


def _copy(name: str, value: Any) -> Any:
    """A copy through JSON."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise FaultError(f"'{name}' of 'http' must be plain JSON: {error}.") from None


class Key(NamedTuple):
    """What a setting must be: the check, the words for it, and all possible names if it is one of some."""

    fits: Callable[[Any], bool]
    words: str
    names: Collection[str] = ()


def _is_duration(value: Any) -> bool:
    try:
        return microseconds(value) >= 0
    except TaskerTestkitError:
        return False


def _whole(least: int, most: float = float("inf")) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and least <= value <= most


def _texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, str) for pair in value.items() for one in pair)


def _numbers(value: Any) -> bool:
    several = value if isinstance(value, (list, tuple)) else [value]
    return bool(several) and all(map(_whole(1), several))


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


_DURATION: Final = Key(_is_duration, "a duration such as 250ms, 40s or 5m")
_HAPPENS: Final = ("status: 503", *(f"error: {name}" for name in BREAKAGES), "delay: 40s")
PLACE: Final[Mapping[str, Key]] = {
    "method": Key(_text, "a text such as POST"),
    "url": Key(_text, "an address such as https://pay.example/charges"),
}
"""Which requests are meant."""
ANSWER: Final[Mapping[str, Key]] = {
    "status": Key(_whole(200, 599), "a whole number from 200 to 599"),
    "error": Key(lambda value: isinstance(value, str) and value in BREAKAGES, "the name of an error", BREAKAGES),
    "delay": _DURATION,
    "headers": Key(_texts, "a mapping of texts"),
    "body": Key(lambda value: True, "JSON or a text"),
    "when": Key(lambda value: value in ("before", "after"), "'before' or 'after' (the server acted)"),
}
"""What comes back."""
_HTTP: Final[Mapping[str, Key]] = {
    **PLACE,
    **ANSWER,
    "times": Key(_whole(1), "a whole number from 1: so many calls, from the first on"),
    "call": Key(_numbers, "the number of a call, from 1, or several"),
}
_OUTAGE: Final[Mapping[str, Key]] = {
    "system": Key(_text, "the name of a system, or an address with *"),
    "start": _DURATION,
    "length": _DURATION,
}


def checked(kind: str, data: Any, known: Mapping[str, Key]) -> dict[str, Any]:
    """The setting, if it is a mapping of known keys to values that fit. Raises FaultError."""
    if not isinstance(data, Mapping):
        raise FaultError(f"'{kind}' takes a mapping, not {data!r:.80}. Known keys:\n{listed(known)}")
    for key, value in data.items():
        if key not in known:
            raise FaultError(f"Unknown key {key!r} of '{kind}'.{near(key, known)} Known keys:\n{listed(known)}")
        if not known[key].fits(value):
            possible = _names(known[key], value)
            raise FaultError(f"'{key}' of '{kind}' must be {known[key].words}, not {value!r:.80}.{possible}")
    return dict(data)


def _names(key: Key, value: Any) -> str:
    return f"{near(value, key.names)} Possible:\n{listed(key.names)}" if key.names else ""
