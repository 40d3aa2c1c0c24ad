"""Routes of respx, made from data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from unittest.mock import ANY
from urllib.parse import parse_qsl

import httpx
import respx

from tasker_testkit.model.http_faults import HttpFault
from tasker_testkit.worker.http.answers import WRITTEN
from tasker_testkit.worker.http.asking import WIRE
from tasker_testkit.worker.http.breaking import made
from tasker_testkit.worker.http.route_data import Raised, RouteData


def router_of(routes: Iterable[RouteData]) -> respx.Router:
    """A router with these routes; it asks for nothing to be called, and answers nothing else."""
    router = respx.Router(assert_all_called=False)
    for data in routes:
        router.add(route_of(data), name=data.name)
    return router


def route_of(data: RouteData) -> respx.Route:
    """One route."""
    lookups = {**_place(data.url), **data.match}
    if data.method is not None:
        lookups["method"] = data.method
    route = respx.Route(**lookups)
    first = data.answers[0]
    if len(data.answers) == 1 and not isinstance(first, Raised):
        return route.mock(return_value=_response(first))
    return route.mock(side_effect=Answers(data.answers))


def _place(url: str) -> dict[str, Any]:
    """The address as lookups of respx, part by part, so that a near miss can name the part."""
    if "*" not in url:
        return {"url": url}
    scheme, there, rest = url.partition("://")
    if not there:
        return {"url__regex": f"^{_wild(url)}$"}
    host, slash, path = rest.partition("/")
    path, _, query = path.partition("?")
    name, _, port = host.partition(":")
    parts: dict[str, Any] = {"scheme": scheme} if "*" not in scheme else {}
    parts |= {"host__regex": f"^{_wild(name)}$"} if "*" in name else {"host": name}
    parts |= {"port": int(port)} if port.isdigit() else {}
    parts |= {"path__regex": f"^{_wild(slash + path)}$"} if path not in ("", "*") else {}
    return {**parts, "params": _parameters(query)} if query else parts


def _parameters(query: str) -> list[tuple[str, Any]]:
    return [(name, ANY if value == "*" else value) for name, value in parse_qsl(query, keep_blank_values=True)]


def _wild(text: str) -> str:
    return ".*".join(map(re.escape, text.split("*")))


def _response(answer: HttpFault) -> httpx.Response:
    response = made(answer.status or 200, answer.headers, answer.body)
    response.extensions[WRITTEN] = True
    if answer.error or answer.delay:
        response.extensions[WIRE] = HttpFault(None, "*", error=answer.error, delay=answer.delay, when=answer.when)
    return response


class Answers:
    """Gives its answers in turn, the last one again and again."""

    def __init__(self, answers: Iterable[HttpFault | Raised]) -> None:
        self._answers = [one if isinstance(one, Raised) else _response(one) for one in answers]
        self._given = 0

    def rewind(self) -> None:
        """Begin with the first one again."""
        self._given = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The next answer. Raises what it is to raise."""
        self._given += 1
        answer = self._answers[min(self._given, len(self._answers)) - 1]
        if isinstance(answer, httpx.Response):
            return answer
        error: Any = getattr(httpx, answer.type)(answer.message, request=request)
        error.extensions = {WRITTEN: True}
        raise error
