"""One attempt of one handler: resolve it, hand it its context in the frozen world, and see how it ends."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.model.dispatch import Dispatch
from tasker_testkit.model.outcome import Ending, Silence
from tasker_testkit.model.profile import Profile
from tasker_testkit.worker import eventloop, threads
from tasker_testkit.worker.contexts import context_of
from tasker_testkit.worker.endings import not_found, raised, returned
from tasker_testkit.worker.handlers import HandlerSet, callable_of
from tasker_testkit.worker.sdk import load
from tasker_testkit.worker.walltime import World
from tasker_testkit.worker.watchdog import HandlerStopped, Ticket

T = TypeVar("T")

DEADLY: Final = (SystemExit, KeyboardInterrupt, asyncio.CancelledError)
"""What ends the worker's thread when a handler raises it (row 21)."""


def perform(handlers: HandlerSet, dispatch: Dispatch, profile: Profile, world: World) -> Ending:
    """Run a dispatch's handler at ``dispatch.at`` and give the ending of it, as it arrives at the orchestrator.

    Raises HandlerHangs if the handler blocks in real time, and lets through what the test itself is to hear: errors of
    tasker_testkit, a real Ctrl-C, and the BaseExceptions of test runners.
    """
    ticket = (dispatch.name, (dispatch.attempts or 0) + 1)
    with world:
        world.begin(dispatch.at, ticket, dispatch.event_id)
        return attempt(lambda: _dispatched(handlers, dispatch, profile, world), profile, world, ticket)


def attempt(run: Callable[[], Ending], profile: Profile, world: World, ticket: Ticket) -> Ending:
    """``run()`` under the watchdog; what it raises becomes an ending. The world has begun the attempt."""
    try:
        return watched(run, world, ticket)
    except DEADLY:
        if world.watchdog.interrupted:
            raise
        return Silence("thread_died", world.elapsed_us)
    except TaskerTestkitError:
        raise
    except Exception as error:
        return raised(error, profile, took_us=world.elapsed_us)


def watched(run: Callable[[], T], world: World, ticket: Ticket, *, who: str = "the handler") -> T:
    """``run()`` under the watchdog, in a world that has begun. Raises HandlerHangs, which names ``who``."""
    outer = asyncio._get_running_loop()
    asyncio._set_running_loop(None)  # a worker's thread has none, whatever test called us
    try:
        return _with_its_threads(run, world)
    except HandlerStopped:
        raise world.watchdog.hangs(ticket, who) from None
    finally:
        world.end()
        asyncio._set_running_loop(outer)


def _with_its_threads(run: Callable[[], T], world: World) -> T:
    """``run()``, and what its threads still do after it; that takes no time."""
    try:
        return run()
    finally:
        if threads.at_work():
            at = world.elapsed_us
            for text in threads.gather(world):
                world.note(text)
            world.advance(at - world.elapsed_us)


def _dispatched(handlers: HandlerSet, dispatch: Dispatch, profile: Profile, world: World) -> Ending:
    handler = handlers.resolve(dispatch.step, profile)
    if handler is None:
        return not_found(callable_of(dispatch.step), took_us=world.elapsed_us)
    return called(handler, context_of(dispatch, handler.name), profile, world)


def called(handler: Any, context: Any, profile: Profile, world: World) -> Ending:
    """Call an instance with its context, in virtual time if it is asynchronous."""
    value = handler.call(context)
    if not isinstance(value, load().StepHandlerResult):
        if inspect.iscoroutinefunction(handler.call):
            value = eventloop.run(value, world)
        if inspect.isawaitable(value):
            value = _resolved(value, profile, world)
    return returned(value, profile, handler=context.handler_name, took_us=world.elapsed_us)


def _resolved(value: Any, profile: Profile, world: World) -> Any:
    """Tasker awaits what an ``async def call`` gives; its documents promise that for any awaitable (row 10)."""
    if profile.contract_errors:
        return eventloop.run(value, world)
    if inspect.iscoroutine(value):
        value.close()
    return value
