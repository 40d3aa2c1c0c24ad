"""effect(...): what a gateway's double does is booked with whose attempt it was, and when."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tasker_core import StepHandlerResult

from tasker_testkit import Effect, EffectError, Simulation, call_handler, effect, step_context

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_effect_knows_whose_it_was(workflow, handler):
    """Name, key and data are as given; step, attempt and instant are the handler's, what it slept included."""

    def charge(context):
        time.sleep(2)
        effect("charge", key="order-1", amount=3)

    run = Simulation(workflow("charge"), handlers={"charge": handler(charge)}).run({})
    (found,) = run.effects
    assert (found.name, found.key, found.data) == ("charge", "order-1", {"amount": 3})
    assert (found.step, found.attempt, found.at) == ("charge", 1, START + timedelta(seconds=2))


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        ({"crash": "after"}, [1, 2]),
        ({"lose_result": True}, [1, 2]),
        ({"duplicate": True}, [1, 1]),
        ({"crash": "before"}, [2]),
        ({"fail": {}}, [2]),
        ({"raise": {"type": "OSError"}}, [2]),
        ({"delay": "1s"}, [1]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_books_show_every_call_of_the_handler(workflow, handler, fault, attempts):
    """A handler that is called again books again; one that a fault takes the place of books nothing."""
    charge = handler(lambda context: effect("charge"))
    plan = [{"step": "charge", "attempt": 1, **fault}]
    run = Simulation(workflow("charge"), handlers={"charge": charge}, faults=plan).run({})
    assert [found.attempt for found in run.effects] == attempts


def test_a_handler_that_fails_has_had_its_effects(workflow, handler):
    """What was booked before a failure or an exception stays booked."""

    def charge(context):
        effect("charge", key=context.retry_count)
        if context.retry_count == 0:
            return StepHandlerResult.failure("no answer", "timeout")
        raise RuntimeError

    run = Simulation(workflow("charge"), handlers={"charge": handler(charge)}).run({})
    assert [found.key for found in run.effects] == [0, 1, 2]


def test_stubs_book_too(workflow):
    """A stub that is a function books under its own step, at the instant of its attempt."""
    stubs = {"reserve": lambda context: effect("reserve") or {}, "ship": lambda context: effect("ship") or {}}
    run = Simulation(workflow("reserve", "ship"), stubs=stubs, durations={"reserve": "5s"}).run({})
    told = [(found.name, found.step, (found.at - START).seconds) for found in run.effects]
    assert told == [("reserve", "reserve", 0), ("ship", "ship", 5)]


def test_a_stub_behind_a_handler_that_slept(workflow, handler):
    """What the handler before it slept doesn't make a stub's effect later than its attempt."""
    steps = workflow("reserve", "ship")
    stubs = {"ship": lambda context: effect("ship") or {}}
    asleep = {"reserve": handler(lambda context: time.sleep(5))}
    (found,) = Simulation(steps, stubs=stubs, handlers=asleep).run({}).effects
    assert found.at == START + timedelta(seconds=5)


def test_effects_are_in_the_order_of_their_instants(workflow, handler):
    """A handler that is called first and sleeps books behind one that doesn't."""

    def slow(context):
        time.sleep(5)
        effect("slow")

    steps = [{"name": "slow"}, {"name": "quick"}]
    handlers = {"slow": handler(slow), "quick": handler(lambda context: effect("quick"))}
    run = Simulation(workflow(*steps), handlers=handlers).run({})
    assert [found.name for found in run.effects] == ["quick", "slow"]
    assert [entry["name"] for entry in run.history.to_data()["effects"]] == ["quick", "slow"]


def test_threads_of_a_handler_book_for_it(workflow, handler):
    """A double may be called in a thread that the handler started."""

    def fan_out(context):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda key: effect("charge", key=key), [1, 2]))

    run = Simulation(workflow("charge"), handlers={"charge": handler(fan_out)}).run({})
    assert sorted(found.key for found in run.effects) == [1, 2]


def test_outside_a_handler_nothing_happens(workflow, handler):
    """A double can be used in setup, in the test itself and after a run, with any arguments: nothing is booked."""
    charge = handler(lambda context: effect("charge"))
    simulation = Simulation(workflow("charge"), handlers={"charge": charge}, setup=lambda: effect("setup"))
    effect("before", key=object())
    run = simulation.run({})
    effect("after", card=object())
    assert [found.name for found in run.effects] == ["charge"]
    with simulation.start({}) as task:
        effect("by hand")
        assert task.finish().effects == run.effects


def test_runs_keep_separate_books(workflow, handler):
    """Two tasks driven in turns have their own effects each."""
    charge = handler(lambda context: effect("charge", key=context.get_input("id")))
    simulation = Simulation(workflow("charge"), handlers={"charge": charge})
    with simulation.start({"id": 1}) as one, simulation.start({"id": 2}) as other:
        two = other.finish()
        assert [[found.key for found in run.effects] for run in (one.finish(), two)] == [[1], [2]]


def test_a_run_inside_a_handler_books_for_itself(workflow, handler):
    """A handler under test that runs a simulation of its own gets its books back afterwards."""
    inner = Simulation(workflow("b"), stubs={"b": lambda context: effect("inner") or {}})

    def outer(context):
        inner.run({})
        effect("outer")

    run = Simulation(workflow("a"), handlers={"a": handler(outer)}).run({})
    assert [found.name for found in run.effects] == ["outer"]


def test_key_and_data_are_json_copies(workflow, handler):
    """What an identifier or an amount is made of becomes JSON, and what the double changes later doesn't change it."""
    amounts = [Decimal("1.50")]

    def charge(context):
        effect("charge", key=(UUID(int=1), 2), amounts=amounts, on=datetime(2026, 1, 2))
        amounts.clear()

    (found,) = Simulation(workflow("charge"), handlers={"charge": handler(charge)}).run({}).effects
    assert found.key == ["00000000-0000-0000-0000-000000000001", 2]
    assert found.data == {"amounts": ["1.50"], "on": "2026-01-02T00:00:00"}


@pytest.mark.parametrize(
    ("book", "message"),
    [
        (
            lambda: effect("charge", card=object()),
            "effect('charge') can't be booked: data.card is a <class object>. Give an id, or fields that matter.",
        ),
        (
            lambda: effect("charge", key=[object()]),
            "effect('charge') can't be booked: key[0] is a <class object>. Give an id, or fields that matter.",
        ),
        (lambda: effect(""), "An effect's name is a text such as 'charge', not ''."),
        (lambda: effect(7), "An effect's name is a text such as 'charge', not 7."),
    ],
)
def test_what_cannot_be_booked_is_an_error_of_the_test(workflow, handler, book, message):
    """An effect without a name, or with what isn't JSON, ends the run with one sentence; it is no failed attempt."""
    simulation = Simulation(workflow("charge"), handlers={"charge": handler(lambda context: book())})
    with pytest.raises(EffectError) as caught:
        simulation.run({})
    assert str(caught.value) == message


def test_a_handler_cannot_swallow_the_refusal(workflow, handler):
    """A handler that catches every exception doesn't hide an effect that could not be booked; the next run is clean."""

    def charge(context):
        with suppress(Exception):
            effect(context.get_input("name"))

    simulation = Simulation(workflow("charge"), handlers={"charge": handler(charge)})
    with pytest.raises(EffectError, match="not ''"):
        simulation.run({"name": ""})
    assert [found.name for found in simulation.run({"name": "charge"}).effects] == ["charge"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text('aé☃"\\'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.tuples(st.sampled_from(["charge", "mail"]), JSON, JSON), max_size=4))
def test_the_history_has_them_all(workflow, handler, effects):
    """The file lists every effect with its key and data, in seconds, and the same run gives the same bytes."""

    def book(context):
        for name, key, value in effects:
            effect(name, key, value=value)

    simulation = Simulation(workflow("charge"), handlers={"charge": handler(book)})
    text = simulation.run({}).history.to_json()
    written = {"at": 0.0, "step": "charge", "attempt": 1}
    expected = [{**written, "name": name, "key": key, "data": {"value": value}} for name, key, value in effects]
    assert json.loads(text)["effects"] == expected
    assert simulation.run({}).history.to_json() == text


def test_one_handler_alone(handler):
    """call_handler adds what is booked to the list it is given, with the context's step and attempt."""
    booked = []
    charge, context = handler(lambda context: effect("charge")), step_context("pay", attempt=2)
    call_handler(charge, context, effects=booked)
    call_handler(charge, context)
    assert [(found.name, found.step, found.attempt) for found in booked] == [("charge", "pay", 2)]


def test_an_effect_in_words():
    """An effect is shown with its key or, without one, with its data."""
    who = {"step": "notify", "attempt": 2, "at": START}
    assert str(Effect("mail", "m1", {"to": "ada"}, **who)) == "mail (key 'm1') by notify, attempt 2"
    assert str(Effect("mail", None, {"to": "ada"}, **who)) == "mail (data {'to': 'ada'}) by notify, attempt 2"
