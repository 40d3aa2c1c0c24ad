"""Threads of handlers: virtual time jumps when all of them wait, and what they leave behind is named."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import queue
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import HandlerHangs, Simulation
from tasker_testkit.worker import bystanders, looking, threads
from tasker_testkit.worker.walltime import World

ONE_STEP = {
    "name": "n",
    "namespace_name": "t",
    "version": "1.0.0",
    "steps": [{"name": "a", "handler": {"callable": "h"}}],
}
SECOND = 1_000_000


def ran(action, **settings):
    """The run of a workflow whose only step does ``action()``; its result, and how long it took by two clocks."""

    class Threaded(StepHandler):
        handler_name = "h"

        def call(self, context):
            begun = time.monotonic()
            value = action()
            return StepHandlerResult.success({"value": value, "took": time.monotonic() - begun})

    return Simulation(ONE_STEP, handlers={"h": Threaded}, **settings).run()


def result(action, **settings):
    """What ``action()`` gave, and how many seconds it took, which is also how long the attempt took."""
    run = ran(action, **settings)
    found = run["a"].result
    assert run.elapsed.total_seconds() == pytest.approx(found["took"], abs=1e-6)
    return found["value"], round(found["took"], 6)


def warned(run):
    """The texts of a run's warnings."""
    return [each["text"] for each in run.history.warnings]


def condition_waits():
    """Wait for a condition that nobody tells of."""
    condition = threading.Condition()
    with condition:
        return condition.wait(3)


def _taken(call, *errors):
    try:
        return call()
    except errors:
        return False


WAITS = {
    "Event.wait": lambda: threading.Event().wait(3),
    "Condition.wait": condition_waits,
    "Semaphore.acquire": lambda: threading.Semaphore(0).acquire(timeout=3),
    "Barrier.wait": lambda: _taken(lambda: threading.Barrier(2).wait(3), threading.BrokenBarrierError),
    "Queue.get": lambda: _taken(lambda: queue.Queue().get(timeout=3), queue.Empty),
    "Future.result": lambda: _taken(lambda: concurrent.futures.Future().result(3), TimeoutError),
    "futures.wait": lambda: bool(concurrent.futures.wait([concurrent.futures.Future()], timeout=3).done),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_a_wait_for_nothing_takes_its_timeout(wait):
    """What waits with a timeout, for what never comes, takes that long, exactly, and no real time."""
    assert result(wait, real_timeout=2) == (False, 3)


@pytest.mark.parametrize(
    "wait", [lambda: threading.Event().wait(), lambda: queue.Queue().get()], ids=["event", "queue"]
)
def test_a_wait_without_end_is_refused(wait):
    """Nothing can end it, so the attempt is stopped and the line named."""
    with pytest.raises(HandlerHangs, match=r"the handler blocked for more than 0\.3 s"):
        ran(wait, real_timeout=0.3)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**7), min_size=1, max_size=3), min_size=1, max_size=3))
def test_threads_sleep_side_by_side(chains):
    """Threads that sleep take as long as the longest of them, to the microsecond."""

    def sleeps(chain):
        for us in chain:
            time.sleep(us / SECOND)

    def side_by_side():
        crew = [threading.Thread(target=sleeps, args=(chain,)) for chain in chains]
        for one in crew:
            one.start()
        for one in crew:
            one.join()

    assert result(side_by_side) == (None, max(map(sum, chains)) / SECOND)


def test_a_pool_works_inside_the_attempt():
    """Four naps of a second by two threads take two, and a result comes when its work is done."""

    def pooled():
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(time.sleep, [1, 1, 1, 1]))
            return pool.submit(lambda: time.sleep(5) or "done").result(timeout=6)

    assert result(pooled) == ("done", 7)


def test_a_timeout_comes_before_what_takes_longer():
    """A result that takes five seconds isn't there after two; then it is waited for."""

    def pooled():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(time.sleep, 5)
            with pytest.raises(TimeoutError):
                future.result(timeout=2)
            return time.monotonic() % 60

    assert result(pooled) == (2, 5)


def test_an_event_that_is_set_in_time():
    """Who waits for another thread goes on when that one says so, not later."""

    def signalled():
        event = threading.Event()
        timer = threading.Timer(2, event.set)
        timer.start()
        found = event.wait(60)
        timer.join()
        return found

    assert result(signalled) == (True, 2)


def test_producer_and_consumer():
    """A queue between two threads that take different times."""

    def passed_on():
        line, seen = queue.Queue(maxsize=1), []

        def produce():
            for number in range(4):
                time.sleep(1)
                line.put(number)

        maker = threading.Thread(target=produce)
        maker.start()
        for _ in range(4):
            seen.append(line.get(timeout=10))
            time.sleep(3)
        maker.join()
        return seen

    assert result(passed_on) == ([0, 1, 2, 3], 13)


def test_a_loop_waits_among_threads():
    """An event loop's timer and a thread's sleep: whatever is earlier comes first."""

    async def mixed():
        slow, quick = asyncio.to_thread(time.sleep, 4), asyncio.to_thread(time.sleep, 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow, 3)
        await asyncio.wait_for(quick, 2)
        return time.monotonic() % 60

    value, took = result(lambda: asyncio.run(mixed()))
    assert (value, took) == (4, 4)


def test_a_long_computation_is_waited_for():
    """While a thread is at work nobody's timeout comes."""

    def busy():
        return sum(range(3_000_000))

    def waits():
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return pool.submit(busy).result(timeout=0.001)

    assert result(waits) == (sum(range(3_000_000)), 0)


def test_a_thread_that_is_left_behind_is_waited_for_and_named():
    """Its work is inside the attempt, without taking any of the attempt's time; the history has a warning."""
    done = []

    def work():
        time.sleep(7)
        done.append("yes")

    def leaves():
        threading.Thread(target=work).start()
        threading.Thread(target=time.sleep, args=(3,)).start()

    run = ran(leaves)
    assert (done, run.elapsed.total_seconds(), run.state) == (["yes"], 0, "complete")
    assert warned(run) == [
        f"step a, attempt 1: the handler leaves thread 'Thread ({name})' behind, without joining it; it was waited for"
        for name in ("work", "sleep")
    ]


def test_a_thread_that_nothing_wakes():
    """It can't be waited for; it is named, and the run goes on."""
    event = threading.Event()
    run = ran(lambda: threading.Thread(target=functools.partial(event.wait), name="watcher").start())
    event.set()
    assert warned(run) == []

    def watch():
        event.wait()

    event = threading.Event()
    run = ran(lambda: threading.Thread(target=watch, name="watcher").start())
    event.set()
    assert warned(run) == [
        "step a, attempt 1: the handler leaves thread 'watcher' behind, without joining it; "
        "it is still there, and waits for what never comes"
    ]


def test_a_pool_that_stays_is_nobodys_fault():
    """A pool of a module lives on from attempt to attempt: no warning, and its work ends with the attempt it is of."""
    pool, done = concurrent.futures.ThreadPoolExecutor(1), []

    def work():
        time.sleep(3)
        done.append("yes")

    for number in (1, 2):
        run = ran(lambda: pool.submit(work) and None)
        assert (warned(run), len(done), run.elapsed.total_seconds()) == ([], number, 0)
    pool.shutdown()


def test_a_thread_for_ever_at_work_is_refused():
    """A loop that never ends, in a thread that is left behind, stops the run instead of hanging it."""
    stop = []

    def loops():
        while not stop:
            time.sleep(60)

    try:
        with pytest.raises(HandlerHangs, match=r"(?s)blocked for more than 0.5 s of real time, at\n.* in loops\n"):
            ran(lambda: threading.Thread(target=loops, name="poller").start(), real_timeout=0.5)
    finally:
        stop.append(True)


def test_a_thread_that_the_system_has_not_begun_is_waited_for(monkeypatch):
    """However long a thread takes to appear, time stands still until it does."""
    looks, asked = [], queue.SimpleQueue()
    real_start, real_sleep = threading._start_new_thread, time.sleep

    def begins_late():
        function, args = asked.get()
        while len(looks) < 100:
            real_sleep(0)
        real_start(function, args)

    def start(function, args):
        if args or not function.__self__.name.startswith("late"):
            return real_start(function, args)
        return asked.put((function, args))

    def side_by_side():
        first = threading.Thread(target=time.sleep, args=(4,))
        first.start()
        late = threading.Thread(target=time.sleep, args=(1,), name="late")
        late.start()
        late.join()
        now = time.monotonic() % 60
        first.join()
        return now

    monkeypatch.setattr(threads, "_sleep", lambda seconds: looks.append(seconds) or real_sleep(seconds))
    threading.Thread(target=begins_late, daemon=True).start()
    monkeypatch.setattr(threading, "_start_new_thread", start)
    assert result(side_by_side) == (1, 4)


def test_what_is_ready_by_now_is_not_jumped_over():
    """Whoever looks around, and finds everybody still, asks once more whether its own wait is over."""
    answers = iter([False] * 400 + [True])
    with World() as world:
        world.begin(datetime(2026, 1, 1, tzinfo=UTC), ("a", 1), "e")
        assert threads.waited(world, world.now_us + SECOND, lambda seconds: next(answers), lambda: False)
        assert world.elapsed_us == 0
        world.end()


def test_an_identity_that_is_given_again():
    """A handler's thread with the identity of a bystander that has ended is the handler's all the same."""
    end = threading.Event()
    ended = threading.Thread(target=end.wait)
    ended.start()
    with World():
        assert bystanders.sleeps_for_real(ended)
        end.set()
        ended.join()
        found = {}
        for _ in range(50):
            heir = threading.Thread(target=lambda: found.update({threading.get_ident(): bystanders.is_bystander()}))
            heir.start()
            heir.join()
    if ended.ident not in found:
        pytest.skip("this system doesn't give an identity twice")
    assert not any(found.values())


def test_a_pools_work_that_is_taken_counts_before_it_begins():
    """Between a queue and its work a pool's thread looks idle; the work tells that it isn't."""
    future, line = concurrent.futures.Future(), queue.SimpleQueue()
    looking.hand_over(future, line)
    assert looking.is_work_taken()
    line.put("work")
    assert not looking.is_work_taken()
    line.get()
    future.set_running_or_notify_cancel()
    assert not looking.is_work_taken()


def test_looking_at_threads_while_there_is_garbage():
    """A look never waits for good, whatever garbage there is to collect at that moment."""
    script = """
import gc, threading
from tasker_testkit.worker.looking import all_frames
class Node: pass
threading.Thread(target=threading.Event().wait, daemon=True).start()
gc.disable()
for _ in range(50):
    node = Node()
    node.me, node.local = node, threading.local()
    node.local.value = 1
dicts = [{} for _ in range(100)]
del node, dicts
gc.set_threshold(1)
def look():
    gc.enable()
    return len(all_frames()), gc.isenabled()
print(*look())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["2", "True"]


def test_outside_of_an_attempt_waits_are_real():
    """A test's own waiting, with the clock frozen, isn't a handler's."""
    with World() as world:
        before = time.monotonic()
        assert threading.Event().wait(0.01) is False
        assert (time.monotonic(), world.elapsed_us) == (before, 0)


def test_what_is_used_of_threading_is_there():
    """The private names that waiting needs exist, and are what they were."""
    condition = threading.Condition()
    assert len(condition._waiters) == 0
    assert [condition._is_owned(), callable(condition._release_save), callable(condition._acquire_restore)][1:] == [
        True
    ] * 2
    assert threading._time is queue.time is time.monotonic
    places = [(owner, name, real) for owner, name, real, _ in threads.methods()]
    assert all(vars(owner)[name] is real for owner, name, real in places)
    with World():
        assert not any(vars(owner)[name] is real for owner, name, real in places)
    assert all(vars(owner)[name] is real for owner, name, real in places)
