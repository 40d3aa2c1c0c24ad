"""Local time of handlers: UTC wherever tests run, or the zone that a simulation names, over both edges of summer."""

from __future__ import annotations

import datetime
import os
import pickle
import subprocess
import time
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tasker_core import StepHandler, StepHandlerResult

from tasker_testkit import Simulation, TaskerTestkitError
from tasker_testkit.worker.walltime import World
from tasker_testkit.worker.zones import LocalTime

BERLIN = "Europe/Berlin"
FORWARD = datetime.datetime(2026, 3, 29, 1, tzinfo=UTC)
"""Here clocks in Berlin go from 2 to 3."""
BACK = datetime.datetime(2026, 10, 25, 1, tzinfo=UTC)
"""And here from 3 to 2."""
ONE_STEP = {
    "name": "z",
    "namespace_name": "t",
    "version": "1.0.0",
    "steps": [{"name": "a", "handler": {"callable": "h"}}],
}
zones = st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"])
worlds = {name: World(timezone=name) for name in zones.elements}
moments = st.datetimes(datetime.datetime(1971, 1, 1), datetime.datetime(2037, 1, 1), timezones=st.just(UTC))


def local(moment, zone):
    """What a clock on the wall shows there."""
    return moment.astimezone(ZoneInfo(zone))


@settings(max_examples=100, deadline=None)
@example(BERLIN, FORWARD - timedelta(microseconds=1))
@example(BERLIN, FORWARD)
@example(BERLIN, BACK - timedelta(microseconds=1))
@example(BERLIN, BACK)
@given(zones, moments)
def test_local_time_is_that_of_the_zone(zone, moment):
    """Every function of local time agrees with ``zoneinfo``, also in the hour that comes twice."""
    expected = local(moment, zone)
    with worlds[zone] as world:
        world.move_to(moment)
        now, fields = datetime.datetime.now(), time.localtime()
        assert (now, now.fold) == (expected.replace(tzinfo=None), expected.fold)
        assert (datetime.datetime.today(), datetime.date.today()) == (now, expected.date())
        assert now.timestamp() == moment.timestamp()
        assert now.astimezone(UTC) == moment
        assert datetime.datetime.now(UTC).astimezone().utcoffset() == expected.utcoffset()
        assert (fields[:6], fields.tm_gmtoff) == (expected.timetuple()[:6], expected.utcoffset().total_seconds())
        assert fields.tm_isdst == bool(expected.dst())
        assert time.strftime("%Y-%m-%d %H:%M:%S%z") == expected.strftime("%Y-%m-%d %H:%M:%S%z")
        assert time.ctime() == time.asctime() == expected.ctime()
        assert time.mktime(fields) == moment.timestamp() // 1
        assert datetime.datetime.fromtimestamp(time.time()).fold == expected.fold


@settings(max_examples=100, deadline=None)
@example("UTC", BERLIN, BACK)
@given(zones, zones, moments)
def test_a_zone_that_is_asked_for_counts(process, asked, moment):
    """``datetime.now(ZoneInfo(...))`` is right whatever the process's zone, in both hours that look alike."""
    with worlds[process] as world:
        world.move_to(moment)
        now = datetime.datetime.now(ZoneInfo(asked))
        assert (now.utcoffset(), now.fold) == (local(moment, asked).utcoffset(), local(moment, asked).fold)
        assert now == local(moment, asked)


@pytest.mark.parametrize(
    ("edge", "seen"),
    [(FORWARD, ["01:30 CET +0100", "03:30 CEST +0200"]), (BACK, ["02:30 CEST +0200", "02:30 CET +0100"])],
    ids=["forward", "back"],
)
def test_a_handler_that_sleeps_over_an_edge(edge, seen):
    """An hour's sleep is an hour; the clock on the wall jumps as that in the simulation's zone does."""

    class Clerk(StepHandler):
        handler_name = "h"

        def call(self, context):
            shown, begun = [], time.monotonic()
            for _ in range(2):
                shown.append(time.strftime("%H:%M %Z %z"))
                time.sleep(3_600)
            return StepHandlerResult.success({"shown": shown, "slept": time.monotonic() - begun})

    simulation = Simulation(ONE_STEP, handlers={"h": Clerk}, timezone=BERLIN, start=edge - timedelta(minutes=30))
    assert simulation.run()["a"].result == {"shown": seen, "slept": 7_200}


class Zone(StepHandler):
    """Says where it is."""

    handler_name = "h"

    def call(self, context):
        """The zone's name and setting."""
        shown = subprocess.run(["date", "+%z"], capture_output=True, text=True, check=True).stdout.strip()
        return StepHandlerResult.success({"zone": time.tzname[0], "date": shown})


@pytest.mark.parametrize("machine", ["America/New_York", "UTC", BERLIN])
@pytest.mark.parametrize(("zone", "name"), [("UTC", "UTC"), ("Asia/Tokyo", "JST")])
def test_the_machines_zone_counts_for_nothing(machine, zone, name):
    """A run is in its own zone, and what the handler starts too; then the machine's is back."""
    with LocalTime(machine):
        before = os.environ.get("TZ"), time.tzname, time.timezone, time.localtime(0)
        found = Simulation(ONE_STEP, handlers={"h": Zone}, timezone=zone).run()["a"].result
        assert found == {"zone": name, "date": "+0000" if zone == "UTC" else "+0900"}
        assert (os.environ.get("TZ"), time.tzname, time.timezone, time.localtime(0)) == before


def test_a_world_inside_another_has_its_own_zone():
    """The inner one's counts, then the outer one's again."""
    with World(timezone=BERLIN), World(timezone="Asia/Tokyo"):
        assert time.tzname == ("JST", "JST")
        with World(timezone=BERLIN):
            assert time.tzname == ("CET", "CEST")
        assert time.tzname == ("JST", "JST")


def test_a_handler_that_changes_the_zone_changes_its_own_run_only():
    """``TZ`` and ``tzset`` in a handler are undone when the world is left."""
    before = os.environ.get("TZ"), time.tzname
    with World():
        os.environ["TZ"] = BERLIN
        time.tzset()
        assert time.tzname == ("CET", "CEST")
    assert (os.environ.get("TZ"), time.tzname) == before


def test_a_zone_travels_with_its_simulation():
    """In another process, and under another profile, local time is the same."""
    simulation = Simulation(ONE_STEP, handlers={"h": Zone}, timezone="Asia/Tokyo")
    for same in (pickle.loads(pickle.dumps(simulation)), simulation.with_profile("tasker-0.1.8")):
        assert same.run()["a"].result["zone"] == "JST"


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ("Europe/Berln", "timezone='Europe/Berln' isn't known. Did you mean 'Europe/Berlin'? Give a name"),
        ("../etc/passwd", "timezone='../etc/passwd' isn't known."),
        (None, 'timezone=None: Give a name such as "UTC" or "Europe/Berlin".'),
        ("", "timezone='': Give a name"),
    ],
)
def test_a_zone_that_isnt_one(wrong, text):
    """What was given, the nearest that there is, and what is possible."""
    with pytest.raises(TaskerTestkitError) as refused:
        Simulation(ONE_STEP, handlers={"h": Zone}, timezone=wrong)
    assert str(refused.value).startswith(text)


def test_a_system_without_files_of_zones(monkeypatch):
    """Where the system has no zones, those of the package ``tzdata`` are taken."""
    monkeypatch.setattr("zoneinfo.TZPATH", ())
    with World(timezone=BERLIN):
        assert time.tzname == ("CET", "CEST")


def test_a_system_without_tzset(monkeypatch):
    """There only UTC can be had, and the message says what to do instead."""
    monkeypatch.delattr(time, "tzset")
    with pytest.raises(TaskerTestkitError, match="a process can't change its time zone"):
        Simulation(ONE_STEP, handlers={"h": Zone}, timezone=BERLIN)
    assert Simulation(ONE_STEP, handlers={"h": Zone}).run().state == "complete"
