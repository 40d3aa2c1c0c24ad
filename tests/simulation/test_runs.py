"""What a run says, and what it answers to questions that make no sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tasker_testkit import Failure, HistoryError, RunError, Simulation

DECIDING = (
    "check",
    {"name": "choose", "type": "decision", "dependencies": ["check"]},
    {"name": "pay", "dependencies": ["choose"]},
    {"name": "refund", "dependencies": ["choose"]},
)


def choice(*names):
    """The result of a decision that asks for these steps."""
    kind = {"type": "create_steps", "step_names": list(names)} if names else {"type": "no_branches"}
    return {"decision_point_outcome": kind}


def test_attempts_and_waits(workflow, profile):
    """Instants are aware and in UTC; ``waits`` are from each attempt's end to the start of the next."""
    stubs = {"a": [Failure("busy"), Failure("busy", retryable=False)]}
    run = Simulation(workflow("a"), stubs=stubs, durations={"a": "2s"}, profile=profile).run()
    first, second = run["a"].attempts
    assert (first.started_at, first.ended_at) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC),
    )
    assert run["a"].waits == [second.started_at - first.ended_at]
    assert run["a"].waits == [timedelta(milliseconds=100 if profile == "documented" else 0)]
    assert run["a"].error == "handler_error: busy"
    assert (run["a"].result, run["a"].max_attempts, run["a"].parents) == (None, 3, ())


def test_a_run_is_told_in_a_line(workflow):
    """repr says what it is about."""
    run = Simulation(workflow("a"), stubs={"a": [Failure("busy"), {}]}).run()
    assert repr(run) == "<Run of 'orders': complete after 0.1 s>"
    assert repr(run["a"]) == "<Step 'a' complete, 2 of 3 attempts>"
    assert list(run) == ["a"]


def test_a_step_that_is_not_there(workflow, profile):
    """The nearest name, and all there are."""
    run = Simulation(workflow("check", "charge"), stubs={"check": {}, "charge": {}}, profile=profile).run()
    with pytest.raises(RunError) as caught:
        run["chrage"]
    assert str(caught.value) == (
        "There is no step 'chrage'. Did you mean 'charge'? Steps of this run:\n  check\n  charge"
    )


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (choice("pay"), "decision 'choose' chose 'pay'"),
        (choice(), "decision 'choose' chose no branch"),
        (Failure("no", retryable=False), "decision 'choose' is error"),
    ],
    ids=["another branch", "no branch", "failed"],
)
def test_a_step_that_was_never_created(workflow, profile, chosen, why):
    """What should have created it, and what it did instead."""
    stubs = {"check": {}, "choose": chosen, "pay": {}, "refund": {}}
    run = Simulation(workflow(*DECIDING), stubs=stubs, profile=profile).run()
    with pytest.raises(RunError) as caught:
        run["refund"]
    assert str(caught.value) == (
        "Step 'refund' was never created in this run: it comes into being by what grows before it, and that was:\n"
        f"  {why}"
    )


def test_save(workflow, tmp_path, profile):
    """The file is the history with recipe and digest, UTF-8 with line feeds, and reads back as the same value."""
    run = Simulation(workflow("a"), stubs={"a": {"name": "Zoë"}}, profile=profile).run({"customer": "Łukasz"})
    path = run.save(tmp_path / "run.json")
    saved = json.loads(path.read_text(encoding="utf-8"))
    text = json.dumps(saved, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert path.read_bytes().decode("utf-8") == text == run.recording(tmp_path)
    recipe, digest = saved.pop("recipe"), saved.pop("digest")
    assert saved == run.history.to_data()
    assert sorted(recipe) == ["stubs", "template"]
    assert sorted(digest) == sorted([*saved, "recipe", "steps.a"])
    assert (saved["profile"], saved["input"]) == (profile, {"customer": "Łukasz"})


def test_save_where_nothing_can_be_written(workflow, tmp_path):
    """One sentence with the path and the reason."""
    run = Simulation(workflow("a"), stubs={"a": {}}).run()
    path = tmp_path / "missing" / "run.json"
    with pytest.raises(HistoryError) as caught:
        run.save(path)
    assert str(caught.value) == f"Can't write the history to {path}: No such file or directory."
