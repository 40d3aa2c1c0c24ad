"""Every function that tells the time: it shows the virtual instant, and a sleep moves it by exactly what was slept."""

from __future__ import annotations

import datetime
import email.utils
import logging
import subprocess
import sys
import time
from datetime import UTC, timedelta
from time import ctime as imported_ctime
from time import time_ns as imported_time_ns

import freezegun
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime.datetime(2026, 3, 14, 15, 9, 26, 535_897, tzinfo=UTC)
NAP = timedelta(hours=31, seconds=7, microseconds=1)
NAIVE = START.replace(tzinfo=None)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


def _us(moment):
    return (moment - EPOCH) // timedelta(microseconds=1)


def _whole(moment):
    return moment.replace(microsecond=0)


SECONDS = {
    "time.time": lambda: time.time(),
    "time.monotonic": lambda: time.monotonic(),
    "time.perf_counter": lambda: time.perf_counter(),
    "time.clock_gettime": lambda: time.clock_gettime(time.CLOCK_REALTIME),
    "time.clock_gettime(MONOTONIC)": lambda: time.clock_gettime(time.CLOCK_MONOTONIC),
    "LogRecord.created": lambda: logging.makeLogRecord({}).created,
}
NANOSECONDS = {
    "time.time_ns": lambda: time.time_ns(),
    "from time import time_ns": lambda: imported_time_ns(),
    "time.monotonic_ns": lambda: time.monotonic_ns(),
    "time.perf_counter_ns": lambda: time.perf_counter_ns(),
    "time.clock_gettime_ns": lambda: time.clock_gettime_ns(time.CLOCK_REALTIME),
}
MOMENTS = {
    "datetime.now": (lambda: datetime.datetime.now(), lambda at: at.replace(tzinfo=None)),
    "datetime.now(UTC)": (lambda: datetime.datetime.now(UTC), lambda at: at),
    "datetime.utcnow": (lambda: datetime.datetime.utcnow(), lambda at: at.replace(tzinfo=None)),
    "datetime.today": (lambda: datetime.datetime.today(), lambda at: at.replace(tzinfo=None)),
    "date.today": (lambda: datetime.date.today(), lambda at: at.date()),
    "time.gmtime": (lambda: time.gmtime(), lambda at: at.utctimetuple()),
    "time.localtime": (lambda: time.localtime(), lambda at: at.utctimetuple()),
    "time.localtime's zone": (lambda: time.localtime().tm_zone, lambda at: "UTC"),
    "time.strftime": (lambda: time.strftime("%Y-%m-%dT%H:%M:%S%z"), lambda at: f"{at:%Y-%m-%dT%H:%M:%S}+0000"),
    "time.ctime": (lambda: time.ctime(), lambda at: at.ctime()),
    "from time import ctime": (lambda: imported_ctime(), lambda at: at.ctime()),
    "time.asctime": (lambda: time.asctime(), lambda at: at.ctime()),
    "time.mktime": (lambda: time.mktime(time.localtime()), lambda at: _us(at) // 10**6),
    "email.utils.localtime": (lambda: email.utils.localtime(), lambda at: at),
    "email.utils.formatdate": (lambda: email.utils.formatdate(), lambda at: f"{at:%a, %d %b %Y %H:%M:%S} -0000"),
}


@pytest.fixture
def frozen(world):
    """The world, entered at START."""
    with world:
        world.move_to(START)
        yield world


@pytest.mark.parametrize("clock", SECONDS.values(), ids=SECONDS)
def test_clocks_in_seconds(frozen, clock):
    """The instant to the microsecond, and after a sleep exactly that much later."""
    for moment in (START, START + NAP):
        assert round(clock() * 10**6) == _us(moment)
        time.sleep(NAP.total_seconds())


@pytest.mark.parametrize("clock", NANOSECONDS.values(), ids=NANOSECONDS)
def test_clocks_in_nanoseconds(frozen, clock):
    """The instant without any rounding, and after a sleep exactly that much later."""
    for moment in (START, START + NAP):
        assert clock() == _us(moment) * 1_000
        time.sleep(NAP.total_seconds())


@pytest.mark.parametrize(("clock", "expected"), MOMENTS.values(), ids=MOMENTS)
def test_clocks_in_fields(frozen, clock, expected):
    """Every way to ask for date and time gives the same moment, before and after a sleep."""
    for moment in (START, START + NAP):
        assert clock() == expected(moment)
        time.sleep(NAP.total_seconds())


@settings(max_examples=50)
@given(st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_nanoseconds_are_never_rounded(world, moment):
    """At any instant ``time_ns`` is the count of microseconds, and nothing else."""
    with world:
        world.move_to(moment)
        assert time.time_ns() == _us(moment) * 1_000


def test_given_moments_are_converted_as_ever(frozen):
    """Functions that are asked about another moment than now answer about that one."""
    at = 86_400.0
    assert time.gmtime(at)[:3] == time.localtime(at)[:3] == (1970, 1, 2)
    assert time.ctime(at) == "Fri Jan  2 00:00:00 1970" == time.asctime(time.gmtime(at))
    assert time.strftime("%j", time.gmtime(at)) == "002"
    assert datetime.datetime.fromtimestamp(at, UTC) == EPOCH + timedelta(days=1)
    assert datetime.date.fromtimestamp(at) == datetime.date(1970, 1, 2)


def test_processor_time_stays_real(frozen):
    """Clocks that count a process's own work don't follow the virtual time."""
    before = time.process_time(), time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)
    time.sleep(3_600)
    after = time.process_time(), time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)
    assert all(0 <= new - old < 3_600 for old, new in zip(before, after, strict=True))


def test_a_handlers_own_freeze_counts(frozen):
    """Inside a ``freeze_time`` of the handler's all these functions show its instant, with its offset."""
    with freezegun.freeze_time("2020-02-02 12:00:00", tz_offset=-3):
        assert datetime.datetime.now() == datetime.datetime(2020, 2, 2, 9)
        assert datetime.datetime.fromtimestamp(0) == datetime.datetime(1969, 12, 31, 21)
        assert datetime.date.today() == datetime.date(2020, 2, 2)
        assert time.clock_gettime_ns(time.CLOCK_REALTIME) == 1_580_644_800 * 10**9
        assert time.gmtime()[:4] == (2020, 2, 2, 12)


def test_everything_is_put_back():
    """What tells the time is the same after a run as before it, in ``time``, in ``datetime`` and in freezegun."""
    script = """
import datetime, time, freezegun
from tasker_testkit.worker.walltime import World

def all_there_is():
    owners = time, datetime, freezegun.api.FakeDatetime, freezegun.api.FakeDate
    return [dict(vars(owner)) for owner in owners]

with World(): pass  # what is imported on the way
before = all_there_is()
for _ in range(2):
    with World(), World(timezone="Europe/Berlin"):
        assert all_there_is() != before
assert all_there_is() == before
"""
    subprocess.run([sys.executable, "-c", script], check=True)
