"""Domain events: which conditions publish, with which payload, and what is only a warning (row 24)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tasker_testkit import Failure, TemplateError
from tasker_testkit.model.profile import PROFILES

ANY = {}
CONDITIONS = ("success", "failure", "retryable_failure", "permanent_failure", "always")


def declared(*names, schema=ANY, **keys):
    """One event a name, its condition the name."""
    return [{"name": name, "description": "d", "schema": schema, "condition": name, **keys} for name in names]


@pytest.fixture
def publishing(grown):
    """Run one step that publishes on every condition: ``publishing(stub, events, profile)``."""

    def run(stub, events=None, profile="documented", **keywords):
        events = declared(*CONDITIONS) if events is None else events
        steps = [
            ("charge", "standard", [], {"publishes_events": events, "retry": {"max_attempts": 2, "backoff": "none"}})
        ]
        return grown(steps, stubs={"charge": stub}, profile=profile, **keywords).run()

    return run


@pytest.mark.parametrize(
    ("stub", "profile", "names"),
    [
        ({}, "documented", ["success", "always"]),
        ({}, "tasker-0.1.8", ["success", "always"]),
        ([Failure(), {}], "documented", ["failure", "retryable_failure", "always", "success", "always"]),
        ([Failure(), {}], "tasker-0.1.8", ["failure", "always", "success", "always"]),
        (Failure(retryable=False), "documented", ["failure", "permanent_failure", "always"]),
        (Failure(retryable=False), "tasker-0.1.8", ["failure", "always"]),
    ],
)
def test_an_attempt_publishes_what_its_ending_meets(publishing, stub, profile, names):
    """Each finished attempt publishes by its condition, in the template's order; as built two conditions never come."""
    assert [event["name"] for event in publishing(stub, profile=profile).events] == names


def test_an_event_says_where_it_comes_from(publishing):
    """Name, step, attempt, condition, delivery mode, instant and payload; the history has the same."""
    events = declared("success", delivery_mode="fast")
    run = publishing([Failure(), {"paid": 1}], events, durations={"charge": "2s"})
    assert run.events == (
        {
            "at": 4.0,
            "name": "success",
            "step": "charge",
            "attempt": 2,
            "condition": "success",
            "delivery_mode": "fast",
            "payload": {"paid": 1},
        },
    )
    assert run.elapsed == timedelta(seconds=4)
    assert run.history.to_data()["events"] == list(run.events)


@pytest.mark.parametrize("mode", ["durable", "fast", "broadcast"])
def test_every_delivery_mode_is_in_the_record(publishing, mode):
    """However it is delivered, an event is published once."""
    assert [event["delivery_mode"] for event in publishing({}, declared("success", delivery_mode=mode)).events] == [
        mode
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_payload_that_does_not_fit_is_dropped_with_a_warning(publishing, profile):
    """The step completes all the same; the warning names the event."""
    schema = {"type": "object", "required": ["paid"]}
    run = publishing({}, declared("success", schema=schema), profile)
    assert (run.state, run.events) == ("complete", ())
    [warning] = run.history.warnings
    assert (warning["at"], warning["text"]) == (0.0, "event success of step charge dropped: its payload doesn't fit")


@pytest.mark.parametrize(("profile", "published"), [("documented", 1), ("tasker-0.1.8", 0)])
def test_a_failure_has_no_payload(publishing, profile, published):
    """A failure's payload is null: not checked as documented, dropped by an object schema as built."""
    run = publishing(Failure(retryable=False), declared("failure", schema={"type": "object"}), profile)
    assert [event["payload"] for event in run.events] == [None] * published
    assert len(run.history.warnings) == 1 - published


def test_a_result_that_is_dropped_publishes_all_the_same(publishing):
    """A task cancelled while its step runs: the result counts for nothing, its events are out."""
    run = publishing({}, declared("success"), durations={"charge": "5s"}, actions=[{"do": "cancel", "at": "1s"}])
    assert (run.state, [event["at"] for event in run.events]) == ("cancelled", [5.0])


@pytest.mark.parametrize("profile", PROFILES)
def test_an_event_without_a_schema_is_refused(grown, profile):
    """The loader wants a schema of every event, in both profiles."""
    events = [{"name": "charged", "description": "d"}]
    with pytest.raises(TemplateError) as caught:
        grown([("charge", "standard", [], {"publishes_events": events})], stubs={"charge": {}}, profile=profile)
    place = "<mapping>: steps[0].publishes_events[0]"
    assert str(caught.value) == f"{place}.schema: is missing."


def test_an_instance_publishes_under_its_own_name(grown):
    """What a batch worker declares is published by each instance."""
    config = dict(batch_size=1, parallelism=1, cursor_field="n", worker_template="work", failure_strategy="fail_fast")
    cursors = [{"batch_id": str(n), "start_cursor": n, "end_cursor": n, "batch_size": 1} for n in (1, 2)]
    outcome = {"type": "create_batches", "worker_template_name": "work", "worker_count": 2, "total_items": 2}
    run = grown(
        [
            ("start", "standard", []),
            ("analyze", "batchable", ["start"]),
            ("work", "batch_worker", ["analyze"], {"batch_config": config, "publishes_events": declared("success")}),
        ],
        stubs={
            "start": {},
            "analyze": {"batch_processing_outcome": {**outcome, "cursor_configs": cursors}},
            "work": {},
        },
    ).run()
    assert [event["step"] for event in run.events] == ["work_1", "work_2"]


EVENTS = """
    import pytest

    TEMPLATE = {
        "name": "t", "namespace_name": "n", "version": "1.0.0",
        "steps": [{
            "name": "charge", "handler": {"callable": "charge"},
            "publishes_events": [
                {"name": name, "description": "d", "schema": {}} for name in ("charge.done", "charge.booked")
            ],
        }],
    }
    pytestmark = pytest.mark.tasker(TEMPLATE, stubs={"charge": {"paid": 1}})
"""


def test_the_fixture_lists_the_events_of_the_last_run(pytester):
    """``tasker_events()`` lists them all, with a name those of that name; of the last run only."""
    pytester.makepyfile(
        EVENTS
        + """
    def test_events(tasker_run, tasker_events):
        tasker_run({})
        tasker_run({})
        assert [event["name"] for event in tasker_events()] == ["charge.done", "charge.booked"]
        assert [event["payload"] for event in tasker_events("charge.done")] == [{"paid": 1}]
    """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_the_fixture_knows_the_declared_names_only(pytester):
    """A misspelt name, which would always be an empty list, is a failure; so is asking before any run."""
    pytester.makepyfile(
        EVENTS
        + """
    def test_name(tasker_run, tasker_events):
        tasker_run({})
        assert tasker_events("charge.dome") == []

    def test_early(tasker_events):
        assert tasker_events() == []
    """
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*No step of template 't' declares an event 'charge.dome'. Did you mean 'charge.done'? Its events:",
            "*  charge.booked",
            "*  charge.done",
            "*There is no run yet whose events could be listed. Call tasker_run(input) before.",
        ]
    )
