"""Who answers a request: the run's routes, else the team's own doubles (respx, or what took a transport's place)."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.worker.http.breaking import failed
from tasker_testkit.worker.http.line import Line
from tasker_testkit.worker.http.unanswered import exhausted, passed_through, unanswered

if TYPE_CHECKING:
    import httpx
    import respx

WIRE: Final = "tasker_testkit.wire"
"""The extension of an answer that doesn't come as it is: what befalls it, an HttpFault."""


def routers(line: Line) -> list[respx.Router]:
    """Every router that could know: the run's own, then those of respx that are in use."""
    return [*line.routes.routers, *_others()]


def _others() -> Iterator[respx.Router]:
    mocks = sys.modules.get("respx.mocks")
    for mocker in mocks.Mocker.registry.values() if mocks else ():
        yield from mocker.routers


def ask(line: Line, request: httpx.Request, double: Any, transport: Any) -> httpx.Response:
    """The answer. Raises UnansweredRequest, and what the answer itself raises."""
    asked = routers(line)
    for router in asked:
        try:
            return router.handler(request)
        except Exception as error:
            _sort(line, error, request, router)
    if double is not None:
        response: httpx.Response = double(transport, request)
        return response
    raise line.refuse(unanswered(request, asked))


async def ask_later(line: Line, request: httpx.Request, double: Any, transport: Any) -> httpx.Response:
    """The same in an event loop; who answers may sleep there, but no longer than the client waits."""
    asked = routers(line)
    for router in asked:
        try:
            async with asyncio.timeout(_patience(line, request)) as patience:
                return await router.async_handler(request)
        except Exception as error:
            if patience.expired():
                raise failed("timeout", request) from None
            _sort(line, error, request, router)
    if double is not None:
        response: httpx.Response = await double(transport, request)
        return response
    raise line.refuse(unanswered(request, asked))


def _patience(line: Line, request: httpx.Request) -> float | None:
    limit: float | None = (request.extensions.get("timeout") or {}).get("read")
    return limit if line.desk.timed else None


def _sort(line: Line, error: Exception, request: httpx.Request, router: respx.Router) -> None:
    """Let pass that a router has no route for the request; raise anything else, in words of ours where they help."""
    from respx.models import AllMockedAssertionError, PassThrough

    if isinstance(error, AllMockedAssertionError):
        return
    if isinstance(error, PassThrough):
        raise line.refuse(passed_through(request, error.origin)) from None
    if isinstance(error, StopIteration) or isinstance(error.__cause__, StopIteration):
        raise line.refuse(exhausted(request, router)) from None
    raise error
