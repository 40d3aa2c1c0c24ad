"""Asynchronous handlers: timers in virtual time, other libraries on the same loop, and tasks that are left behind."""

from __future__ import annotations

import asyncio
import socket
import time
import warnings

import anyio
import anyio.to_thread
import pytest
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import Simulation, call_handler, step_context

ONE_STEP = {
    "name": "n",
    "namespace_name": "t",
    "version": "1.0.0",
    "steps": [{"name": "a", "handler": {"callable": "h"}}],
}


def handler_of(action):
    """A handler that awaits ``action()``."""

    class Async(StepHandler):
        handler_name = "h"

        async def call(self, context):
            return StepHandlerResult.success({"value": await action()})

    return Async


def ran(action):
    """The run of a workflow whose only step awaits ``action()``."""
    return Simulation(ONE_STEP, handlers={"h": handler_of(action)}).run()


def result(action):
    """What ``action()`` gave, and the seconds that the attempt took."""
    run = ran(action)
    assert run.state == "complete", run["a"].attempts[-1].outcome
    return run["a"].result["value"], run.elapsed.total_seconds()


def warned(run):
    """The texts of a run's warnings."""
    return [each["text"] for each in run.history.warnings]


async def gathers():
    """Two naps at once."""
    await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))


async def is_cut_short(wait):
    """Whether ``wait`` ends in a timeout."""
    try:
        await wait
    except TimeoutError:
        return True
    return False


async def has_a_timeout():
    """An hour's sleep, for three seconds."""
    async with asyncio.timeout(3):
        await asyncio.sleep(3_600)


async def calls_later():
    """A callback after two seconds, one at an instant, and the order in which they came."""
    loop, seen, over = asyncio.get_running_loop(), [], asyncio.Event()
    loop.call_later(2, seen.append, "later")
    loop.call_at(loop.time() + 1, seen.append, "at")
    loop.call_soon(seen.append, "soon")
    loop.call_later(2.5, over.set)
    await over.wait()
    return seen


async def waits_for_the_first():
    """The first of two tasks; the other one is cancelled."""
    tasks = [asyncio.create_task(asyncio.sleep(seconds, seconds)) for seconds in (5, 2)]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    return [task.result() for task in done]


async def takes_turns():
    """A queue between two tasks."""
    line, seen = asyncio.Queue(), []

    async def produce():
        for number in range(3):
            await asyncio.sleep(1)
            await line.put(number)

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        while len(seen) < 3:
            seen.append(await line.get())
    return seen


async def anyios_own():
    """Sleeps, limits and groups of anyio."""
    seen = []

    async def nap(seconds):
        await anyio.sleep(seconds)
        seen.append(seconds)

    with anyio.move_on_after(3) as scope:
        async with anyio.create_task_group() as group:
            for seconds in (4, 2, 1):
                group.start_soon(nap, seconds)
    return [seen, scope.cancelled_caught, anyio.current_time() == asyncio.get_running_loop().time()]


async def anyios_limit():
    """An error when a limit is passed."""
    with pytest.raises(TimeoutError):
        with anyio.fail_after(2):
            await anyio.sleep_forever()


async def anyios_thread():
    """Work in a thread of anyio's."""
    return await anyio.to_thread.run_sync(lambda: time.sleep(4) or "done")


async def talks_to_itself():
    """A socket pair beside a timer."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    await asyncio.sleep(1)
    theirs.send(b"hello\n")
    line = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    theirs.close()
    return line.decode().strip()


TIMED = {
    "gather": (gathers, None, 2),
    "wait_for": (lambda: is_cut_short(asyncio.wait_for(asyncio.sleep(9), 3)), True, 3),
    "timeout": (lambda: is_cut_short(has_a_timeout()), True, 3),
    "call_later": (calls_later, ["soon", "at", "later"], 2.5),
    "wait": (waits_for_the_first, [2], 2),
    "queue": (takes_turns, [0, 1, 2], 3),
    "anyio": (anyios_own, [[1, 2], True, True], 3),
    "anyio.fail_after": (anyios_limit, None, 2),
    "anyio.to_thread": (anyios_thread, "done", 4),
    "streams": (talks_to_itself, "hello", 1),
}


@pytest.mark.parametrize(("action", "value", "seconds"), TIMED.values(), ids=TIMED)
def test_timers_take_exactly_their_time(action, value, seconds):
    """Whatever waits on the loop, the attempt takes what its timers say, and no warning is left."""
    assert result(action) == (value, seconds)
    assert warned(ran(action)) == []


@pytest.mark.parametrize("run", [asyncio.run, lambda coroutine: anyio.run(lambda: coroutine)], ids=["asyncio", "anyio"])
@pytest.mark.parametrize(("action", "value", "seconds"), TIMED.values(), ids=TIMED)
def test_a_loop_of_the_handlers_own(run, action, value, seconds):
    """A handler that isn't asynchronous, and starts a loop itself, has the same time there."""

    class Plain(StepHandler):
        handler_name = "h"

        def call(self, context):
            async def awaited():
                return await action()

            return StepHandlerResult.success({"value": run(awaited())})

    found = Simulation(ONE_STEP, handlers={"h": Plain}).run()
    assert (found["a"].result["value"], found.elapsed.total_seconds()) == (value, seconds)


async def heartbeat():
    """Beat for ever."""
    while True:
        await asyncio.sleep(10)


async def leaves_tasks():
    """Start two tasks and go."""
    loop = asyncio.get_running_loop()
    loop.tasks_of_test = [asyncio.create_task(heartbeat()), asyncio.create_task(heartbeat(), name="audit")]
    await asyncio.sleep(1)


LEFT = "step a, attempt 1: the handler leaves asyncio tasks behind, which are cancelled: audit, heartbeat"


def test_tasks_that_are_left_behind_are_named():
    """By the name that they were given, else by what they run; they cost no time."""
    run = ran(leaves_tasks)
    assert (warned(run), run.elapsed.total_seconds(), run.state) == ([LEFT], 1, "complete")


def test_tasks_that_are_left_in_a_loop_of_the_handlers_own():
    """They are named just so; each attempt says so for itself."""

    class Plain(StepHandler):
        handler_name = "h"

        def call(self, context):
            asyncio.run(leaves_tasks())
            return self.failure("again", "handler_error", retryable=context.retry_count == 0)

    run = Simulation(ONE_STEP, handlers={"h": Plain}).run()
    assert warned(run) == [LEFT, LEFT.replace("attempt 1", "attempt 2")]


def test_a_task_that_was_told_to_stop_isnt_left_behind():
    """Cancelled, even if nobody waited for the end of it."""

    async def cancels():
        task = asyncio.create_task(heartbeat())
        await asyncio.sleep(1)
        task.cancel()

    assert warned(ran(cancels)) == []


def test_a_single_handler_warns():
    """Outside of a workflow the same text is a Python warning."""
    with pytest.warns(
        RuntimeWarning, match="the handler leaves asyncio tasks behind, which are cancelled: audit, heartb"
    ):
        call_handler(handler_of(leaves_tasks), step_context("a"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call_handler(handler_of(gathers), step_context("a"))
