"""Recorded answers of Tasker's own SQL functions, against the engine's own functions and rows."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tasker_testkit.engine import readiness
from tasker_testkit.engine.clock import Agenda
from tasker_testkit.engine.growth import NewStep
from tasker_testkit.engine.ledger import Ledger
from tasker_testkit.engine.rows import StepRow
from tasker_testkit.engine.ways import SHARES
from tasker_testkit.model import graph
from tasker_testkit.model.dispatch import EPOCH_START
from tasker_testkit.model.durations import MINUTE
from tasker_testkit.model.profile import TASKER_0_1_8
from tasker_testkit.model.template import Handler, Lifecycle, StepTemplate

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TASKER_TESTKIT_CONFORMANCE", ROOT / "fixtures" / "conformance"))
FILE = json.loads((FOLDER / "readiness.json").read_text(encoding="utf-8"))


def cases(group: str) -> list[Any]:
    """The group's cases as parameters with readable ids; a group without cases is an error."""
    found = FILE["groups"][group]["cases"]
    assert found, f"no case in {group}"
    return [pytest.param(case["given"], case["expect"], id=f"{group}-{number}") for number, case in enumerate(found)]


def us(value: float | None) -> int | None:
    """Seconds of the file as microseconds."""
    return None if value is None else round(value * 1_000_000)


def add(ledger: Ledger, given: dict[str, Any], name: str) -> StepRow:
    """A row with the columns of a case, put into the ledger in its state."""
    fields = {**FILE["step_defaults"], **given}
    row = ledger.add_step(NewStep(name, "standard", StepTemplate(name, Handler("x")), None))
    ledger.shares["open"] -= 1
    ledger.shares[SHARES[fields["state"]]] += 1
    row.state = fields["state"]
    row.attempts, row.max_attempts, row.retryable = fields["attempts"], fields["max_attempts"], fields["retryable"]
    row.in_process, row.processed = fields["in_process"], fields["processed"]
    row.backoff_request, row.last_attempted_at = us(fields["backoff_request_s"]), us(fields["last_attempted_at_s"])
    row.last_error_at = us(max(fields["errors_at_s"], default=None))
    return row


def ledger_of(*steps: dict[str, Any]) -> tuple[Ledger, list[StepRow]]:
    """A ledger whose clock stands at 0, with one independent row for each step."""
    ledger = Ledger(Agenda(), 0, EPOCH_START)
    rows = [add(ledger, given, f"s{number}") for number, given in enumerate(steps)]
    for row in rows:
        ledger.watch(row)
    return ledger, rows


@pytest.mark.parametrize(("given", "expect"), cases("retry_eligible"))
def test_readiness_retry_eligible(given, expect):
    """Attempts, limit and flag alone decide whether a step may be attempted again."""
    assert readiness.retry_eligible(**given) == expect["retry_eligible"]


@pytest.mark.parametrize(("given", "expect"), cases("readiness_by_state") + cases("next_retry") + cases("flags"))
def test_readiness_of_one_root(given, expect):
    """A root step's eligibility, due instant, readiness and its task's execution status are as recorded."""
    ledger, (row,) = ledger_of(given)
    assert row.eligible == expect["retry_eligible"]
    if "next_retry_at_s" in expect:
        assert row.next_retry == us(expect["next_retry_at_s"])
    assert row.is_ready(0) == expect["ready"]
    assert ledger.status() == expect["task_execution_status"]


@pytest.mark.parametrize(("given", "expect"), cases("next_retry_formula"))
def test_readiness_next_retry_formula(given, expect):
    """The due instant is a pure function of four values."""
    found = readiness.next_retry_at(
        us(given["backoff_request_s"]),
        us(given["last_attempted_at_s"]),
        us(given["last_error_at_s"]),
        given["attempts"],
    )
    assert found == us(expect["next_retry_at_s"])


@pytest.mark.parametrize(("given", "expect"), cases("ready_gate"))
def test_readiness_gate(given, expect):
    """Readiness follows from its parts."""
    attempts = 0 if given["retry_eligible"] else 3
    ledger, (row,) = ledger_of({"state": given["state"], "attempts": attempts, "max_attempts": 3})
    row.due_at = us(given["next_retry_at_s"])
    row.unmet = not given["dependencies_satisfied"]
    found = row.is_ready(ledger.agenda.now)
    assert found == expect["ready"]


@pytest.mark.parametrize(("given", "expect"), cases("parents"))
def test_readiness_of_a_child(given, expect):
    """A child is ready when each parent is complete or resolved by hand, and not before."""
    ledger, parents = ledger_of(*({"state": state} for state in given["parent_states"]))
    child = add(ledger, {"state": "pending"}, "child")
    for parent in parents:
        ledger.add_edge(parent, child)
    ledger.watch(child)
    assert (not child.unmet) == expect["dependencies_satisfied"]
    assert len(parents) - child.unmet == expect["satisfied_parents"]
    assert child.is_ready(0) == expect["ready"]
    assert ledger.status() == expect["task_execution_status"]


def count(ledger: Ledger, *states: str) -> int:
    """How many steps are in one of the states."""
    return sum(row.state in states for row in ledger.steps)


@pytest.mark.parametrize(("given", "expect"), cases("execution_status"))
def test_readiness_execution_status(given, expect):
    """A task's status, action, health, percentage and counts follow from the classes of its steps."""
    ledger, rows = ledger_of(*(FILE["step_classes"][name] for name in given["steps"]))
    status = ledger.status()
    assert status == expect["execution_status"]
    assert readiness.RECOMMENDED_ACTION[status] == expect["recommended_action"]
    assert readiness.health_status(ledger.shares) == expect["health_status"]
    assert readiness.completion_percentage(ledger.shares) == pytest.approx(expect["completion_percentage"], rel=1e-9)
    assert expect["counts"] == {
        "total": len(rows),
        "pending": count(ledger, "pending"),
        "enqueued": count(ledger, "enqueued", "enqueued_for_orchestration", "enqueued_as_error_for_orchestration"),
        "in_progress": count(ledger, "in_progress"),
        "completed": count(ledger, "complete", "resolved_manually"),
        "failed": count(ledger, "error"),
        "ready": len(ledger.take_ready()),
    }


@pytest.mark.parametrize(("given", "expect"), cases("task_pickup"))
def test_readiness_pickup_by_state(given, expect):
    """The poll takes pending tasks, and waiting ones that have a ready step."""
    ledger, _ = ledger_of(*(FILE["step_classes"][name] for name in given["steps"]))
    taken = readiness.picked_up(given["task_state"], ledger.status(), 0, TASKER_0_1_8.poll_limits)
    assert taken == expect["picked_up"]
    if "ready_steps" in expect:
        assert len(ledger.take_ready()) == expect["ready_steps"]


@pytest.mark.parametrize(("given", "expect"), cases("task_pickup_age"))
def test_readiness_pickup_by_age(given, expect):
    """A waiting task is polled up to its limit, and its urgency follows from priority and age."""
    age = us(given["age_s"])
    taken = readiness.picked_up(given["task_state"], "has_ready_steps", age, TASKER_0_1_8.poll_limits)
    assert taken == expect["picked_up"]
    if taken:
        priority = readiness.computed_priority(given["priority"], age)
        assert priority == pytest.approx(expect["computed_priority"], rel=1e-9)


@pytest.mark.parametrize(("given", "expect"), cases("task_pickup_order"))
def test_readiness_pickup_order(given, expect):
    """The most urgent tasks come first."""
    tasks = sorted(given["tasks"], key=lambda t: -readiness.computed_priority(t["priority"], us(t["age_s"])))
    assert tasks[: given["limit"]] == expect["taken"]


@pytest.mark.parametrize(("given", "expect"), cases("staleness_threshold"))
def test_readiness_staleness_threshold(given, expect):
    """The template's lifecycle sets the minutes of three states; all others are never looked at."""
    found = readiness.stale_after(given["task_state"], Lifecycle(**given["lifecycle"]), TASKER_0_1_8.stale_after)
    never_looked_at = TASKER_0_1_8.stale_age // MINUTE
    assert (never_looked_at if found is None else found // MINUTE) == expect["threshold_min"]


@pytest.mark.parametrize(("given", "expect"), cases("staleness"))
def test_readiness_staleness(given, expect):
    """A task is stale after its threshold in the state or its lifetime, both inclusive, in three states only."""
    threshold = readiness.stale_after(given["task_state"], None, TASKER_0_1_8.stale_after)
    in_state, age = (round(given[key] * MINUTE) for key in ("state_age_min", "task_age_min"))
    assert readiness.is_stale(threshold, in_state, age, TASKER_0_1_8.stale_age) == expect["stale"]


@pytest.mark.parametrize(("given", "expect"), cases("graph"))
def test_readiness_graph(given, expect):
    """Levels and ways to ancestors are those of the database's own views."""
    names = dict.fromkeys(name for edge in given["edges"] for name in edge)
    parents = {name: [a for a, b in given["edges"] if b == name] for name in names}
    assert graph.levels(parents) == expect["levels"]
    for name, ancestors in expect["ancestors_of"].items():
        assert graph.ways(parents, name) == ancestors
