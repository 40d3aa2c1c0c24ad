"""The agenda: instants, lanes, first in, first out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.engine.clock import CLAIM, RESULT, START, Agenda, first_tick
from tasker_testkit.errors import IllegalTransition

bookings = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([RESULT, CLAIM, START])), max_size=30)


def drain(agenda):
    """Everything booked, in the order in which it comes, as (instant, argument)."""
    order = []
    while True:
        while entry := agenda.pop():
            order.append((agenda.now, entry[1]))
        instant = agenda.next_instant()
        if instant is None:
            return order
        agenda.move_to(instant)


@given(bookings)
def test_everything_comes_by_instant_lane_and_booking(booked):
    """What is booked comes exactly once, ordered by instant, then lane, then order of booking."""
    agenda = Agenda()
    for number, (at, lane) in enumerate(booked):
        agenda.put(at, lane, (lane, number))
    wanted = sorted((at, (lane, number)) for number, (at, lane) in enumerate(booked))
    assert drain(agenda) == wanted


def test_the_clock_waits_for_what_can_run():
    """The clock doesn't move while anything can still run at this instant."""
    agenda = Agenda()
    agenda.put(0, START, None)
    with pytest.raises(IllegalTransition, match="something can still run"):
        agenda.move_to(1)


def test_nothing_is_booked_in_the_past():
    """A booking before now is refused."""
    agenda = Agenda()
    agenda.move_to(10)
    with pytest.raises(IllegalTransition, match="3 us in the past"):
        agenda.put(7, RESULT, None)


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_first_tick_is_the_earliest_of_its_grid(at, phase, interval):
    """The tick is on the grid, not before the instant, and the one before it would be."""
    tick = first_tick(at, phase, interval)
    assert tick >= max(at, phase)
    assert (tick - phase) % interval == 0
    assert tick == phase or tick - interval < at
