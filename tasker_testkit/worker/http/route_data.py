"""Routes as plain data: read and checked, without respx."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tasker_testkit.errors import RouteError, TaskerTestkitError, listed
from tasker_testkit.model.http_faults import HttpFault
from tasker_testkit.model.http_settings import ANSWER, PLACE, Key, address, answer_of, checked, method_of


@dataclass(frozen=True, slots=True)
class Raised:
    """No answer but an exception of ``httpx``, at once: the name of its ``type``, and its ``message``."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class RouteData:
    """One route. ``match`` has what else a request must have: ``headers``, ``params``, ``json``, ``data``.

    ``answers``: one a call, the last one repeats.
    """

    method: str | None
    url: str
    answers: tuple[HttpFault | Raised, ...]
    name: str | None = None
    match: Mapping[str, Any] = field(default_factory=dict)


def _mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


RAISED: Final = (
    *("ConnectError", "ConnectTimeout", "ReadError", "ReadTimeout", "WriteError", "WriteTimeout", "PoolTimeout"),
    *("CloseError", "LocalProtocolError", "RemoteProtocolError", "UnsupportedProtocol", "ProxyError"),
    *("DecodingError", "TooManyRedirects", "NetworkError", "TransportError", "RequestError"),
)
"""The exceptions of ``httpx`` that a route can raise."""
_RAISE: Final[Mapping[str, Key]] = {
    "type": Key(lambda value: value in RAISED, "the name of an exception of httpx", RAISED),
    "message": Key(lambda value: isinstance(value, str), "a text"),
}
_ANSWER: Final[Mapping[str, Key]] = {**ANSWER, "raise": Key(_mapping, "a mapping of type and message")}
_ROUTE: Final[Mapping[str, Key]] = {
    **PLACE,
    "name": Key(lambda value: isinstance(value, str) and bool(value), "a text"),
    "match": Key(_mapping, "a mapping of headers, params, json or data"),
    **_ANSWER,
    "answers": Key(lambda value: isinstance(value, (list, tuple)) and bool(value), "a list of answers"),
}
_MATCH: Final[Mapping[str, Key]] = {
    "headers": Key(_mapping, "a mapping of texts"),
    "params": Key(_mapping, "a mapping of texts"),
    "json": Key(lambda value: True, "JSON"),
    "data": Key(_mapping, "a mapping of texts"),
}


def read_routes(data: Any) -> tuple[RouteData, ...]:
    """The routes that a list of mappings describes. Raises RouteError that says which one is wrong with what."""
    if not isinstance(data, (list, tuple)):
        raise RouteError(
            f"routes={data!r:.80}: give a list of routes, as in "
            '[{"method": "POST", "url": "https://pay.example/charges", "status": 201, "body": {"id": "ch_1"}}], '
            "or a respx.Router."
        )
    return tuple(_numbered(number, entry) for number, entry in enumerate(data, 1))


def _numbered(number: int, entry: Any) -> RouteData:
    try:
        return _route(entry)
    except TaskerTestkitError as error:
        raise RouteError(f"Route {number}: {error}") from None


def _route(entry: Any) -> RouteData:
    given = checked("route", entry, _ROUTE)
    if "url" not in given:
        raise RouteError("it names no url. Add the address: https://pay.example/charges, or https://pay.example/*.")
    own = given.keys() & _ANSWER.keys()
    if own and "answers" in given:
        raise RouteError(f"'answers' lists whole answers; move {', '.join(sorted(own))} into them.")
    answers = given.get("answers", [{name: given[name] for name in own}])
    match = checked("match", given.get("match", {}), _MATCH)
    url = address(given["url"])
    return RouteData(method_of(given), url, tuple(_answer(one, url) for one in answers), given.get("name"), match)


def _answer(data: Any, url: str) -> HttpFault | Raised:
    given = checked("answers", data, _ANSWER)
    if "raise" in given:
        return _raised(given)
    return replace(answer_of(given if "error" in given else {"status": 200, **given}), url=url)


def _raised(given: Mapping[str, Any]) -> Raised:
    others = sorted(given.keys() - {"raise"})
    if others:
        raise RouteError(f"'raise' comes instead of an answer. Drop {', '.join(others)}, or 'raise'.")
    what = checked("raise", given["raise"], _RAISE)
    if "type" not in what:
        raise RouteError(f"'raise' names no type. Add one:\n{listed(RAISED)}")
    return Raised(what["type"], what.get("message", ""))
