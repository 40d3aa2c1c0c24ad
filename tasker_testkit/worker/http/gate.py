"""The gate: while a line is plugged in, requests of ``httpx`` go to it and not to the network.

``httpx`` isn't imported here. Nothing is replaced in it as long as nobody else imports it, nor while no line is in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, Final

from tasker_testkit.worker.bystanders import is_bystander
from tasker_testkit.worker.http.line import Line

_line: Line | None = None
_held = 0
_replaced: list[tuple[type, str, Any]] = []

OWN: Final = "httpx._transports.default"
"""The module of the transports' own methods; one from elsewhere is somebody's double."""


def plug(line: Line | None) -> Line | None:
    """Send every request to this line from now on, None: to the network again. Gives the line before, to put back."""
    global _line
    before, _line = _line, line
    if line is not None:
        _close()
    elif not _held:
        _put_back()
    return before


def hold() -> None:
    """Stay before the transports between two lines, until ``let_go``: going there and back again takes time."""
    global _held
    _held += 1


def let_go() -> None:
    """Nothing more is coming, as far as the one is concerned who said ``hold``."""
    global _held
    _held -= 1
    if not _held and _line is None:
        _put_back()


def _close() -> None:
    """Stand before the transports. ``httpx`` comes with the SDK, so it is imported before any handler runs."""
    httpx = None if _replaced or _line is None else sys.modules.get("httpx")
    if httpx is None:
        return
    for owner, name, made in (
        (httpx.HTTPTransport, "handle_request", _synchronous),
        (httpx.AsyncHTTPTransport, "handle_async_request", _asynchronous),
        (httpx.HTTPTransport, "__init__", _quick),
        (httpx.AsyncHTTPTransport, "__init__", _quick),
    ):
        _replace(owner, name, made)
    library = sys.modules.get("http.client")
    if library is not None:
        _replace(library.HTTPConnection, "putrequest", _refusing)


def _replace(owner: type, name: str, made: Callable[[Any], Any]) -> None:
    real = vars(owner)[name]
    _replaced.append((owner, name, real))
    setattr(owner, name, made(real))


def _put_back() -> None:
    while _replaced:
        owner, name, real = _replaced.pop()
        setattr(owner, name, real)


def _double(real: Any) -> Any:
    """The transport's method, if it isn't its own: then it is a double that a test has put there."""
    return None if getattr(real, "__module__", OWN) == OWN else real


@cache
def _synchronous(real: Any) -> Callable[..., Any]:
    @wraps(real)
    def handle_request(transport: Any, request: Any) -> Any:
        from tasker_testkit.worker.http.talking import answered

        return real(transport, request) if _line is None else answered(_line, request, _double(real), transport)

    return handle_request


@cache
def _asynchronous(real: Any) -> Callable[..., Any]:
    @wraps(real)
    async def handle_async_request(transport: Any, request: Any) -> Any:
        from tasker_testkit.worker.http.talking import answered_later

        if _line is None:
            return await real(transport, request)
        return await answered_later(_line, request, _double(real), transport)

    return handle_async_request


@cache
def _refusing(real: Any) -> Callable[..., None]:
    """What ``urllib``, ``requests`` and their kin send goes to this machine or nowhere."""

    @wraps(real)
    def putrequest(connection: Any, method: str, url: str, *args: Any, **options: Any) -> None:
        if _line is not None and not is_bystander() and not _is_here(connection.host):
            from tasker_testkit.worker.http.unanswered import not_of_httpx

            raise _line.refuse(not_of_httpx(connection, method, url))
        real(connection, method, url, *args, **options)

    return putrequest


def _is_here(host: str) -> bool:
    return host in ("localhost", "::1", "[::1]") or host.startswith("127.")


@cache
def _quick(real: Any) -> Callable[..., None]:
    """Transports that ask for nothing special share one TLS context: reading the certificates takes 20 ms and more."""

    @wraps(real)
    def __init__(transport: Any, *args: Any, **options: Any) -> None:
        if not args and options.get("verify", True) is True and options.get("cert") is None:
            options["verify"] = _context(options.get("trust_env", True))
        real(transport, *args, **options)

    return __init__


@cache
def _context(trust_env: bool) -> Any:
    return sys.modules["httpx"].create_ssl_context(trust_env=trust_env)
