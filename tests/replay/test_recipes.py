"""A recording says all that makes its run again: settings, stubs, faults, actions, routes; and what it can't say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tasker_testkit import DOCUMENTED, Failure, HistoryError, Simulation, TaskerTestkitError, load_history
from tasker_testkit.records.remaking import input_of, simulation_of
from tasker_testkit.records.rerunning import rerun

RETRY = {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 100}
TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {"name": "check", "handler": {"callable": "check"}, "retry": RETRY},
        {"name": "charge", "handler": {"callable": "charge"}, "dependencies": ["check"], "retry": RETRY},
    ],
}
STUBS = {"check": {"total": 5}, "charge": {"paid": True}}
ROUTES = [{"method": "GET", "url": "https://stock.example/items", "status": 200, "body": {"left": 3}}]


def stubbed(context):
    """A function at the top level of its module."""
    return {"of": context.get_dependency_result("check")["total"]}


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"seed": 7, "start": "2027-02-03T04:05:06.000007Z", "order": "seeded", "workers": 1},
        {"stubs": {**STUBS, "charge": [Failure("busy", retry_after=2.5, metadata={"x": 1}), None]}},
        {"stubs": {**STUBS, "charge": [ConnectionError("reset"), TimeoutError, {"paid": True}]}},
        {"stubs": {**STUBS, "charge": stubbed}},
        {"durations": {"check": [timedelta(seconds=1), "250ms"], "charge": 3}},
        {"faults": [{"step": "charge", "attempt": 1, "crash": "after"}, {"step": "check", "delay": "3s"}]},
        {"actions": [{"do": "cancel", "at": "5s"}], "durations": {"check": "10s"}},
        {"profile": "tasker-0.1.8"},
        {"tags": ["a"], "priority": 3, "initiator": "ada", "reason": "why", "source_system": "shop"},
        {"routes": ROUTES, "systems": {"stock": "https://stock.example/*"}},
    ],
)
def test_a_recording_makes_the_same_recording(tmp_path, keywords):
    """Read back and run again, the run is the same to the byte, and so is its file."""
    run = Simulation(TEMPLATE, **{"stubs": STUBS, **keywords}).run({"total": 5, "note": "<b>x</b>"})
    path = run.save(tmp_path / "x.history.json")
    found = rerun(path)
    assert found.divergence is None
    assert found.run.recording(tmp_path) == path.read_text()
    assert str(found) == f"{path}: the same run."


def test_a_changed_profile_is_kept(tmp_path):
    """The fields in which a profile isn't the known one of its name are in the recipe."""
    from dataclasses import replace

    profile = replace(DOCUMENTED, checks_input=False)
    run = Simulation(TEMPLATE, stubs=STUBS, profile=profile).run({})
    history = load_history(run.save(tmp_path / "x.history.json"))
    assert history.recipe["profile"] == {"checks_input": False}
    assert simulation_of(history, tmp_path).profile == profile


def test_the_input_as_it_was_given(tmp_path):
    """Tasker 0.1.8 cleans an input; the file has the one that was given too."""
    given = {"note": "<script>alert(1)</script>"}
    run = Simulation(TEMPLATE, stubs=STUBS, profile="tasker-0.1.8").run(given)
    history = load_history(run.save(tmp_path / "x.history.json"))
    assert history.input != given
    assert input_of(history) == given


def test_what_a_file_cannot_hold_is_named(tmp_path):
    """Functions inside functions and tasks driven by hand: the file says so, and can't be run again."""
    simulation = Simulation(TEMPLATE, stubs={**STUBS, "charge": lambda context: {}})
    with simulation.start({}) as task:
        task.advance("1s")
        run = task.finish()
    path = run.save(tmp_path / "x.history.json")
    assert json.loads(path.read_text())["recipe"]["unrecorded"] == [
        "what was done to the task by hand",
        "the stub of 'charge': no module has it under its name",
    ]
    with pytest.raises(HistoryError) as caught:
        rerun(path)
    assert str(caught.value) == (
        f"{path} can't be run again: This run can't be made again. A file can't hold:\n"
        "  what was done to the task by hand\n"
        "  the stub of 'charge': no module has it under its name\n"
        "Give functions and classes that a module has at its top level."
    )


def test_a_history_without_a_recipe_needs_a_template(tmp_path):
    """Bare histories are run again with what is given for them."""
    path = tmp_path / "x.history.json"
    path.write_text(Simulation(TEMPLATE, stubs=STUBS).run({}).history.to_json())
    with pytest.raises(HistoryError, match="It doesn't say which template it is of"):
        rerun(path)
    assert rerun(path, template=TEMPLATE, stubs=STUBS).divergence is None


def test_placeholders_in_the_input_are_a_hint(tmp_path):
    """If a run parts from a recording with hidden secrets, the message says where they are."""
    run = Simulation(TEMPLATE, stubs=STUBS).run({"user": {"password": "hunter2"}})
    path = run.save(tmp_path / "x.history.json")
    text = path.read_text().replace('"paid": true', '"paid": false')
    data = json.loads(text)
    del data["digest"]
    data["steps"][1]["attempts"][0]["stored"]["result"]["paid"] = True
    path.write_text(json.dumps(data))
    said = str(rerun(path))
    assert "place     steps.charge.attempts[0].stored.result.paid" in said
    assert "ini option tasker_not_secret. Placeholders are at:\n  input.user.password" in said


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"durations": [1]}, r"recipe\.durations holds what can't be understood \(.*\): \[1\]\. Record it again"),
        (
            {"stubs": {"charge": {"call": 5}}},
            r"recipe\.stubs holds what can't be understood \(.*\): \{'charge': \{'call'",
        ),
        ({"stubs": {"charge": 5}}, r"recipe\.stubs holds what can't be understood"),
        ({"handlers": 5}, r"recipe\.handlers holds what can't be understood \(.*\): 5\."),
        ({"profile": {"jiter": 1}}, r"recipe\.profile: there is no key 'jiter'\. Did you mean 'jitter'\? Its keys:"),
        ({"profile": 5}, r"recipe\.profile must be a mapping, not 5\."),
        ({"task": {"reson": 1}}, r"recipe\.task: there is no key 'reson'\. Did you mean 'reason'\? Its keys:"),
        ({"routes": {}}, r"routes=\{\}: give a list of routes"),
        ({"stub": {}}, r"recipe: there is no key 'stub'\. Did you mean 'stubs'\? Its keys:"),
        ({"workers": "many"}, r"workers='many': give a whole number"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_one_error(part, said):
    """Whoever takes out a digest to edit a recipe gets a sentence for a mistake, and no traceback."""
    history = Simulation(TEMPLATE, stubs={"check": {}, "charge": {}}).run().history
    with pytest.raises(TaskerTestkitError, match=said):
        simulation_of(replace(history, recipe={"template": TEMPLATE, "stubs": {}, **part}), Path())
