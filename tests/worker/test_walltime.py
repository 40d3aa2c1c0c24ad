"""Inside the world every clock shows the virtual instant and sleeping takes no real time; outside, time is real."""

from __future__ import annotations

import asyncio
import concurrent.futures
import copyreg
import datetime
import importlib
import pickle
import sys
import threading
import time
import uuid
from datetime import UTC, timedelta
from datetime import datetime as imported_datetime
from time import monotonic as imported_monotonic
from time import sleep as imported_sleep

import freezegun
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit.worker import eventloop
from tasker_testkit.worker.walltime import World

START = datetime.datetime(2026, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
REAL = (
    time.time,
    time.sleep,
    time.monotonic,
    time.perf_counter,
    datetime.datetime,
    datetime.date,
    asyncio.new_event_loop,
)
instants = st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2200, 1, 1), timezones=st.just(UTC))
delays = st.lists(st.integers(0, 10**9), max_size=5)


def current():
    """What the real names hold now."""
    return (
        time.time,
        time.sleep,
        time.monotonic,
        time.perf_counter,
        datetime.datetime,
        datetime.date,
        asyncio.new_event_loop,
    )


@given(instants, delays)
def test_every_clock_shows_the_virtual_instant(world, moment, sleeps):
    """datetime and time agree with our own count of microseconds, before and after sleeping, to the microsecond."""
    with world:
        world.move_to(moment)
        for us in sleeps:
            time.sleep(us / SECOND)
        expected = moment + timedelta(microseconds=sum(sleeps))
        assert world.elapsed_us == sum(sleeps)
        assert datetime.datetime.now(UTC) == expected
        assert imported_datetime.now(UTC) == expected
        assert imported_datetime.now() == expected.replace(tzinfo=None)
        assert abs(time.time() - expected.timestamp()) < 1e-6
        assert imported_monotonic() == time.monotonic() == time.time()
        assert world.now == expected
        assert datetime.date.today() == expected.date()


@pytest.mark.parametrize(
    "sleep", [lambda: time.sleep(1.5), lambda: imported_sleep(1.5)], ids=["time.sleep", "from time import sleep"]
)
def test_sleeping_takes_virtual_time(world, sleep):
    """However a module got hold of ``sleep``, it moves the clock."""
    with world:
        world.move_to(START)
        sleep()
        assert world.elapsed_us == 1_500_000


def test_a_module_imported_inside_is_frozen_and_real_again_afterwards(world, tmp_path, monkeypatch):
    """``from time import sleep`` in a module that a handler imports: virtual inside, real when the world is left."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "imported_inside.py").write_text("from time import sleep, time\nfrom datetime import datetime\n")
    with world:
        module = importlib.import_module("imported_inside")
        world.move_to(START)
        module.sleep(2)
        assert module.datetime.now(UTC) == START + timedelta(seconds=2)
    assert (module.sleep, module.time, module.datetime) == (time.sleep, time.time, datetime.datetime)
    with world:
        world.move_to(START)
        assert module.time() == START.timestamp()
    del sys.modules["imported_inside"]


@pytest.mark.parametrize("prefix", ["rich", "queue", "gift", "threading", "time", "socket"])
def test_a_module_whose_name_begins_like_a_library_is_frozen(world, tmp_path, monkeypatch, prefix):
    """A user's ``queue_orders`` isn't taken for ``queue``."""
    name = f"{prefix}_orders_of_test"
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / f"{name}.py").write_text("from datetime import datetime\nfrom time import sleep\n")
    module = importlib.import_module(name)
    with world:
        world.move_to(START)
        module.sleep(1)
        assert module.datetime.now(UTC) == START + timedelta(seconds=1)
    assert module.datetime is datetime.datetime


def test_time_is_real_outside():
    """Leaving the world restores every name, as often as it is entered, nested or not, and after an error."""
    world = World()
    for _ in range(3):
        with world, world:
            assert not set(current()) & set(REAL)
        assert current() == REAL
        assert not freezegun.api.freeze_factories
    with pytest.raises(ZeroDivisionError), world:
        1 / 0  # noqa: B018
    assert current() == REAL
    assert imported_sleep is time.sleep
    assert datetime.datetime not in copyreg.dispatch_table
    assert type(pickle.loads(pickle.dumps(START))) is datetime.datetime
    assert uuid.uuid1().time


def test_a_patch_of_the_users_survives(monkeypatch, world):
    """What a test puts in place of a clock while the world is left stays there when it is entered again."""
    with world:
        pass
    monkeypatch.setattr(sys.modules[__name__], "imported_monotonic", lambda: 7)
    with world:
        assert imported_monotonic() == 7
    assert imported_monotonic() == 7


def test_the_users_own_freezegun_goes_on(world):
    """Inside the user's own freeze the world shows its instant, then the freeze goes on; and the other way round."""
    with freezegun.freeze_time("2020-02-02"):
        with world:
            world.move_to(START)
            assert imported_datetime.now(UTC) == START
        assert imported_datetime.now() == imported_datetime(2020, 2, 2)
    with world:
        world.move_to(START)
        assert imported_datetime.now(UTC) == START
        with freezegun.freeze_time("2020-02-02"):
            assert imported_datetime.now() == imported_datetime(2020, 2, 2)
        assert imported_datetime.now(UTC) == START
    assert current() == REAL


def test_threads_of_a_handler_see_virtual_time(world):
    """A pool's threads sleep in virtual time and see its clock, however they were started."""
    with world, concurrent.futures.ThreadPoolExecutor(1) as pool:
        world.move_to(START)
        pool.submit(time.sleep, 3).result()
        assert pool.submit(time.time).result() == START.timestamp() + 3


def test_a_daemon_thread_really_sleeps(world):
    """A library's background thread that sleeps in a loop doesn't drive the clock forward."""
    with world:
        world.move_to(START)
        thread = threading.Thread(target=time.sleep, args=(0.001,), daemon=True)
        thread.start()
        thread.join()
        assert world.elapsed_us == 0


@pytest.mark.parametrize("wrong", [-1, "1", float("nan")])
def test_a_wrong_sleep_is_refused_as_ever(world, wrong):
    """``time.sleep`` refuses inside what it refuses outside."""
    with pytest.raises((ValueError, TypeError)) as real:
        time.sleep(wrong)
    with world, pytest.raises(real.type):
        time.sleep(wrong)


async def waits(*seconds):
    """Sleep one after the other."""
    for one in seconds:
        await asyncio.sleep(one)


RUNNERS = {
    "ours": lambda coroutine, world: eventloop.run(coroutine, world),
    "own": lambda coroutine, _: asyncio.run(coroutine),
}


@pytest.mark.parametrize("runner", RUNNERS)
@given(sleeps=st.lists(delays, max_size=4))
def test_concurrent_sleeps_take_as_long_as_the_longest(world, runner, sleeps):
    """``gather`` takes exactly the longest of the chains, in our loop and in one that a handler starts by itself."""

    async def all_of_them():
        await asyncio.gather(*(waits(*(us / SECOND for us in chain)) for chain in sleeps))
        return "done"

    with world:
        world.move_to(START)
        assert RUNNERS[runner](all_of_them(), world) == "done"
        assert world.elapsed_us == max((sum(chain) for chain in sleeps), default=0)


@given(st.integers(1, 10**8), st.integers(1, 10**8))
def test_timeouts_work_in_virtual_time(world, limit, needed):
    """``wait_for`` and ``timeout`` end what takes longer, at the limit, and leave alone what doesn't."""

    async def limited():
        try:
            async with asyncio.timeout(limit / SECOND):
                await asyncio.sleep(needed / SECOND)
        except TimeoutError:
            return "timeout"
        return "done"

    with world:
        world.move_to(START)
        ended = eventloop.run(limited(), world)
        assert world.elapsed_us == min(limit, needed)
        assert ended == "done" if needed < limit else limit == needed or ended == "timeout"


@pytest.mark.parametrize("nap", [1.1e-6, 1.9e-6, 0.4e-6])
def test_fractions_of_a_microsecond_are_rounded_once(world, nap):
    """An asyncio sleep takes what ``time.sleep`` takes, but at least a microsecond: the loop has to get on."""
    with world:
        world.move_to(START)
        eventloop.run(asyncio.sleep(nap), world)
        assert world.elapsed_us == max(1, round(nap * SECOND))


def test_a_loop_shows_the_time_of_the_clock(world):
    """Code that compares ``loop.time()`` with ``time.monotonic()`` is right, as in a real loop."""

    async def difference():
        await asyncio.sleep(1.25)
        return asyncio.get_running_loop().time() - time.monotonic()

    with world:
        world.move_to(START)
        assert abs(eventloop.run(difference(), world)) < 1e-6


def test_work_in_a_thread_is_waited_for(world):
    """A timer isn't jumped to while a thread of the loop works: the thread's own sleep counts."""

    def busy():
        for _ in range(2_000_000):  # long enough for the loop to come by and find nothing ready
            pass
        time.sleep(2)

    async def threaded():
        await asyncio.wait_for(asyncio.to_thread(busy), 5)

    with world:
        world.move_to(START)
        eventloop.run(threaded(), world)
        assert world.elapsed_us == 2 * SECOND


class Napping(StepHandler):
    """Sleeps in its own ``asyncio.run``."""

    handler_name = "napping"

    def call(self, context):
        """Sleep."""
        asyncio.run(asyncio.sleep(0.25))
        return StepHandlerResult.success({"at": imported_datetime.now(UTC).isoformat()})


def test_a_handler_starts_at_its_dispatch_and_takes_virtual_time(ending):
    """Each attempt starts at ``at``, whatever an earlier one took."""
    for _ in range(2):
        outcome = ending(Napping, at=START)
        assert outcome.result == {"at": "2026-01-01T00:00:00.250000+00:00"}
        assert outcome.took_us == 250_000


def test_inside_a_running_loop(ending):
    """An asynchronous test can run handlers: its own loop is put aside for so long."""

    class Async(StepHandler):
        handler_name = "h"

        async def call(self, context):
            await asyncio.sleep(1)
            return StepHandlerResult.success({})

    async def test():
        found = [ending(Async).took_us, ending(Napping).took_us]
        await asyncio.sleep(0)
        return found

    assert asyncio.run(test()) == [SECOND, 250_000]


def test_what_we_use_of_freezegun_is_there():
    """The names of freezegun that the world uses exist; a frozen clock shows ``time_to_freeze``."""
    freezer = freezegun.freeze_time("2020-01-01")
    assert isinstance(freezer.ignore, tuple)
    factory = freezer.start()
    stacks = [getattr(freezegun.api, name) for name in ("freeze_factories", "tz_offsets", "ignore_lists", "tick_flags")]
    assert [len(stack) for stack in stacks] == [1, 1, 1, 1]
    factory.time_to_freeze = REAL[4](2021, 1, 1)
    assert datetime.datetime.now() == REAL[4](2021, 1, 1)
    freezer.stop()
    assert [len(stack) for stack in stacks] == [0, 0, 0, 0]


def test_threads_that_were_there_before_go_on_in_real_time():
    """A thread of a client or a loop sees real time while a handler's stands still; a handler's own thread doesn't.

    That is so also when the handler's thread outlives its run, and sleeping follows the same rule.
    """
    pool = concurrent.futures.ThreadPoolExecutor(1)
    client = concurrent.futures.ThreadPoolExecutor(1)
    client.submit(int).result()
    for _ in range(2):
        with World(start=datetime.datetime(2001, 1, 1, tzinfo=UTC)) as world:
            assert time.time() == 978_307_200
            assert pool.submit(time.time).result() == 978_307_200
            assert client.submit(time.time).result() > 1_700_000_000
            assert client.submit(time.monotonic).result() != pool.submit(time.monotonic).result()
            client.submit(time.sleep, 0.001).result()
            assert world.elapsed_us == 0
            pool.submit(time.sleep, 5).result()
            assert world.elapsed_us == 5 * SECOND
    assert client.submit(time.time).result() > 1_700_000_000
    pool.shutdown()
    client.shutdown()


def test_a_handler_in_a_daemon_thread_sleeps_in_virtual_time():
    """Clusters run tasks in daemon threads: there too a handler's sleep takes no real time; that of others does."""
    slept = []

    def task():
        with World() as world:
            time.sleep(3_600)
            beside = threading.Thread(target=lambda: slept.append(time.sleep(0.001)), daemon=True)
            beside.start()
            beside.join()
            slept.append(world.elapsed_us)

    thread = threading.Thread(target=task, daemon=True)
    thread.start()
    thread.join()
    assert slept == [None, 3_600 * SECOND]
