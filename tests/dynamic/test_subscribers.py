"""Subscribers of the team's own: what reaches them, in which shape, and that they can't harm a step (row 24)."""

from __future__ import annotations

import fnmatch
import threading
import types
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tasker_core.domain_events import BaseSubscriber

from tasker_testkit import Failure, HandlerHangs, Simulation, effect
from tasker_testkit.model.profile import PROFILES

BOTH = pytest.mark.parametrize("profile", PROFILES)


class Mails(BaseSubscriber):
    """Keeps what it is handed."""

    patterns = ("order.*",)

    def __init__(self):
        super().__init__()
        self.seen = []

    @classmethod
    def subscribes_to(cls):
        """The patterns of its class."""
        return list(cls.patterns)

    def handle(self, event):
        """Keep it."""
        self.seen.append(event)


def event(name, **keys):
    """A declared event, delivered in process."""
    return {"name": name, "description": "d", "schema": {}, "delivery_mode": "fast", **keys}


def simulate(handlers, stub, *events, **keywords):
    """A simulation of one step that publishes these events."""
    retry = {"max_attempts": 2, "backoff": "none"}
    step = {"name": "place", "handler": {"callable": "place"}, "publishes_events": list(events), "retry": retry}
    template = {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": [step]}
    return Simulation(template, handlers=handlers, stubs={"place": stub}, **keywords)


def warnings(run):
    """The texts of a run's warnings."""
    return [warning["text"] for warning in run.history.warnings]


@BOTH
def test_fast_and_broadcast_events_reach_a_subscriber(profile):
    """A durable event goes to a queue that others read; the run says who handled the others."""
    mails = Mails()
    events = [event(f"order.{mode}", delivery_mode=mode) for mode in ("durable", "fast", "broadcast")]
    run = simulate([mails], {"order_id": "O-1"}, *events, profile=profile).run()
    assert [one["event_name"] for one in mails.seen] == ["order.fast", "order.broadcast"]
    assert [one.get("subscribers") for one in run.events] == [None, ["Mails"], ["Mails"]]
    assert (run.state, warnings(run)) == ("complete", [])


def test_a_subscriber_is_handed_what_the_documents_promise():
    """The payload, the metadata of the event, and how the step ended; of a failure that, and an empty payload."""
    mails = Mails()
    stub = [Failure("no", error_type="busy"), {"order_id": "O-1"}]
    run = simulate([mails], stub, event("order.ended", condition="always"), durations={"place": "2s"}).run()
    failed, placed = mails.seen
    assert failed["payload"] == {}
    assert failed["execution_result"] == {
        "success": False,
        "result": None,
        "error_message": "no",
        "error_type": "busy",
        "execution_time_ms": 2000,
    }
    assert (placed["payload"], placed["execution_result"]["success"]) == ({"order_id": "O-1"}, True)
    assert {name: placed["metadata"][name] for name in ("step_name", "namespace", "fired_at", "fired_by")} == {
        "step_name": "place",
        "namespace": "shop",
        "fired_at": "2026-01-01T00:00:04+00:00",
        "fired_by": "default",
    }
    assert failed["event_id"] != placed["event_id"]
    assert [one["payload"] for one in run.events] == [None, {"order_id": "O-1"}]


def test_a_subscriber_of_tasker_0_1_8_is_handed_the_whole_message():
    """The payload is one level deeper than the documents say, beside the step as its handler saw it and the result."""
    mails = Mails()
    simulate([mails], {"order_id": "O-1"}, event("order.placed"), profile="tasker-0.1.8").run()
    (found,) = mails.seen
    assert sorted(found["payload"]) == ["execution_result", "payload", "task_sequence_step"]
    assert found["payload"]["payload"] == found["payload"]["execution_result"]["result"] == {"order_id": "O-1"}
    assert found["payload"]["task_sequence_step"]["workflow_step"]["name"] == "place"
    assert found["execution_result"] is None


def test_who_reads_the_payload_as_documented_fails_on_tasker_0_1_8():
    """The step completes all the same; the warning says what happened, and row 24 why."""

    class Reading(Mails):
        """Takes the documents at their word."""

        def handle(self, event):
            event["payload"]["order_id"]

    run = simulate([Reading], {"order_id": "O-1"}, event("order.placed"), profile="tasker-0.1.8").run()
    assert run.state == "complete"
    assert warnings(run) == ["event order.placed of step place: subscriber Reading raised KeyError: 'order_id'"]
    (row,) = run.divergences
    assert (row.row, row.sentence) == (
        24,
        "`Reading` is handed the whole message of `order.placed`, with the payload inside, and fails; "
        "publish it from the handler itself.",
    )


NAMES = st.lists(st.sampled_from(["order.placed", "order.paid", "mail.sent"]), min_size=1, max_size=3, unique=True)
PATTERNS = st.lists(st.sampled_from(["*", "order.*", "*.sent", "order.placed", "none"]), max_size=3)


@settings(max_examples=40, deadline=None)
@given(names=NAMES, patterns=PATTERNS, profile=st.sampled_from(sorted(PROFILES)))
def test_an_event_is_handled_once_for_each_pattern_that_it_matches(names, patterns, profile):
    """In the order of publication; two patterns of one subscriber that match are two calls, as in the SDK."""
    found = type("Found", (Mails,), {"patterns": tuple(patterns)})()
    run = simulate([found], {}, *(event(name) for name in names), profile=profile).run()
    matching = {name: sum(fnmatch.fnmatch(name, pattern) for pattern in patterns) for name in names}
    assert [one["event_name"] for one in found.seen] == [name for name in names for _ in range(matching[name])]
    assert [one.get("subscribers", []) for one in run.events] == [["Found"] * matching[name] for name in names]


@BOTH
@pytest.mark.parametrize("hook", ["before_handle", "handle", "after_handle", "on_handle_error"])
def test_what_a_subscriber_raises_fails_nothing(hook, profile):
    """The step completes, the other subscribers get the event, and each error is one warning."""

    def broken(self, *given):
        raise ValueError(f"{hook} is broken")

    mails, hooks = Mails(), {hook: broken}
    if hook == "on_handle_error":
        hooks["handle"] = lambda self, event: [][0]
    run = simulate([type("Broken", (Mails,), hooks), mails], {}, event("order.placed"), profile=profile).run()
    assert (run.state, len(mails.seen)) == ("complete", 1)
    said = [text.removeprefix("event order.placed of step place: subscriber Broken raised ") for text in warnings(run)]
    first = ["IndexError: list index out of range"] if hook == "on_handle_error" else []
    assert said == [*first, f"ValueError: {hook} is broken"]


def test_a_subscriber_can_pass_an_event_over():
    """before_handle says no: it isn't handled, and that is no trouble."""
    picky = type("Picky", (Mails,), {"before_handle": lambda self, event: False})()
    run = simulate([picky], {}, event("order.placed")).run()
    assert (picky.seen, run.events[0].get("subscribers"), warnings(run)) == ([], None, [])


@BOTH
def test_leaving_the_process_is_a_warning_too(profile):
    """SystemExit in a subscriber ends the thread that polls, and neither the test run nor the step."""

    class Leaving(Mails):
        """Gives up."""

        def handle(self, event):
            raise SystemExit(3)

    run = simulate([Leaving], {}, event("order.placed"), profile=profile).run()
    assert (run.state, warnings(run)) == (
        "complete",
        ["event order.placed of step place: a publisher or subscriber raised SystemExit: 3"],
    )


def test_a_subscriber_that_blocks_is_stopped():
    """It would hold up the whole test run; the error names the line that blocks."""

    class Blocking(Mails):
        """Waits for what never comes."""

        def handle(self, event):
            threading.Lock().acquire() and threading.Event().wait()

    with pytest.raises(HandlerHangs) as caught:
        simulate([Blocking], {}, event("order.placed"), real_timeout=0.3).run()
    text = str(caught.value)
    assert text.startswith(
        "Step 'place', attempt 1: a publisher or subscriber of its events blocked for more than 0.3 s of real time, at"
    )
    assert "test_subscribers.py" in text
    assert "threading.Event().wait()" in text


def test_a_class_is_started_for_every_run_and_an_instance_again():
    """Runs never see one another; an instance hears every run, each event once."""
    made = []

    class Fresh(Mails):
        """Remembers each of its kind."""

        def __init__(self):
            super().__init__()
            made.append(self)

    mails = Mails()
    twice = simulate([Fresh, mails], {}, event("order.placed"))
    twice.run()
    twice.run()
    assert [len(one.seen) for one in made] == [1, 1]
    assert len(mails.seen) == 2


def test_a_subscriber_that_cannot_be_started_is_told():
    """Once in a run, as the SDK's registry logs it; the others are started."""

    class Needy(Mails):
        """Can't be made without arguments."""

        def __init__(self, sink):
            super().__init__()

    class Hasty(Mails):
        """Forgets its base class."""

        def __init__(self):
            self.seen = []

    mails = Mails()
    run = simulate([Needy, Hasty, mails], {}, event("order.placed"), event("order.paid")).run()
    assert len(mails.seen) == 2
    needy, hasty = warnings(run)
    assert needy.startswith("event order.placed of step place: subscriber Needy couldn't be started: TypeError: ")
    assert hasty.startswith("event order.placed of step place: subscriber Hasty couldn't be started: AttributeError: ")


def test_subscribers_are_found_beside_the_handlers():
    """In a module: each class once, however many names it has; not the SDK's own, nor what can't be made."""
    module = types.ModuleType("events_of_ours")
    module.Mails, module.Again, module.BaseSubscriber = Mails, Mails, BaseSubscriber
    module.Abstract = type("Abstract", (BaseSubscriber,), {})
    run = simulate([module, Mails], {}, event("order.placed")).run()
    assert (run.events[0]["subscribers"], warnings(run)) == (["Mails"], [])


def test_a_subscriber_lives_in_virtual_time_and_has_effects():
    """Its clock is the run's, and what it does to the world is booked as the attempt's."""

    class Sending(Mails):
        """Sends a mail."""

        def handle(self, event):
            effect("mail", key=event["payload"]["order_id"], sent=datetime.now(UTC).isoformat())

    run = simulate([Sending], {"order_id": "O-1"}, event("order.placed"), durations={"place": "3s"}).run()
    (mail,) = run.effects
    assert (mail.name, mail.key, mail.step, mail.attempt) == ("mail", "O-1", "place", 1)
    assert mail.data == {"sent": "2026-01-01T00:00:03+00:00"}
    assert mail.at == datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)


def test_a_subscriber_cannot_change_what_others_see():
    """Each is handed a copy: neither another subscriber nor the step's result is reached."""

    class Greedy(Mails):
        """Takes all."""

        def handle(self, event):
            event["payload"].clear()

    mails = Mails()
    run = simulate([Greedy, mails], {"lines": [1]}, event("order.placed")).run()
    assert (mails.seen[0]["payload"], run["place"].result) == ({"lines": [1]}, {"lines": [1]})
    assert run.events[0]["payload"] == {"lines": [1]}


@BOTH
def test_the_same_seed_gives_the_same_bytes(profile):
    """Identifiers of events, who handled them and what went wrong: nothing of it is left to chance."""
    broken = type("Broken", (Mails,), {"handle": lambda self, event: {}[event["event_id"]]})
    simulation = simulate([Mails, broken], [Failure(), {}], event("order.ended", condition="always"), profile=profile)
    assert simulation.run().history.to_json() == simulation.run().history.to_json()
