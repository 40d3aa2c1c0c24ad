"""What the workflow tells the world: which events, on which condition, with which payload, and what is dropped."""

from __future__ import annotations

from datetime import timedelta

import pytest
import tracking
from carrier import carrier, scale

ORDER = {"order_id": "7", "items": ["mug", "pen"]}
PARCEL = {"parcel_id": "PARCEL-7", "weight_g": 600}


def names(events):
    """The names of events, in the order in which they were published."""
    return [event["name"] for event in events]


def test_a_parcel_is_packed_and_shipped(tasker_run, tasker_events):
    """One event for each step that succeeds, one for each attempt of the carrier; the payload is the step's result."""
    tasker_run(ORDER)
    assert names(tasker_events()) == ["parcel.packed", "parcel.shipped", "parcel.audited"]
    (shipped,) = tasker_events("parcel.shipped")
    assert (shipped["step"], shipped["payload"]) == ("hand_over", PARCEL)


def test_a_late_truck_is_told_each_time(tasker_run, tasker_events):
    """Two attempts fail and a third one succeeds: late, late, shipped, and three times an attempt has ended."""
    carrier.late = 2
    run = tasker_run(ORDER)
    assert names(tasker_events("parcel.late")) == ["parcel.late"] * 2
    assert [event["attempt"] for event in tasker_events("parcel.audited")] == [1, 2, 3]
    assert tasker_events("parcel.shipped")[0]["at"] == run.elapsed.total_seconds() == 180


def test_a_parcel_nobody_takes_is_refused(tasker_run, tasker_events):
    """A permanent failure has its own event, and it isn't late. A failure has no result: the payload is null."""
    run = tasker_run({**ORDER, "items": ["anvil"] * 7})
    assert run.state == "blocked_by_failures"
    assert names(tasker_events()) == ["parcel.packed", "parcel.refused", "parcel.audited"]
    assert tasker_events("parcel.refused")[0]["payload"] is None


def test_the_last_late_truck_is_late_and_not_refused(tasker_run, tasker_events):
    """The condition speaks of the attempt and not of the step: exhausted retries publish nothing of their own."""
    carrier.late = 3
    run = tasker_run(ORDER)
    assert run.state == "blocked_by_failures"
    assert len(tasker_events("parcel.late")) == 3
    assert tasker_events("parcel.refused") == []


def test_an_event_that_does_not_fit_its_schema_is_dropped(tasker_run, tasker_events):
    """The scale is broken and the parcel has no weight: nobody learns that it was packed. No step fails by that."""
    scale.works = False
    run = tasker_run(ORDER)
    assert run.state == "complete"
    assert tasker_events("parcel.packed") == []
    assert names(tasker_events("parcel.shipped")) == ["parcel.shipped"]
    (warning,) = run.history.warnings
    assert warning["text"] == "event parcel.packed of step pack dropped: its payload doesn't fit"


def test_a_crash_after_the_handover_is_told_once(tasker_run, tasker_faults, tasker_events):
    """The worker dies before its result is stored: no event either. The second attempt publishes."""
    tasker_faults.crash("hand_over", when="after", attempt=1)
    run = tasker_run(ORDER)
    assert run.elapsed == timedelta(seconds=30)
    assert [event["attempt"] for event in tasker_events("parcel.shipped")] == [2]
    assert carrier.fetched == ["PARCEL-7", "PARCEL-7"]


def test_delivery_is_as_the_template_says(tasker_run, tasker_events):
    """Customers follow a parcel at once, refusals wait in a queue for whoever reads it, and an audit may get lost."""
    tasker_run({**ORDER, "items": ["anvil"] * 7})
    modes = {event["name"]: event["delivery_mode"] for event in tasker_events()}
    assert modes == {"parcel.packed": "broadcast", "parcel.refused": "durable", "parcel.audited": "fast"}


def test_the_tracking_page_follows_a_parcel(tasker_run, tasker_events):
    """The subscriber gets what is delivered in process and what it asked for; the record says who handled an event."""
    tasker_run(ORDER)
    assert tracking.shown == {"PARCEL-7": "shipped"}
    assert tasker_events("parcel.shipped")[0]["subscribers"] == ["TrackingPage"]
    assert not tasker_events("parcel.audited")[0].get("subscribers")


def test_the_tracking_page_stops_at_the_last_good_news(tasker_run):
    """Nobody told it about refusals: a parcel that nobody takes looks packed for ever."""
    tasker_run({**ORDER, "items": ["anvil"] * 7})
    assert tracking.shown == {"PARCEL-7": "packed"}


@pytest.mark.tasker(profile="tasker-0.1.8")
def test_tasker_0_1_8_hands_over_more_than_the_payload(tasker_run):
    """There the result is one level deeper, in ``event["payload"]["payload"]``: the page fails, and stays empty."""
    run = tasker_run(ORDER)
    assert run.state == "complete"
    assert tracking.shown == {}
    assert "TrackingPage" in run.history.warnings[0]["text"]


@pytest.mark.tasker(profile="tasker-0.1.8")
def test_tasker_0_1_8_is_silent_about_failures(tasker_run, tasker_events):
    """Tasker 0.1.8 never publishes ``retryable_failure`` and ``permanent_failure``: only the audit knows."""
    carrier.late = 1
    tasker_run(ORDER)
    assert names(tasker_events()) == ["parcel.packed", "parcel.audited", "parcel.shipped", "parcel.audited"]
