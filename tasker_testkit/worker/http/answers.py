"""Answers that nobody has written down, as routes: what routers of respx, functions and doubles have answered in a run.

So a run can be made again without those who answered: the same request is answered as it was, in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import httpx

from tasker_testkit.model.durations import exactly
from tasker_testkit.model.requests import HttpCall
from tasker_testkit.worker.http.breaking import made
from tasker_testkit.worker.http.route_data import RAISED

WRITTEN: Final = "tasker_testkit.written"
"""The extension of an answer that is one of a route as data: there is no need to keep it."""
_OF_THE_BODY: Final = "content-length"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, a response of ``httpx`` or an exception, ``spent`` microseconds after it was asked for.

    ``number``: how many requests were answered before in the run.
    """

    given: Any
    spent: int
    number: int


def routes_of(calls: Iterable[HttpCall], lost: list[str]) -> list[dict[str, Any]]:
    """Routes as data that answer these requests as they were answered, those with a query first.

    A request whose answer can't be written down is named in ``lost``.
    """
    answers: dict[tuple[str, str], list[dict[str, Any]]] = {}
    answered = (call for call in calls if call.answer is not None)
    for call in sorted(answered, key=lambda call: call.answer.number):
        try:
            written = _written(call.answer)
            answers.setdefault((call.method, call.url), []).append(written)
        except Unwritten as error:
            lost.append(f"the answer to {call.method} {call.url}: {error}")
    ordered = sorted(answers.items(), key=lambda one: -one[0][1].count("=") if "?" in one[0][1] else 1)
    return [{"method": method, "url": url, **_joined(given)} for (method, url), given in ordered]


class Unwritten(Exception):
    """An answer that data can't describe."""


def _joined(answers: list[dict[str, Any]]) -> dict[str, Any]:
    same = all(one == answers[0] for one in answers)
    return answers[0] if same else {"answers": answers}


def _written(answer: Answer) -> dict[str, Any]:
    if answer.spent:
        raise Unwritten(f"it took {exactly(answer.spent)}; a route as data says that with 'delay'")
    return _error(answer.given) if isinstance(answer.given, BaseException) else _response(answer.given)


def _error(error: BaseException) -> dict[str, Any]:
    name = type(error).__name__
    if name not in RAISED or getattr(httpx, name, None) is not type(error):
        raise Unwritten(f"it raised {name}({str(error)!r:.60})")
    return {"raise": {"type": name, "message": str(error)}}


def _response(response: httpx.Response) -> dict[str, Any]:
    body = _body(response)
    usual = made(response.status_code, None, body).headers
    headers = {name: value for name, value in response.headers.items() if usual.get(name) != value}
    headers.pop(_OF_THE_BODY, None)
    if _items(made(response.status_code, headers, body)) != _items(response):
        raise Unwritten("its headers can't be in a mapping")
    written = {"status": response.status_code, **({"headers": headers} if headers else {})}
    return written if body is None else {**written, "body": body}


def _body(response: httpx.Response) -> Any:
    """JSON if it is said to be that, so that secrets in it are found; else a text."""
    content = _content(response)
    try:
        if "json" in response.headers.get("content-type", ""):
            value = json.loads(content, parse_constant=_no_constant)
            return content.decode() if value is None or isinstance(value, str) else value
    except (ValueError, RecursionError):
        pass
    try:
        return content.decode() if content else None
    except UnicodeDecodeError:
        raise Unwritten("its body isn't text") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _content(response: httpx.Response) -> bytes:
    try:
        return response.content
    except httpx.ResponseNotRead:
        if isinstance(response.stream, httpx.ByteStream):
            return b"".join(response.stream)
    raise Unwritten("its body came bit by bit")


def _items(response: httpx.Response) -> list[tuple[str, str]]:
    return sorted(item for item in response.headers.multi_items() if item[0] != _OF_THE_BODY)
