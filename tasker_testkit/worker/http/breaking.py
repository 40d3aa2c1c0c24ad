"""What a fault makes of a request: another answer, half of one, or an exception of ``httpx``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx

from tasker_testkit.model.http_faults import BREAKAGES, MALFORMED, HttpFault

LOOP: Final = "tasker_testkit.loop"
"""The extension of a request that goes round in a redirect loop: the fault that began it."""


def failed(error: str, request: httpx.Request, **sizes: int) -> httpx.HTTPError:
    """The exception that a client sees."""
    breakage = BREAKAGES[error]
    kind: type[httpx.RequestError] = getattr(httpx, breakage.exception or "RequestError")
    return kind(breakage.text.format(**sizes), request=request)


def instead(wire: HttpFault) -> httpx.Response:
    """The answer that a fault's status, headers and body make."""
    return made(wire.status or 200, wire.headers, wire.body)


def made(status: int, headers: Any, body: Any) -> httpx.Response:
    """An answer; its body is JSON or, if it is a text, that text."""
    if body is None or isinstance(body, str):
        return httpx.Response(status, headers=headers, text=body)
    return httpx.Response(status, headers=headers, json=body)


def fresh(response: httpx.Response) -> httpx.Response:
    """An answer as a transport gives it: nobody has read it yet."""
    return httpx.Response(
        response.status_code, headers=response.headers, stream=response.stream, extensions=dict(response.extensions)
    )


def malformed(response: httpx.Response) -> httpx.Response:
    """The same answer with a body that is no JSON."""
    return httpx.Response(
        response.status_code,
        headers={"content-type": response.headers.get("content-type", "application/json")},
        content=MALFORMED.encode(),
    )


def truncated(response: httpx.Response, request: httpx.Request) -> httpx.Response:
    """The same answer, of whose body only half comes."""
    content = response.read()
    headers = {**response.headers, "content-length": str(len(content))}
    headers.pop("content-encoding", None)
    half = _Half(content[: len(content) // 2], len(content), request)
    return httpx.Response(response.status_code, headers=headers, stream=half)


def redirected(request: httpx.Request) -> httpx.Response:
    """An answer that sends the client where it is."""
    return httpx.Response(307, headers={"location": str(request.url)})


class _Half(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The first half of a body, and then the end of the connection."""

    def __init__(self, half: bytes, whole: int, request: httpx.Request) -> None:
        self._half = half
        self._error = failed("truncated", request, received=len(half), whole=whole)

    def __iter__(self) -> Iterator[bytes]:
        yield self._half
        raise self._error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._half
        raise self._error
