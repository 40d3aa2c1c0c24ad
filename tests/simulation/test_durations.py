"""How long handlers take in virtual time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import Failure, Simulation, StubError, TaskerTestkitError
from tasker_testkit.model.durations import microseconds

DURATION = (
    " is not a duration. Write seconds (1.5), a text with a unit (us, ms, s, m, h, d; '250ms', '40s', '5m', '2h') "
    "or a timedelta; it can't be negative, nor longer than 1000 years."
)


def took(run, name):
    """Seconds that each attempt of a step took."""
    return [(attempt.ended_at - attempt.started_at).total_seconds() for attempt in run[name].attempts]


@pytest.mark.parametrize(
    "entry", [40, 40.0, "40", "40s", "40000ms", timedelta(seconds=40), ["40s"], lambda context, random: "40s"]
)
def test_every_kind_of_entry(workflow, profile, entry):
    """A number of seconds, a text, a timedelta, a list of these and a function say the same."""
    run = Simulation(workflow("a", "b"), stubs={"a": {}, "b": {}}, durations={"a": entry}, profile=profile).run()
    assert took(run, "a") == [40]
    assert run.elapsed == timedelta(seconds=40)
    assert run["b"].attempts[0].started_at == run["a"].attempts[0].ended_at


@pytest.mark.parametrize("handled", [True, False], ids=["a handler", "a stub"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_function_sees_the_attempts_first_instant(workflow, handler, handled, listed):
    """By the run's clock, whatever the handler has spent since, and also where nothing but stubs runs."""
    seen = []

    def lasts(context, random):
        seen.append(datetime.now(UTC).isoformat())
        return "5s"

    sleeps = handler(lambda context: time.sleep(60) or {})
    replaced = {"handlers": {"a": sleeps}} if handled else {"stubs": {"a": {}}}
    durations = {"a": [lasts] if listed else lasts}
    run = Simulation(workflow("a"), start="2030-01-01T00:00:00Z", durations=durations, **replaced).run()
    assert (took(run, "a"), seen) == ([65 if handled else 5], ["2030-01-01T00:00:00+00:00"])


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=4))
def test_a_list_has_one_entry_an_attempt_and_the_last_repeats(workflow, entries):
    """Attempt n takes entry n in whole microseconds, those behind the end the last one."""
    durations = {"a": [f"{entry}us" for entry in entries]}
    run = Simulation(workflow("a"), stubs={"a": Failure("busy")}, durations=durations).run()
    assert took(run, "a") == [entries[min(n, len(entries) - 1)] / 10**6 for n in range(3)]


def test_it_is_added_to_what_the_handler_sleeps(workflow, handler, profile):
    """A handler that sleeps takes its sleep and its duration."""

    def sleeps(context):
        time.sleep(2)
        return {}

    simulation = Simulation(workflow("a"), handlers={"a": handler(sleeps)}, durations={"a": "1s"}, profile=profile)
    assert took(simulation.run(), "a") == [3]


def test_a_function_sees_the_context(workflow):
    """The function gets the attempt's StepContext."""
    durations = {"a": lambda context, random: context.get_input("seconds") * (context.retry_count + 1)}
    run = Simulation(workflow("a"), stubs={"a": [Failure("busy"), {}]}, durations=durations).run({"seconds": 5})
    assert took(run, "a") == [5, 10]


@given(seed=st.integers(0, 2**32), extra=st.booleans())
def test_a_function_draws_from_the_runs_seed(workflow, seed, extra):
    """What a step draws depends on seed, step and attempt only: not on other steps, nor on how often it is run."""
    durations = {name: lambda context, random: random.uniform(0, 60) for name in ("a", "b")}
    stubs = {"a": [Failure("busy"), {}], "b": {}, "c": {}}
    alone = Simulation(workflow("a"), stubs={"a": stubs["a"]}, durations={"a": durations["a"]}, seed=seed)
    other = [{"name": "c"}, {"name": "b"}] if extra else [{"name": "b"}]
    beside = Simulation(
        workflow(*other, {"name": "a"}),
        stubs=stubs if extra else {"a": stubs["a"], "b": {}},
        durations=durations,
        seed=seed,
    )
    first = took(alone.run(), "a")
    assert took(beside.run(), "a") == took(beside.run(), "a") == first
    assert first[0] != first[1], "each attempt draws anew"


def test_another_seed_draws_otherwise(workflow):
    """Two seeds give two durations."""
    durations = {"a": lambda context, random: random.uniform(0, 60)}
    runs = [Simulation(workflow("a"), stubs={"a": {}}, durations=durations, seed=seed).run() for seed in (1, 2)]
    assert took(runs[0], "a") != took(runs[1], "a")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("soon", f"'soon'{DURATION}"),
        (-1, f"-1{DURATION}"),
        (["1s", None], f"None{DURATION}"),
        ([], "The list is empty: give one duration an attempt, the last one repeats."),
        (lambda context, random: "soon", f"'soon'{DURATION}"),
        (
            lambda context, random: 1 // 0,
            "The function (of a context and a random generator) raised "
            "ZeroDivisionError('integer division or modulo by zero').",
        ),
    ],
)
def test_what_is_no_duration_names_step_and_attempt(workflow, entry, message):
    """A wrong entry is an error of the test that says whose it is."""
    attempt = 2 if isinstance(entry, list) and entry else 1
    with pytest.raises(StubError) as caught:
        Simulation(workflow("a"), stubs={"a": [Failure("busy"), {}]}, durations={"a": entry}).run()
    assert str(caught.value) == f"durations: step 'a', attempt {attempt}: {message}"


def test_a_duration_of_an_unknown_step(workflow):
    """A duration for a step that the template lacks is refused with the nearest name."""
    with pytest.raises(StubError) as caught:
        Simulation(workflow("charge"), durations={"chrage": 1})
    assert str(caught.value) == (
        "There is a duration for step 'chrage', but template 'orders' has no such step. Did you mean 'charge'? "
        "Its steps:\n  charge"
    )


@pytest.mark.parametrize(
    "absurd", ["9" * 400, "9" * 30 + "d", 10**400, 1e308, float("inf"), float("nan"), timedelta.max, "365001d"]
)
def test_absurd_durations_are_an_error(absurd):
    """Whatever virtual time can't hold is refused as anything else that is no duration."""
    with pytest.raises(TaskerTestkitError) as caught:
        microseconds(absurd)
    assert str(caught.value) == f"{absurd!r:.80}{DURATION}"


def test_the_longest_duration():
    """A thousand years are a duration."""
    assert microseconds("365000d") == 365_000 * 86_400 * 10**6
