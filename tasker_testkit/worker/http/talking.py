"""What happens to one request: a fault strikes it or a route answers it, time passes, and it is written down.

A talk is a generator that knows neither threads nor event loops: it yields ``ASK`` to be given the routes' answer, or
microseconds that pass. Two drivers take it along, one for each kind of client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, Final

import httpx

from tasker_testkit.errors import UnansweredRequest
from tasker_testkit.model.durations import SECOND
from tasker_testkit.model.fault_kinds import Fault
from tasker_testkit.model.http_faults import BREAKAGES, HttpFault, Outage
from tasker_testkit.model.requests import HttpCall
from tasker_testkit.worker.effects import effect
from tasker_testkit.worker.http import asking, breaking
from tasker_testkit.worker.http.answers import WRITTEN, Answer
from tasker_testkit.worker.http.breaking import LOOP
from tasker_testkit.worker.http.hiding import shown_body, shown_headers, shown_place, shown_url
from tasker_testkit.worker.http.line import Line, NeverAnswered

ASK: Final = "ask"
FOREVER: Final = 24 * 3_600 * SECOND
"""As long as a request is waited for that has no answer and no timeout, and whose handler may do something else."""
SAFE: Final = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods that change nothing on the other side."""

Talk = Generator[str | int, httpx.Response | None, httpx.Response]
Pause = Generator[str | int, httpx.Response | None, None]


def talk(line: Line, request: httpx.Request) -> Talk:
    """Everything about one request."""
    began = line.desk.now()
    status, said = None, None
    kept: list[Answer] = []
    try:
        response = yield from _answer(line, request, began, kept)
        status = response.status_code
        return response
    except UnansweredRequest:
        said = "nothing answers it"
        raise
    except BaseException as error:
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise
    finally:
        took = line.desk.now() - began
        shown, answer = shown_headers(request.headers), kept[0] if kept else None
        line.desk.keep(HttpCall(began, request.method, shown_url(request.url), status, said, took, shown, answer))


def _answer(line: Line, request: httpx.Request, began: int, kept: list[Answer]) -> Talk:
    fault: Fault | None = request.extensions.get(LOOP) or line.strike(request.method, str(request.url))
    wire = fault.wire if fault else None
    if isinstance(wire, Outage):
        raise breaking.failed("refused", request)
    response: httpx.Response | None = None
    if wire is None or wire.when == "after":
        response = yield from _asked(line, began, kept)
        own = response.extensions.get(asking.WIRE)
        if own is None or not own.error or own.when == "after":
            _book(line, request, response)
        wire = wire or own
    yield from _wait(line, request, began, wire)
    return _made(request, response, fault, wire)


def _asked(line: Line, began: int, kept: list[Answer]) -> Talk:
    """What is answered; it is kept, unless a route as data says it."""
    given: Any = None
    try:
        response = yield ASK
        assert response is not None
        given = response
        return response
    except UnansweredRequest:
        raise
    except BaseException as error:
        given = error
        raise
    finally:
        if given is not None and WRITTEN not in getattr(given, "extensions", ()):
            kept.append(Answer(given, line.desk.now() - began, line.answers))
            line.answers += 1


def _wait(line: Line, request: httpx.Request, began: int, wire: HttpFault | None) -> Pause:
    """Let the time pass that the answer takes, or that the client waits for none."""
    limits = request.extensions.get("timeout") or {}
    breakage = BREAKAGES[wire.error] if wire and wire.error else None
    spent, late = line.desk.now() - began, wire.delay if wire else 0
    limit = limits.get(breakage.waits if breakage and breakage.waits else "read")
    left = None if limit is None else round(limit * SECOND) - spent
    if breakage and breakage.waits:
        yield FOREVER if left is None else left
    elif left is not None and late > left:
        yield left
        raise breaking.failed("timeout", request)
    elif late:
        yield late


def _made(
    request: httpx.Request, response: httpx.Response | None, fault: Fault | None, wire: HttpFault | None
) -> httpx.Response:
    """The answer after what befalls it."""
    if wire and wire.status:
        return breaking.instead(wire)
    if response and not (wire and wire.error):
        return breaking.fresh(response)
    error = wire.error if wire and wire.error else "disconnected"
    if error == "redirect_loop":
        request.extensions[LOOP] = fault
        return breaking.redirected(request)
    if response and error == "malformed":
        return breaking.malformed(response)
    if response and error == "truncated":
        return breaking.truncated(response, request)
    raise breaking.failed(error, request)


def _book(line: Line, request: httpx.Request, response: httpx.Response) -> None:
    """The server has done what it was asked to: an effect, unless it refuses or knows the request again."""
    key, place = request.headers.get("idempotency-key"), shown_place(request.url)
    what = f"{request.method} {place}"
    if request.method not in SAFE and not response.is_error and line.is_new(what, key):
        effect(what, key, body=shown_body(request))


def answered(line: Line, request: httpx.Request, double: Any, transport: Any) -> httpx.Response:
    """The answer to a request of a synchronous client."""
    request.read()
    course = talk(line, request)
    try:
        said = next(course)
        while True:
            try:
                given = asking.ask(line, request, double, transport) if said == ASK else None
                if given is None:
                    _pass(line, said)
            except BaseException as error:
                said = course.throw(error)
            else:
                said = course.send(given)
    except StopIteration as end:
        response: httpx.Response = end.value
        return response


def _pass(line: Line, microseconds: Any) -> None:
    if microseconds == FOREVER:
        raise NeverAnswered
    if line.desk.timed:
        line.desk.advance(microseconds)


async def answered_later(line: Line, request: httpx.Request, double: Any, transport: Any) -> httpx.Response:
    """The answer to a request of an asynchronous client; others of its event loop go on meanwhile."""
    await request.aread()
    course = talk(line, request)
    try:
        said = next(course)
        while True:
            try:
                given = await asking.ask_later(line, request, double, transport) if said == ASK else None
                if given is None:
                    await _pass_in_loop(line, said)
            except BaseException as error:
                said = course.throw(error)
            else:
                said = course.send(given)
    except StopIteration as end:
        response: httpx.Response = end.value
        return response


async def _pass_in_loop(line: Line, microseconds: Any) -> None:
    if microseconds < 0:
        line.desk.advance(microseconds)
    elif line.desk.timed:
        await asyncio.sleep(microseconds / SECOND)
    if microseconds == FOREVER:
        raise NeverAnswered
