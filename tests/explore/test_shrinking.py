"""Shrinking: what is left fails, and nothing simpler does; the same each time, and in few runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_samples import STEPS, faults, plans

from tasker_testkit.errors import FaultError
from tasker_testkit.explore.shrinking import shrunk
from tasker_testkit.explore.simpler import WEAKEST_FIRST, simpler
from tasker_testkit.model.fault_kinds import KINDS, Fault, fault
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.http_faults import HttpFault


def caused_by(*causes):
    """A predicate that knows no more than this: a plan fails if for each cause it has a fault at least as bad."""

    def strength(one):
        return WEAKEST_FIRST.index(one.kind)

    def covers(one, cause):
        aimed = one.hits(cause.attempts[0]) if cause.attempts else one.attempts is None
        late = one.by >= cause.by if one.kind == "delay" else not cause.by
        return one.step == cause.step and aimed and strength(one) >= strength(cause) and late

    return lambda plan: all(any(covers(one, cause) for one in plan) for cause in causes)


def at_random(plan, salt, share):
    """A predicate without any order: some plans fail and some don't; ``plan`` does."""

    def fails(other):
        data = json.dumps([salt, *(one.to_data() for one in other)], sort_keys=True)
        return other == plan or hashlib.sha256(data.encode()).digest()[0] < share

    return fails


def recorded(fails):
    """The predicate, and the list of what it was asked."""
    asked = []

    def asking(plan):
        asked.append(plan)
        return fails(plan)

    return asking, asked


def size(one):
    """How much a fault says: its kind, then its attempts, then its settings. Natural numbers all the way down."""
    settings = one.to_data()[one.kind]
    extent = (1, 0, 0) if one.attempts is None else (0, len(one.attempts), sum(one.attempts))
    moment = ("before", "checkpoint", "after").index(one.when)
    spread = sum(value != "" for value in settings.values()) if one.kind in ("fail", "raise") else 0
    value = 0 if one.value is None else 1 if not one.value else 2
    said = one.by, moment, spread, value, len(json.dumps(one.value))
    return WEAKEST_FIRST.index(one.kind), *extent, *said, *size_of_wire(one.wire)


def size_of_wire(wire):
    """The same of what happens to requests: how many of them, when, what is answered, how late or how long."""
    if isinstance(wire, HttpFault):
        calls = (1, 0, 0) if wire.calls is None else (0, len(wire.calls), sum(wire.calls))
        return *calls, wire.when == "after", len(wire.headers) + (wire.body is not None), wire.delay
    return (wire.length, wire.start) if wire else ()


def test_every_kind_has_its_place():
    """The documented order of kinds has each kind once."""
    assert len(set(WEAKEST_FIRST)) == len(WEAKEST_FIRST)
    assert set(KINDS) <= set(WEAKEST_FIRST)


@given(plans())
def test_a_simplification_is_smaller_in_one_place(plan):
    """Each has a fault less, or one fault that says less: simplifying always ends. Each is a plan as data has it."""
    for other in simpler(plan):
        assert FaultPlan.from_data(FaultPlan(other).to_data()) == FaultPlan(other)
        assert len({repr(one) for one in other}) == len(other)
        if len(other) == len(plan):
            (before, after), *more = [pair for pair in zip(plan, other, strict=True) if pair[0] != pair[1]]
            assert not more
            assert before.step == after.step
            assert size(after) < size(before)
        else:
            assert len(other) == len(plan) - 1


@given(plans(), st.lists(faults(), min_size=1, max_size=2))
def test_monotone_predicates_end_minimal(plan, causes):
    """What is left fails, and no simplification of it does, if more faults only make it worse."""
    fails = caused_by(*causes)
    found = shrunk((*plan, *(one for one in causes if one not in plan)), fails)
    assert found.minimal
    assert fails(found.plan)
    assert len(found.plan) <= len(causes)
    assert not any(fails(other) for other in simpler(found.plan))


@settings(max_examples=60)
@given(plans(), st.integers(0, 1_000), st.integers(0, 200))
def test_predicates_without_order_end_minimal(plan, salt, share):
    """Minimal as well, if failing has no order at all."""
    fails = at_random(plan, salt, share)
    found = shrunk(plan, fails)
    assert found.minimal
    assert fails(found.plan)
    assert not any(fails(other) for other in simpler(found.plan))


@given(plans(), st.integers(0, 1_000), st.integers(0, 200))
def test_the_same_questions_each_time_and_none_twice(plan, salt, share):
    """Two searches ask for the same plans in the same order, no plan twice, and say how many they were."""
    first, asked = recorded(at_random(plan, salt, share))
    second, again = recorded(at_random(plan, salt, share))
    found = shrunk(plan, first)
    assert shrunk(plan, second) == found
    assert again == asked
    assert len({repr(one) for one in asked}) == len(asked) == found.runs


@settings(max_examples=300)
@given(plans(most=5, least=5), faults(attempts=st.none() | st.integers(1, 4)), st.integers(0, 5), st.data())
def test_one_cause_among_six_takes_at_most_fifty_runs(plan, cause, place, data):
    """Five faults too many, and a delay to the exact microsecond, cost at most 50 runs."""
    six = (*plan[:place], cause, *plan[place:])
    if cause.kind == "delay":
        cause = replace(cause, by=data.draw(st.integers(1, cause.by)))
    found = shrunk(six, caused_by(cause))
    assert len(found.plan) == 1
    assert found.runs <= 50


def test_a_cause_among_many_is_found_by_halves():
    """One fault of 128 is found in some 20 runs, not in 128."""
    many = tuple(fault("fail", f"step_{number}", 1, {}) for number in range(128))
    found = shrunk(many, lambda plan: many[77] in plan)
    assert found.plan == (many[77],)
    assert found.runs <= 20


@pytest.mark.parametrize("threshold", [1, 999, 1_000, 1_001, 29_999_999, 30_000_000, 30_000_001, 39_876_543, 4 * 10**7])
def test_a_delay_ends_where_it_flips(threshold):
    """The delay that is left is the shortest that fails, to the microsecond."""
    late = fault("delay", "charge", 1, "40s")
    assert shrunk((late,), lambda plan: any(one.by >= threshold for one in plan)).plan[0].by == threshold


@pytest.mark.parametrize(("seconds", "runs"), [(30, 22), (300, 24)])
def test_a_flip_beside_a_whole_second_is_found_early(seconds, runs):
    """Timeouts are whole seconds: a delay that is longer than one by a microsecond takes few runs."""
    found = shrunk((fault("delay", "charge", 1, "1h"),), lambda plan: any(one.by > seconds * 10**6 for one in plan))
    assert found.plan[0].by == seconds * 10**6 + 1
    assert found.runs <= runs


def test_a_retry_that_only_the_first_fault_made_needs_it_no_more():
    """A crash of the second attempt, which only a failure of the first one made, becomes one of the first."""
    plan = (fault("fail", "charge", 1, {}), fault("crash", "charge", 2, "after"))
    fails = caused_by(fault("crash", "charge", 1, "before"))
    assert shrunk(plan, lambda plan: fails(plan) and plan[0].when == "after").plan == (
        fault("crash", "charge", 1, "after"),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (fault("hang", "charge", None, True), fault("fail", "charge", 1, {})),
        (fault("fail", "charge", [2, 3], {"retryable": False, "error_code": "E"}), fault("fail", "charge", 2, {})),
        (fault("raise", "charge", 3, ValueError("no")), fault("fail", "charge", 2, {})),
    ],
)
def test_what_any_failure_does_is_shown_with_a_plain_one(before, after):
    """If any failed attempt will do, from the earliest that does on, a plain retryable failure is left."""
    least = after.attempts[0]
    fails = lambda plan: any(one.attempts is None or max(one.attempts) >= least for one in plan)  # noqa: E731
    assert shrunk((before,), fails).plan == (after,)


def test_a_corrupted_value_becomes_as_small_as_it_may():
    """A value that has to be a list ends as the empty one."""
    given = fault("corrupt", "charge", 1, {"path": "items", "value": [1, 2, 3]})
    (left,) = shrunk((given,), lambda plan: any(isinstance(one.value, list) for one in plan)).plan
    assert left.value == []


def test_true_and_one_are_different_plans():
    """Values that Python calls equal, and JSON doesn't, are tried each for itself."""
    given = fault("corrupt", "charge", 1, {"path": "items", "value": 1})
    (left,) = shrunk((given,), lambda plan: any(one.kind == "corrupt" and one.value is not None for one in plan)).plan
    assert left.value == 0
    assert type(left.value) is int


def test_a_failure_without_faults_is_shrunk_to_none():
    """If the workflow fails anyway, the minimal plan is empty."""
    assert shrunk((fault("hang", "charge", 1, True),), lambda plan: True).plan == ()


def test_a_plan_that_is_refused_does_not_fail():
    """A FaultError (an attempt that can't come) is no failure of the workflow, and no end of the search."""

    def fails(plan):
        if any(one.attempts != (2,) for one in plan):
            raise FaultError("can never fire")
        return bool(plan)

    assert shrunk((fault("hang", "charge", 2, True),), fails).plan == (fault("fail", "charge", 2, {}),)


def test_any_other_error_is_the_callers():
    """What else goes wrong in the predicate isn't swallowed."""
    with pytest.raises(ZeroDivisionError):
        shrunk((fault("hang", "charge", 2, True),), lambda plan: 1 // 0)


def test_the_most_runs_are_kept_to_and_said():
    """With too few runs the best plan so far is given, and that it may not be minimal."""
    plan = tuple(fault("hang", step, 1, True) for step in STEPS)
    found = shrunk(plan, lambda plan: Fault("hang", "ship", (1,)) in plan, most=2)
    assert (found.runs, found.minimal) == (2, False)
    assert 1 <= len(found.plan) < 3
