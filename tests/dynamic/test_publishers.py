"""Publishers of the team's own: the SDK's hooks, in its order, around the publication of an event (row 24)."""

from __future__ import annotations

import time
import types
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tasker_core.domain_events import BasePublisher, StepEventContext

from tasker_testkit import Failure
from tasker_testkit.model.profile import PROFILES

HOOKS = ("should_publish", "transform_payload", "additional_metadata", "before_publish", "after_publish")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text("abc", max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("xyz", min_size=1, max_size=3), inner),
    max_leaves=6,
)
RESULTS = st.dictionaries(st.text("xyz", min_size=1, max_size=3), JSON, max_size=4)


class Loud(BasePublisher):
    """Shouts, and writes down which of its hooks was called with what."""

    broken = None

    def __init__(self):
        self.calls = []

    def called(self, hook, *given):
        """Note a call; raise if this is the broken hook."""
        self.calls.append((hook, *given))
        if hook == self.broken:
            raise ValueError(f"{hook} is broken")

    @property
    def publisher_name(self):
        """As the template names it."""
        return "Loud"

    def should_publish(self, ctx):
        """Always."""
        self.called("should_publish", ctx)
        return True

    def transform_payload(self, ctx):
        """The result, louder."""
        self.called("transform_payload", ctx)
        return {"loud": ctx.result}

    def additional_metadata(self, ctx):
        """How loud."""
        self.called("additional_metadata", ctx)
        return {"volume": 11}

    def before_publish(self, event_name, payload, metadata):
        """Go on."""
        self.called("before_publish", event_name, payload, metadata)
        return True

    def after_publish(self, event_name, payload, metadata):
        """It is out."""
        self.called("after_publish", event_name, payload, metadata)

    def on_publish_error(self, event_name, error, payload):
        """It isn't."""
        self.called("on_publish_error", event_name, error, payload)


def declared(**keys):
    """One event that names the publisher."""
    return [{"name": "charged", "description": "d", "schema": {}, "publisher": "Loud", **keys}]


@pytest.fixture(scope="session")
def simulate():
    """A simulation of one step that publishes: ``simulate(handlers, stub, events, ...)``."""
    from tasker_testkit import Simulation

    def simulate(handlers, stub, events=None, **keywords):
        step = {
            "name": "charge",
            "handler": {"callable": "charge"},
            "publishes_events": declared() if events is None else events,
            "retry": {"max_attempts": 2, "backoff": "none"},
        }
        template = {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": [step]}
        return Simulation(template, handlers=handlers, stubs={"charge": stub}, **keywords)

    return simulate


def warnings(run):
    """The texts of a run's warnings."""
    return [warning["text"] for warning in run.history.warnings]


def test_the_documents_way_runs_the_hooks_in_order(simulate):
    """Each hook once, in the SDK's order; what is published is what they made of the result."""
    loud = Loud()
    run = simulate([loud], {"paid": 1}).run()
    assert [call[0] for call in loud.calls] == list(HOOKS)
    assert run.published("charged") == [
        {
            "at": 0.0,
            "name": "charged",
            "step": "charge",
            "attempt": 1,
            "condition": "success",
            "delivery_mode": "durable",
            "payload": {"loud": {"paid": 1}},
            "publisher": "Loud",
            "metadata": {"volume": 11},
        }
    ]
    assert run["charge"].result == {"paid": 1}


def test_tasker_0_1_8_never_asks_a_publisher(simulate):
    """Tasker's default publisher it is, whatever the template names: the payload is the result; row 24 says so."""
    loud = Loud()
    run = simulate([loud], {"paid": 1}, profile="tasker-0.1.8").run()
    assert (loud.calls, [event["payload"] for event in run.events]) == ([], [{"paid": 1}])
    assert not warnings(run)
    (row,) = run.divergences
    assert (row.row, row.steps, row.sentence) == (
        24,
        ("charge",),
        "The event `charged` of `charge` is published without `Loud`, as the result is; "
        "publish it from the handler itself.",
    )


def test_a_publisher_sees_whose_event_it_is(simulate):
    """The step's own name, the namespace, the result, and the metadata that Tasker stores with it."""
    loud = Loud()
    simulate([loud], {"paid": 1}, start="2026-03-01T00:00:00Z").run()
    context = loud.calls[0][1]
    assert isinstance(context, StepEventContext)
    assert (context.step_name, context.namespace, context.result) == ("charge", "shop", {"paid": 1})
    assert context.metadata["completed_at"] == "2026-03-01T00:00:00Z"
    metadata = loud.calls[-1][3]
    assert (metadata["publisher"], metadata["volume"], metadata["task_uuid"]) == ("Loud", 11, context.task_uuid)


def test_a_publisher_sees_a_failure(simulate):
    """After a failure there is no result; error type and code, and whether it is tried again, are in the metadata."""
    loud = Loud()
    failed = Failure("no", error_type="declined", error_code="E1", retryable=False)
    run = simulate([loud], failed, declared(condition="permanent_failure")).run()
    context = loud.calls[0][1]
    assert (context.result, context.metadata["error_code"], context.metadata["retryable"]) == (None, "E1", False)
    assert run.events[0]["payload"] == {"loud": None}


@pytest.mark.parametrize("hook", ["should_publish", "before_publish"])
def test_a_publisher_can_keep_an_event_back(simulate, hook):
    """Either hook says no by what it returns: nothing is published, and that is no trouble."""
    quiet = type("Quiet", (Loud,), {hook: lambda self, *given: False})
    run = simulate([quiet], {}).run()
    assert (run.state, run.events, warnings(run)) == ("complete", (), [])


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises_fails_nothing(simulate, hook):
    """The step completes; a warning says which publisher raised what, and whether the event was out by then."""
    broken = Loud()
    broken.broken = hook
    run = simulate([broken], {}).run()
    out = hook == "after_publish"
    when = "after that" if out else "and it isn't published"
    assert (run.state, len(run.events)) == ("complete", out)
    assert warnings(run) == [
        f"event charged of step charge: its publisher 'Loud' raised ValueError: {hook} is broken, {when}"
    ]
    hears = hook in ("before_publish", "after_publish")  # as in the SDK: the others are called outside its guard
    assert ("on_publish_error" in [call[0] for call in broken.calls]) is hears


def test_a_schema_is_for_what_the_publisher_made(simulate):
    """The payload that doesn't fit is dropped with one warning; the publisher's on_publish_error is told."""
    loud = Loud()
    fits = {"type": "object", "required": ["loud"]}
    assert len(simulate([Loud], {}, declared(schema=fits)).run().events) == 1
    run = simulate([loud], {"paid": 1}, declared(schema={"type": "object", "required": ["paid"]})).run()
    assert (run.events, warnings(run)) == ((), ["event charged of step charge dropped: its payload doesn't fit"])
    hook, name, error, payload = loud.calls[-1]
    assert (hook, name, payload) == ("on_publish_error", "charged", {"loud": {"paid": 1}})
    assert str(error) == "the payload doesn't fit the schema of event 'charged'"


def test_a_payload_crosses_as_json(simulate):
    """What JSON can't hold isn't published; a set becomes a list, and nobody shares the result."""
    made = type("Made", (Loud,), {"transform_payload": lambda self, ctx: {"what": object()}})
    run = simulate([made], {}).run()
    assert warnings(run) == [
        "event charged of step charge: its publisher 'Loud' raised NotJson: payload.what is a <class object>, "
        "and it isn't published"
    ]

    def greedy(self, ctx):
        ctx.result["mine"] = {1}
        return ctx.result

    run = simulate([type("Greedy", (Loud,), {"transform_payload": greedy})], {"paid": 1}).run()
    assert run.events[0]["payload"] == {"paid": 1, "mine": [1]}
    assert run["charge"].result == {"paid": 1}


def test_hooks_live_in_virtual_time(simulate):
    """Their clock is the run's; what they sleep takes neither real time nor the task's."""
    seen = []

    class Slow(Loud):
        """Sleeps for a day."""

        def before_publish(self, event_name, payload, metadata):
            seen.append((datetime.now(UTC).isoformat(), metadata["published_at"]))
            time.sleep(86_400)
            return True

    run = simulate([Slow], {}, durations={"charge": "5s"}).run()
    assert seen == [("2026-01-01T00:00:05+00:00",) * 2]
    assert run.elapsed.total_seconds() == 5


def test_a_class_is_made_anew_for_every_run(simulate):
    """Runs never see one another; an instance of the team's own is theirs to reset."""
    mine = []

    class Counting(Loud):
        """Counts its events."""

        def transform_payload(self, ctx):
            mine.append(self)
            return {"calls": len(self.calls)}

    twice = simulate([Counting], {})
    assert [twice.run().events[0]["payload"]["calls"] for _ in range(2)] == [1, 1]
    assert mine[0] is not mine[1]
    shared = simulate([Counting()], {})
    assert [shared.run().events[0]["payload"]["calls"] for _ in range(2)] == [1, 5]


def test_an_unknown_publisher_is_replaced_by_the_default_one(simulate):
    """As in the SDK's registry; the warning has the names there are, the near one, and what couldn't be made."""

    class Needy(Loud):
        """Can't be made without arguments."""

        def __init__(self, sink):
            self.sink = sink

    run = simulate([Loud, Needy], {"paid": 1}, declared(publisher="Lout")).run()
    assert run.events[0]["payload"] == {"paid": 1}
    (warning,) = warnings(run)
    assert warning.startswith(
        "event charged of step charge: there is no publisher 'Lout' among the handlers, so that Tasker's default one "
        "publishes it. Did you mean 'Loud'? Publishers there: Loud, Needy (making one raised TypeError: "
    )
    assert warnings(simulate([], {}).run())[0].endswith("Publishers there: none")


def test_publishers_are_found_beside_the_handlers(simulate, tmp_path):
    """In a module, in a file, under a name in a mapping; bases that can't be made and the SDK's own don't count."""
    module = types.ModuleType("events_of_ours")
    module.Loud, module.BasePublisher, module.Again = Loud, BasePublisher, Loud
    file = tmp_path / "publishers.py"
    file.write_text(
        "from tasker_core import BasePublisher\n"
        "class Base(BasePublisher):\n"
        "    def transform_payload(self, ctx):\n"
        "        return {'from': 'file'}\n"
        "class Filed(Base):\n"
        "    publisher_name = 'Loud'\n",
        encoding="utf-8",
    )
    for handlers, payload in ((module, {"loud": {}}), (file, {"from": "file"}), ({"Loud": Loud()}, {"loud": {}})):
        assert simulate(handlers, {}).run().events[0]["payload"] == payload
    renamed = simulate({"Quiet": Loud()}, {}, declared(publisher="Quiet")).run()
    assert renamed.events[0]["payload"] == {"loud": {}}


@settings(max_examples=40, deadline=None)
@given(result=RESULTS, profile=st.sampled_from(sorted(PROFILES)))
def test_what_is_published_is_what_the_sdk_alone_would_publish(simulate, result, profile):
    """The simulator adds nothing: the same context given to the SDK's own ``publish`` makes the same of it."""
    loud, alone = Loud(), Loud()
    run = simulate([loud], result, profile=profile).run()
    if profile != "documented":
        assert run.events[0]["payload"] == result
        return
    alone.publish(loud.calls[0][1], "charged")
    assert [call[0] for call in loud.calls] == [call[0] for call in alone.calls]
    assert run.events[0]["payload"] == alone.calls[-1][2]
    assert run["charge"].result == result
