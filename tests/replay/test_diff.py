"""Two runs side by side, by step and attempt; in Python and in the shell."""

from __future__ import annotations

import json

import pytest

from tasker_testkit import Failure, HistoryError, Simulation
from tasker_testkit.cli import main

STEP = {"handler": {"callable": "x"}, "retry": {"max_attempts": 3, "backoff": "exponential", "backoff_base_ms": 100}}
TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "check", **STEP}, {"name": "charge", "dependencies": ["check"], **STEP}],
}


def run(charge, **keywords):
    """A run whose charge does that."""
    return Simulation(TEMPLATE, stubs={"check": {"total": 5}, "charge": charge}, **keywords).run({"total": 5})


def test_a_run_doesnt_differ_from_itself(tmp_path):
    """Nor from its own file, secrets or not."""
    one = run({"password": "hunter2"})
    assert not one.diff(one.save(tmp_path / "x.json"))
    assert one.diff(one).text() == "The two runs are the same."


def test_what_differs_is_told_by_step_and_attempt():
    """A value that changed is named with its place in the attempt, states that changed as a whole."""
    assert [
        (change.owner, change.attempt, change.what, change.one, change.other)
        for change in run({"charged": 5}).diff(run({"charged": 6})).changes
    ] == [("charge", 1, "result.charged", "5", "6")]
    found = run({"charged": 5}).diff(run([Failure("busy"), {"charged": 5}]), level="shape")
    told = {(change.owner, change.attempt): change.what for change in found.changes}
    assert told[("charge", None)] == "states"
    assert ("charge", 2) in told
    assert all(change.owner in ("charge", "task") for change in found.changes)


def test_the_table_is_for_people():
    """The heads name the sides, a step is named once, its attempts by number."""
    lines = run({"charged": 5, "by": "card"}).diff(run({"charged": 6, "by": "cash"})).text(width=80).splitlines()
    assert [line.split() for line in lines] == [
        ["this", "run", "the", "other"],
        ["charge", "#1", "result.charged", "5", "6"],
        ["result.by", '"card"', '"cash"'],
        [],
        ["2", "differences"],
    ]


def test_what_can_be_compared():
    """Runs, histories and files; anything else is one sentence."""
    one = run({})
    assert not one.diff(one.history)
    with pytest.raises(HistoryError, match=r"3 can't be compared: give a run, a History or the path of a history file"):
        one.diff(3)


def test_diff_in_the_shell(tmp_path, monkeypatch, capsys):
    """Exit code 0 for the same, 1 for others, 2 for what is no history; JSON has the same changes."""
    monkeypatch.chdir(tmp_path)
    run({"charged": 5}).save("a.json")
    run({"charged": 6}).save("b.json")
    assert main(["diff", "a.json", "a.json"]) == 0
    assert capsys.readouterr().out == "The two runs are the same.\n"
    assert main(["diff", "a.json", "b.json"]) == 1
    assert "result.charged" in capsys.readouterr().out
    assert main(["diff", "a.json", "b.json", "--level", "shape"]) == 0
    assert main(["diff", "a.json", "b.json", "--ignore", "**.charged"]) == 0
    capsys.readouterr()
    assert main(["diff", "a.json", "b.json", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["changes"] == [{"owner": "charge", "attempt": 1, "what": "result.charged", "one": "5", "other": "6"}]
    assert main(["diff", "a.json", "c.json"]) == 2
    assert capsys.readouterr().err == (
        "tasker-testkit: There is no file c.json. JSON files in that folder:\n  a.json\n  b.json\n"
    )
