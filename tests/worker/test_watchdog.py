"""A handler that really blocks is stopped, and the error names the line that blocks."""

from __future__ import annotations

import asyncio
import gc
import inspect
import signal
import threading

import pytest
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit.errors import HandlerHangs
from tasker_testkit.model.dispatch import Dispatch, TaskFacts
from tasker_testkit.model.profile import DOCUMENTED
from tasker_testkit.model.template import Handler, StepTemplate, Template
from tasker_testkit.worker.calling import perform
from tasker_testkit.worker.sources import load_handlers
from tasker_testkit.worker.walltime import World
from tasker_testkit.worker.watchdog import HandlerStopped

UUID = "01900000-0000-7000-8000-00000000000"


def blocks_on_a_lock(context):
    """Wait for a lock that nobody gives back."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()  # HERE


def loops_for_ever(context):
    """Use the processor without end."""
    while True:  # HERE
        pass  # HERE


def swallows_exceptions(context):
    """Wait, and take every exception for an answer."""
    while True:
        try:
            threading.Event().wait()  # HERE
        except Exception:
            return StepHandlerResult.success({})


def swallows_everything_once(context):
    """Wait again after having been stopped."""
    try:
        threading.Event().wait()  # HERE
    except BaseException:
        threading.Event().wait()


def awaits_nothing(context):
    """Wait in an event loop of its own."""
    asyncio.run(never())


async def never():
    """Wait for an event that nobody sets."""
    await asyncio.Event().wait()  # HERE


async def awaits_nothing_itself(context):
    """Wait in the worker's event loop."""
    await never()


BLOCKING = [
    blocks_on_a_lock,
    loops_for_ever,
    swallows_exceptions,
    swallows_everything_once,
    awaits_nothing,
    awaits_nothing_itself,
]


def run(action, real_timeout=0.3, attempts=1):
    """Perform an attempt whose handler does ``action(context)``."""

    class Plain(StepHandler):
        handler_name = "h"

        def call(self, context):
            return action(context)

    class Async(StepHandler):
        handler_name = "h"

        async def call(self, context):
            return await action(context)

    step = StepTemplate("charge", Handler("h"))
    facts = TaskFacts(UUID + "1", Template("t", "n", "1", (step,)), {})
    dispatch = Dispatch(facts, step, "charge", UUID + "2", UUID + "3", UUID + "4", attempts=attempts)
    handlers = load_handlers([Async if inspect.iscoroutinefunction(action) else Plain])
    return perform(handlers, dispatch, DOCUMENTED, World(real_timeout=real_timeout))


def marked(function):
    """The lines of a function with the mark, as ``file:line``."""
    lines, first = inspect.getsourcelines(never if "awaits" in function.__name__ else function)
    return [f"{__file__}:{first + n} in " for n, line in enumerate(lines) if "# HERE" in line]


@pytest.mark.parametrize("blocking", BLOCKING, ids=lambda function: function.__name__)
def test_a_blocking_handler_is_stopped_where_it_blocks(blocking):
    """Step, attempt, file, line and source are named, for locks, loops and awaits, whatever the handler catches."""
    with pytest.raises(HandlerHangs) as caught:
        run(blocking)
    text = str(caught.value)
    assert text.startswith("Step 'charge', attempt 2: the handler blocked for more than 0.3 s of real time, at\n  ")
    assert any(place in text for place in marked(blocking)), text
    assert "# HERE\n" in text
    assert text.endswith(
        "time.sleep and asyncio.sleep take no real time here; locks, sockets, processes and endless loops do.\n"
        "Replace what it waits for by a double, simulate the wait with the fault 'hang', "
        "or allow more with real_timeout."
    )


def test_outside_the_main_thread():
    """Where there are no signals, a handler that runs Python code is stopped all the same."""
    caught = []

    def target():
        with pytest.raises(HandlerHangs) as error:
            run(loops_for_ever)
        caught.append(error.value)

    thread = threading.Thread(target=target)
    thread.start()
    thread.join()
    assert "in loops_for_ever" in str(caught[0])


def test_a_real_ctrl_c_is_the_users():
    """A SIGINT that isn't ours ends the test, not just the handler's thread."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            run(lambda context: signal.raise_signal(signal.SIGINT), real_timeout=20)
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_handler_of_signals_is_put_back():
    """After a run SIGINT means what it meant before."""
    before = signal.getsignal(signal.SIGINT)
    run(lambda context: StepHandlerResult.success({}))
    assert signal.getsignal(signal.SIGINT) is before


def test_many_short_attempts_are_no_long_one():
    """The limit counts for one attempt, not for a run of them: a new ticket starts from nothing."""
    dog = World(real_timeout=1.0).watchdog
    for number in range(100):
        dog.current = ("step", number)
        dog.tick()
    assert dog._fired is None
    for _ in range(9):
        dog.tick()
    assert dog._fired is None


def test_nothing_is_stopped_while_garbage_is_collected():
    """A callback of the collector, where an exception would be lost, is let finish; the handler is stopped later."""
    dog, seen = World(real_timeout=1.0).watchdog, []

    def stops(*_):
        dog.current = dog._fired = ("step", 1)
        try:
            dog._on_signal(signal.SIGINT, inspect.currentframe())
        except BaseException as error:
            seen.append(error)

    gc.callbacks.append(stops)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(stops)
    assert (seen, dog._fired) == ([], None)
    stops()
    assert [type(each) for each in seen] == [HandlerStopped]


def test_worlds_share_one_thread():
    """However many simulations there are, one thread watches them."""
    for _ in range(5):
        run(lambda context: StepHandlerResult.success({}))
    assert [thread.name for thread in threading.enumerate()].count("tasker-testkit-watchdog") == 1
