"""What is said of a request that nothing answers: the routes there are, the nearest one, and in what it differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import ANY
from urllib.parse import parse_qsl

from tasker_testkit.errors import UnansweredRequest, listed
from tasker_testkit.worker.http.hiding import hidden, shown_url

if TYPE_CHECKING:
    import httpx
    import respx

_WEIGHTS: Final[Mapping[str, int]] = {"scheme": 4, "host": 4, "port": 4, "url": 4, "path": 3, "method": 2}
_PLACE: Final = ("method", "scheme", "host", "port", "path", "url")
_ABSENT: Final = "(absent)"
_ANYTHING: Final = str(ANY)
"""What respx makes of a parameter that can be anything."""
_NEVER: Final = "No request of a simulation ever reaches a network."


def unanswered(request: httpx.Request, routers: Iterable[respx.Router]) -> UnansweredRequest:
    """No route fits."""
    routes = [route for router in routers for route in router.routes]
    asked = f"{request.method} {shown_url(request.url)}"
    return UnansweredRequest(
        f"Nothing answers {asked}: no route fits.\nRoutes:\n{listed(map(told, routes))}\n{_nearest(request, routes)}"
        f"Add one: tasker_http.route(method={request.method!r}, url={str(shown_url(request.url))!r}).respond(...), or "
        f"routes=[...], or mock it with respx. {_NEVER}"
    )


def passed_through(request: httpx.Request, route: respx.Route) -> UnansweredRequest:
    """A route that would let the request through to the network."""
    return UnansweredRequest(
        f"Nothing answers {request.method} {shown_url(request.url)}: the route {told(route)} lets it pass through. "
        f"{_NEVER} Give the route an answer: .respond(...)."
    )


def exhausted(request: httpx.Request, router: respx.Router) -> UnansweredRequest:
    """A route whose list of answers is at its end."""
    route = next((route for route in router.routes if route.pattern and route.pattern.match(request)), None)
    which = f"the route {told(route)}" if route else "its route"
    return UnansweredRequest(
        f"Nothing answers {request.method} {shown_url(request.url)}: {which} has given all the answers that its "
        "side_effect lists. Give more, or a function."
    )


def not_of_httpx(connection: Any, method: str, target: str) -> UnansweredRequest:
    """A request that another library makes, by a connection of ``http.client``."""
    scheme = "https" if hasattr(connection, "_context") or hasattr(connection, "ssl_context") else "http"
    url = target if "://" in target else f"{scheme}://{connection.host}{target}"
    return UnansweredRequest(
        f"Nothing answers {method} {url.partition('?')[0]}: it is made by http.client (urllib, requests and others), "
        f"and only requests of httpx can be answered. {_NEVER} "
        "Ask with httpx, or put a double in the place of what asks."
    )


def told(route: respx.Route) -> str:
    """A route in a line: ``POST https://pay.example/charges (json: {"amount": 3})``."""
    parts = {pattern.key: pattern for pattern in route.pattern if getattr(pattern, "key", None)}
    method = _plain(parts["method"].value) if "method" in parts else "ANY"
    more = [f"{key}: {_plain(pattern.value)}" for key, pattern in parts.items() if key not in _PLACE]
    name = [f"named {route.name!r}"] if route.name else []
    extra = f" ({'; '.join([*more, *name])})" if more or name else ""
    return f"{method} {_place(parts)}{extra}"


def _place(parts: Mapping[str, Any]) -> str:
    if "url" in parts:
        return _plain(parts["url"].value)
    scheme, host, path = (_plain(parts[key].value) if key in parts else "*" for key in ("scheme", "host", "path"))
    port = f":{_plain(parts['port'].value)}" if "port" in parts and parts["port"].value else ""
    if "path" in parts and parts["path"].base is not None:
        path = f"{parts['path'].base.value}{path}"
    return f"{scheme}://{host}{port}{path if path.startswith('/') else f'/{path}'}"


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str):
        return value
    if hasattr(value, "pattern"):
        return _wildcards(str(value.pattern))
    if hasattr(value, "multi_items"):
        return ", ".join(f"{name}={'*' if one == _ANYTHING else one}" for name, one in value.multi_items())
    return ", ".join(map(str, value)) if isinstance(value, (tuple, list, set)) else json.dumps(value, default=str)


def _wildcards(pattern: str) -> str:
    """A regular expression as the address with ``*`` that it was made of, if it was."""
    inside = re.fullmatch(r"\^(.*)\$", pattern)
    return re.sub(r"\\(.)", r"\1", inside[1].replace(".*", "*")) if inside else pattern


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _nearest(request: httpx.Request, routes: Sequence[respx.Route]) -> str:
    """The route with the least difference, and all differences to it; nothing if there is no route."""
    compared = [(route, [*_differences(request, route)]) for route in routes if route.pattern]
    if not compared:
        return ""
    route, differences = min(compared, key=lambda one: sum(_WEIGHTS.get(key, 1) for key, _ in one[1]))
    said = [text for _, text in differences] or ["its pattern as a whole"]
    return f"Nearest: {told(route)}\nIt differs in\n{listed(said)}\n"


def _differences(request: httpx.Request, route: respx.Route) -> Iterator[tuple[str, str]]:
    for pattern in route.pattern:
        if not pattern.match(request):
            key = getattr(pattern, "key", "pattern")
            yield from ((key, text) for text in _said(key, pattern, request))


def _said(key: str, pattern: Any, request: httpx.Request) -> Iterator[str]:
    """In what the request differs from one part of a route."""
    if key in _SINGULAR and not getattr(pattern, "path", None):
        yield from _keys(key, pattern, request)
        return
    try:
        here = _plain(pattern.parse(request))
    except Exception:
        here = _ABSENT
    path = f" {pattern.path}" if getattr(pattern, "path", None) else ""
    yield f"{key}{path}: {here}, the route has {_plain(pattern.value)}"


def _keys(key: str, pattern: Any, request: httpx.Request) -> Iterator[str]:
    """Key by key, for what is made of keys."""
    here, there = _mapping(key, request), _wanted(key, pattern.value)
    if not isinstance(here, Mapping) or not isinstance(there, Mapping):
        yield f"{key}: {_short(hidden(here))}, the route has {_short(there)}"
        return
    shown = hidden(here)
    whole = key != "headers" and pattern.lookup.value == "eq"
    for name in dict.fromkeys((*there, *(here if whole else ()))):
        mine, other = here.get(name, _ABSENT), there.get(name, _ABSENT)
        if mine != other and not (other == _ANYTHING and name in here):
            route = "*" if other == _ANYTHING else _short(other)
            yield f"{_SINGULAR[key]} {name}: {_short(shown.get(name, mine))}, the route has {route}"


_SINGULAR: Final = {"headers": "header", "params": "parameter", "json": "json", "data": "data"}


def _wanted(key: str, value: Any) -> Any:
    if key == "json":
        return json.loads(value)
    return dict(value.multi_items()) if hasattr(value, "multi_items") else value


def _mapping(key: str, request: httpx.Request) -> Any:
    if key == "headers":
        return dict(request.headers)
    if key == "params":
        return dict(request.url.params)
    if key == "json":
        return _json(request.content)
    return dict(parse_qsl(request.content.decode(errors="replace"), keep_blank_values=True))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
