"""Scenarios of tasks that an operator cancelled: they are cancelled at the same point, and run as expected."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from production_samples import HANDLERS, TABLES, TEMPLATES

from tasker_testkit.cli import main
from tasker_testkit.errors import HistoryError
from tasker_testkit.model.loading import load_template
from tasker_testkit.records.importing import PROFILE, imported, scenario_text
from tasker_testkit.replay.tables import recorded_task

TASKS = {row["context"]["order_ref"]: row["task_uuid"] for row in TABLES["tasks"]["rows"]}
NAMES = {row["named_step_uuid"]: row["name"] for row in TABLES["named_steps"]["rows"]}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Nothing is written into the project."""
    monkeypatch.chdir(tmp_path)


def cancelled(name, at, *, status="waiting_for_dependencies"):
    """The rows of that task, as they would be had it been cancelled at this instant; ``status``: what comes of it."""
    tables = deepcopy({table: content["rows"] for table, content in TABLES.items()})
    uuid = TASKS[name]
    kept = [row for row in tables["task_transitions"] if row["created_at"] < at]
    cancel = {"to_state": "cancelled", "created_at": at, "metadata": {}}
    tables["task_transitions"] = [*kept, {**kept[0], "task_uuid": uuid, "sort_key": 99, "from_state": None, **cancel}]
    for step in tables["workflow_steps"]:
        if step["task_uuid"] == uuid:
            cancel_step(tables, step, cancel)
    return tables


def cancel_step(tables, step, cancel):
    """Take away what came later, and cancel the step unless it is complete."""
    uuid = step["workflow_step_uuid"]
    moves = [row for row in tables["workflow_step_transitions"] if row["workflow_step_uuid"] == uuid]
    later = [row for row in moves if row["created_at"] >= cancel["created_at"]]
    tables["workflow_step_transitions"] = [row for row in tables["workflow_step_transitions"] if row not in later]
    kept = sorted((row for row in moves if row not in later), key=lambda row: row["sort_key"])
    claims = [row for row in kept if row["to_state"] == "in_progress"]
    step["attempts"] = len(claims)
    step["last_attempted_at"] = claims[-1]["created_at"] if claims else None
    if not kept or kept[-1]["to_state"] != "complete":
        step["results"] = None
        tables["workflow_step_transitions"].append({**moves[-1], "sort_key": 99, **cancel})


def scenario(tables, name, file="x.scenario.yaml"):
    """The scenario of that task, which is written into a file too."""
    task = recorded_task(tables, TASKS[name])
    template = load_template(TEMPLATES[task.template["name"]], profile=PROFILE)
    text = scenario_text(imported(task), task, Path(file), template, handlers=[HANDLERS])
    Path(file).write_text(text, encoding="utf-8")
    return yaml.safe_load(text)


def test_a_second_attempt_is_cut_off(capsys):
    """A task that was cancelled in a retry: the first attempt's failure is a fault, the second is cut off."""
    made = scenario(cancelled("order_gateway_error", "2026-11-22T04:42:01.778481"), "order_gateway_error")
    assert made["actions"] == [
        {"do": "cancel", "when": {"step": "process_payment", "state": "in_progress", "nth": 2}, "delay": "10ms"}
    ]
    assert made["durations"] == {"process_payment": ["0s", "1010ms"]}
    assert made["expect"]["steps"]["process_payment"] == {"state": "cancelled", "attempts": 2}
    assert main(["run", "x.scenario.yaml"]) == 0, capsys.readouterr().err


def test_a_blocked_task_is_cancelled(capsys):
    """A task that was cancelled after its failure: nothing is running, and the failed step is cancelled too."""
    made = scenario(cancelled("order_declined", "2026-11-22T04:52:05.823817"), "order_declined")
    assert made["actions"] == [{"do": "cancel", "when": {"step": "process_payment", "state": "error"}, "delay": "600s"}]
    assert "durations" not in made
    assert main(["run", "x.scenario.yaml"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "at", "said"),
    [
        ("import_25_rows", "2026-11-22T04:42:30.310000", "step import_products_002: enqueued"),
        ("order_gateway_error", "2026-11-22T04:42:01.600000", "step create_order: pending"),
        ("order_gateway_error", "2026-11-22T04:42:01.760000", "step process_payment: enqueued"),
        (
            "order_gateway_error",
            "2026-11-22T04:42:01.700000",
            "step process_payment: enqueued_as_error_for_orchestration",
        ),
    ],
)
def test_a_cancel_between_two_attempts_has_no_scenario(name, at, said):
    """Where Tasker itself was on its way, no scenario has that moment: refused, with the steps' states."""
    with pytest.raises(HistoryError) as error:
        scenario(cancelled(name, at), name)
    first, *found, last = str(error.value).split("\n")
    assert first == "The task was cancelled while it waited for Tasker or a worker:"
    assert f"  {said}" in found
    assert last == "A scenario, in which that takes no time, has no such moment. Import it with --history alone."
    assert not Path("x.scenario.yaml").exists()


def test_a_cancel_beside_another_action_has_no_scenario():
    """A task of which an operator also settled a step is refused."""
    tables = cancelled("order_declined", "2026-11-22T04:52:05.823817")
    step = next(
        row
        for row in tables["workflow_steps"]
        if row["task_uuid"] == TASKS["order_declined"] and NAMES[row["named_step_uuid"]] == "process_payment"
    )
    moves = [
        row for row in tables["workflow_step_transitions"] if row["workflow_step_uuid"] == step["workflow_step_uuid"]
    ]
    event = {"metadata": {"event": json.dumps({"type": "ResolveManually"})}, "created_at": "2026-11-22T04:53:00"}
    tables["workflow_step_transitions"].append({**moves[-1], "sort_key": 100, "to_state": "resolved_manually", **event})
    with pytest.raises(
        HistoryError, match="settled steps of the task:\n  resolve_manually of process_payment\nNo scenario"
    ):
        scenario(tables, "order_declined")
