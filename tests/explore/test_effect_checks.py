"""Invariants over effects: nothing twice, nothing left behind."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import Failure, Simulation, TaskerTestkitError, effect, explore
from tasker_testkit.explore.invariants import (
    at_most_once,
    every_effect_undone_or_task_complete,
    judged,
    no_effect_twice,
)

ONE_STEP = {
    "name": "pay",
    "namespace_name": "tests",
    "version": "1.0.0",
    "steps": [{"name": "pay", "handler": {"callable": "x"}}],
}
UNDONE = every_effect_undone_or_task_complete({"reserve": "release", "charge": "refund"})
NAMES, KEYS = st.sampled_from(["reserve", "release", "charge"]), st.sampled_from([None, 1, "1"])
BOOKED = st.lists(st.tuples(NAMES, KEYS), max_size=6)


def run_of(effects, *, completes=True, faults=()):
    """A run whose one step books these effects, (name, key, data), and then succeeds or fails for good."""

    def pay(context):
        for name, key, *data in effects:
            effect(name, key, **(data[0] if data else {}))
        return {} if completes else Failure("no", retryable=False)

    return Simulation(ONE_STEP, stubs={"pay": pay}, faults=faults).run({})


def broken(run, *invariants):
    """What is said of the invariants that don't hold."""
    return [one.message for one in judged(run, invariants).broken]


@given(BOOKED)
def test_no_effect_twice_is_about_name_and_key(effects):
    """It holds exactly if no two effects have the same name and the same key; 1 and "1" are different keys."""
    twice = any(count > 1 for count in Counter((name, repr(key)) for name, key in effects).values())
    assert bool(broken(run_of(effects), no_effect_twice)) == twice


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.integers(0, 1)), max_size=4))
def test_without_a_key_the_data_decides(datas):
    """Effects without a key are the same one if all their data is the same, whatever the order of its names."""
    twice = any(datas.count(data) > 1 for data in datas)
    assert bool(broken(run_of([("mail", None, data) for data in datas]), no_effect_twice)) == twice


def test_data_is_not_a_key():
    """An effect with a key is never the same one as an effect without, even if that one's data looks alike."""
    assert broken(run_of([("mail", {"to": "ada"}), ("mail", None, {"to": "ada"})]), no_effect_twice) == []


def test_what_happened_twice_is_told_with_both():
    """The message has both effects with their keys, attempts and instants, and what to do; `at` is the second one's."""
    run = run_of([("charge", "order-1")], faults=[{"step": "pay", "attempt": 1, "crash": "after"}])
    (found,) = judged(run, [no_effect_twice]).broken
    assert found.message == (
        "the effect 'charge' happens twice:\n"
        "       0 s  charge (key 'order-1') by pay, attempt 1\n"
        "      30 s  charge (key 'order-1') by pay, attempt 2\n"
        "Give the other side a key that is the same in every attempt, and let it answer with the first one."
    )
    assert found.at == 30_000_000


def test_at_most_once_does_not_look_at_keys():
    """Two effects of one name are one too many, even with two keys; other names may be as often as they like."""
    run = run_of([("charge", 1), ("charge", 2), ("mail", 1), ("mail", 1)])
    assert broken(run, at_most_once("refund")) == []
    assert broken(run, at_most_once("charge", "refund")) == [
        "'charge' happens a second time:\n"
        "       0 s  charge (key 1) by pay, attempt 1\n"
        "       0 s  charge (key 2) by pay, attempt 1\n"
        "If the keys differ, the other side can't know that it is the same one: make the key from the task, not from "
        "the attempt, the clock or chance."
    ]
    assert len(broken(run_of([("mail", 1), ("mail", 2)]), at_most_once())) == 1


@given(BOOKED)
def test_what_is_not_undone_is_found(effects):
    """In a failed task each effect needs an undoing of its key behind it; each undoing takes back one."""
    open_ = Counter()
    for name, key in reversed(effects):
        if name == "release":
            open_[repr(key)] += 1
        elif name == "reserve" and open_[repr(key)]:
            open_[repr(key)] -= 1
        else:
            break
    else:
        assert broken(run_of(effects, completes=False), UNDONE) == []
        return
    assert len(broken(run_of(effects, completes=False), UNDONE)) == 1


@given(BOOKED)
def test_a_complete_task_needs_no_undoing(effects):
    """Whatever a task did that completes is as it should be."""
    assert broken(run_of(effects), UNDONE) == []


def test_what_is_left_is_told():
    """The message has the task's end and every effect that isn't undone, with its key; what is undone isn't in it."""
    run = run_of([("charge", 1), ("reserve", 1), ("reserve", 2), ("release", 2)], completes=False)
    assert broken(run, UNDONE) == [
        "the task ends blocked_by_failures, and this is not undone: charge (undone by refund), reserve (undone by "
        "release)\n"
        "       0 s  charge (key 1) by pay, attempt 1\n"
        "       0 s  reserve (key 1) by pay, attempt 1"
    ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: every_effect_undone_or_task_complete(["reserve"]), "undone_by=['reserve']: give a mapping from an "),
        (lambda: every_effect_undone_or_task_complete({"reserve": None}), "None is no name of an effect. "),
        (lambda: at_most_once("charge", ""), "'' is no name of an effect. Give the text that effect(...) is given."),
        (lambda: at_most_once(["charge"]), "['charge'] is no name of an effect. "),
    ],
)
def test_names_only(make, message):
    """What is no name of an effect is refused when the invariant is made."""
    with pytest.raises(TaskerTestkitError) as caught:
        make()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("invariant", [no_effect_twice, at_most_once("charge"), UNDONE], ids=lambda one: one.name)
def test_they_can_be_sent_to_other_processes(invariant):
    """They are equal to themselves behind pickle."""
    assert pickle.loads(pickle.dumps(invariant)) == invariant


def explored(*checks, books=("reserve", "charge")):
    """The notes about these checks, of a step that books these effects."""

    def pay(context):
        for name in books:
            effect(name)

    found = explore(Simulation(ONE_STEP, stubs={"pay": pay}), {}, kinds="fail", check=checks)
    assert not found.failures
    return found.notes


def test_a_check_of_an_effect_that_never_happens_is_told():
    """A misspelled name would hold of every run; the note has the names that there are."""
    assert explored(at_most_once("charge"), at_most_once(), no_effect_twice, UNDONE) == ()
    assert explored(at_most_once("charge", "chrage")) == (
        "the plain run has no effect 'chrage', which at_most_once('charge', 'chrage') is about; it has 'charge', "
        "'reserve'.",
    )
    assert explored(UNDONE, books=()) == tuple(
        f"the plain run has no effect {name!r}, which every_effect_undone_or_task_complete is about; it has none."
        for name in ("reserve", "charge")
    )
