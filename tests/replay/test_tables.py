"""A task from the rows of Tasker's tables, as values: no database is needed to say what they mean."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from production_samples import TABLES

from tasker_testkit.errors import HistoryError
from tasker_testkit.replay.production import history_data
from tasker_testkit.replay.tables import TABLES as READ
from tasker_testkit.replay.tables import recorded_task

ROWS = {table: content["rows"] for table, content in TABLES.items()}
TASKS = {row["context"]["order_ref"]: row["task_uuid"] for row in ROWS["tasks"]}
ORDER = TASKS["order_gateway_error"]


def copied():
    """All rows, to be changed."""
    return deepcopy(ROWS)


def steps_of(name):
    """The recorded steps of that task by name."""
    return {step.name: step for step in recorded_task(ROWS, TASKS[name]).steps}


def row_of(tables, name, step):
    """A step's row, and its transitions in order."""
    names = {row["named_step_uuid"]: row["name"] for row in tables["named_steps"]}
    mine = [row for row in tables["workflow_steps"] if row["task_uuid"] == TASKS[name]]
    (row,) = [row for row in mine if names[row["named_step_uuid"]] == step]
    moves = [
        one for one in tables["workflow_step_transitions"] if one["workflow_step_uuid"] == row["workflow_step_uuid"]
    ]
    return row, sorted(moves, key=lambda move: move["sort_key"])


def moved(tables, moves, after, *, event=None):
    """One more transition of a step, a second after its last."""
    last = moves[-1]
    metadata = {"event": json.dumps({"type": event})} if event else {}
    more = {"sort_key": last["sort_key"] + 1, "from_state": last["to_state"], "to_state": after, "metadata": metadata}
    tables["workflow_step_transitions"].append({**last, **more, "created_at": "2026-11-22T04:43:00.000001"})


@given(st.randoms(use_true_random=False), st.sampled_from(sorted(TASKS)))
def test_order_of_rows_means_nothing(random, name):
    """However the rows come, and with or without those of other tasks, the task is the same."""
    shuffled = {table: random.sample(rows, len(rows)) for table, rows in ROWS.items()}
    strangers = {uuid for uuid in TASKS.values() if uuid != TASKS[name]}
    strangers |= {row["workflow_step_uuid"] for row in ROWS["workflow_steps"] if row["task_uuid"] in strangers}
    alone = {
        table: [row for row in rows if not strangers & {row.get("task_uuid"), row.get("workflow_step_uuid")}]
        for table, rows in ROWS.items()
    }
    whole = recorded_task(ROWS, TASKS[name])
    assert recorded_task(shuffled, TASKS[name]) == whole == recorded_task(alone, TASKS[name])


def test_each_attempt_has_its_own_result():
    """Of two attempts both results are known, with the instants at which each was enqueued, began and ended."""
    first, second = steps_of("order_gateway_error")["process_payment"].attempts
    assert (first.stored["status"], second.stored["status"]) == ("retryable_error", "completed")
    for attempt in (first, second):
        assert attempt.enqueued_at < attempt.started_at < attempt.ended_at
    assert first.ended_at < second.enqueued_at


def test_the_last_checkpoint_is_whole():
    """A checkpoint belongs to the attempt that yielded it, with all that is kept of it; none is missing."""
    (attempt,) = steps_of("import_25_rows")["import_products_002"].attempts
    ((at, checkpoint),) = attempt.checkpoints
    assert attempt.started_at < at < attempt.ended_at
    assert (checkpoint["cursor"], checkpoint["accumulated_results"]) == (15, {"sum": 5})
    assert not any("checkpoint" in gap for gap in recorded_task(ROWS, TASKS["import_25_rows"]).gaps)


def test_earlier_checkpoints_are_cursors():
    """Of checkpoints before the last only the cursor is known, and that is said."""
    tables = copied()
    row, _ = row_of(tables, "import_25_rows", "import_products_002")
    row["checkpoint"]["history"].insert(0, {"cursor": 12, "timestamp": "2026-11-22T04:42:30.328+00:00"})
    task = recorded_task(tables, TASKS["import_25_rows"])
    (attempt,) = next(step for step in task.steps if step.name == "import_products_002").attempts
    assert [sorted(one) for _, one in attempt.checkpoints] == [
        ["cursor", "history", "timestamp"],
        sorted(row["checkpoint"]),
    ]
    assert task.gaps[-1] == (
        "step import_products_002: of its 2 checkpoints only the last is known whole, of the others the cursor"
    )


def test_a_cancelled_task_says_when():
    """The operator's cancel is an action of the history, and what was running has no end."""
    data = history_data(recorded_task(ROWS, TASKS["order_cancelled"]))
    assert data["actions"] == [{"at": 1.289911, "do": "cancel"}]
    assert data["task"]["execution_status"] == "waiting_for_dependencies"
    (attempt,) = next(step["attempts"] for step in data["steps"] if step["name"] == "update_inventory")
    assert (attempt["stored"], attempt["ended_at"]) == (None, None)


@pytest.mark.parametrize(
    ("after", "event", "did"),
    [
        ("resolved_manually", "ResolveManually", {"do": "resolve_manually"}),
        ("pending", "ResetForRetry", {"do": "reset_for_retry"}),
        ("complete", "CompleteManually", {"do": "complete_manually", "result": {"by": "hand"}}),
    ],
)
def test_what_an_operator_did_is_an_action(after, event, did):
    """A step that was settled or reset by hand has the action with its instant; its attempts keep their own results."""
    tables = copied()
    row, moves = row_of(tables, "order_gateway_down", "process_payment")
    moved(tables, moves, after, event=event)
    if after == "complete":
        row["results"] = {**row["results"], "success": True, "error": None, "result": {"by": "hand"}}
        row["results"]["metadata"] = {**row["results"]["metadata"], "custom": {"manually_completed": True}}
    task = recorded_task(tables, TASKS["order_gateway_down"])
    ((at, action),) = task.actions
    assert (action, at.isoformat()) == ({**did, "step": "process_payment"}, "2026-11-22T04:43:00.000001+00:00")
    (step,) = [one for one in task.steps if one.name == "process_payment"]
    assert step.state == after
    assert [one.stored["status"] for one in step.attempts] == ["retryable_error", "retryable_error"]
    assert task.execution_status == {"resolved_manually": "has_ready_steps", "complete": "has_ready_steps"}.get(
        after, "waiting_for_dependencies"
    )


def test_a_result_that_only_the_step_keeps_is_the_last_attempts():
    """Where a transition has lost its result, the step's own is the last attempt's, not that of one that goes on."""
    tables = copied()
    _, moves = row_of(tables, "order_gateway_error", "process_payment")
    for move in moves:
        move["metadata"] = None
    (step,) = [one for one in recorded_task(tables, ORDER).steps if one.name == "process_payment"]
    assert [one.stored and one.stored["status"] for one in step.attempts] == [None, "completed"]
    row, moves = row_of(tables, "order_gateway_error", "send_confirmation")
    row["attempts"] = 2
    for number, after in enumerate(("pending", "enqueued", "in_progress", "cancelled")):
        more = {"sort_key": 10 + number, "to_state": after, "created_at": "2026-11-22T04:43:00"}
        tables["workflow_step_transitions"].append({**moves[-1], **more})
    (step,) = [one for one in recorded_task(tables, ORDER).steps if one.name == "send_confirmation"]
    assert [bool(one.stored) for one in step.attempts] == [True, False]


def test_a_result_by_hand_is_no_attempts():
    """Where the transitions have lost their results, what an operator gave the step is nobody's result but his."""
    tables = copied()
    row, moves = row_of(tables, "order_gateway_down", "process_payment")
    for move in moves:
        move["metadata"] = None
    moved(tables, moves, "complete", event="CompleteManually")
    row["results"]["metadata"]["custom"] = {"manually_completed": True}
    (step,) = [one for one in recorded_task(tables, TASKS["order_gateway_down"]).steps if one.name == "process_payment"]
    assert [one.stored for one in step.attempts] == [None, None]


def test_attempts_without_a_trace_are_unknown():
    """Attempts that Tasker counts and whose transitions are gone come first, without a result or an instant."""
    tables = copied()
    row, _ = row_of(tables, "order_plain", "process_payment")
    row["attempts"] = 3
    data = history_data(recorded_task(tables, TASKS["order_plain"]))
    attempts = next(step["attempts"] for step in data["steps"] if step["name"] == "process_payment")
    assert [bool(one["stored"]) for one in attempts] == [False, False, True]
    told = [warning["text"] for warning in data["warnings"]]
    assert "step process_payment: no result is known of attempt 1, 2" in told
    assert "step process_payment: it isn't known when attempt 1, 2 began" in told


def test_a_step_that_grew_and_never_ran_is_pending():
    """A step without a transition is pending, as Tasker reads it."""
    tables = copied()
    _, moves = row_of(tables, "refund_small", "pay_refund")
    tables["workflow_step_transitions"] = [row for row in tables["workflow_step_transitions"] if row not in moves]
    row, _ = row_of(tables, "refund_small", "pay_refund")
    row["attempts"], row["last_attempted_at"] = None, None
    (step,) = [one for one in recorded_task(tables, TASKS["refund_small"]).steps if one.name == "pay_refund"]
    assert (step.state, step.attempts, step.max_attempts) == ("pending", (), 3)


def test_a_dead_letter_is_in_the_history():
    """An entry of the dead-letter table is one of the history's, with the keys that simulated ones have."""
    tables = copied()
    letter = {"original_state": "steps_in_process", "dlq_reason": "staleness_timeout", "resolution_status": "pending"}
    tables["tasks_dlq"] = [{**letter, "task_uuid": ORDER, "dlq_timestamp": "2026-11-22T05:12:01.453778"}]
    assert history_data(recorded_task(tables, ORDER))["dead_letters"] == [
        {"at": 1800.0, "original_state": "steps_in_process", "reason": "staleness_timeout", "resolution": "pending"}
    ]


def test_a_template_that_isnt_kept_leaves_types_open():
    """Without the template among the rows types aren't known, which is said; the rest is."""
    tables = copied()
    for row in tables["named_tasks"]:
        row["configuration"] = None
    data = history_data(recorded_task(tables, ORDER))
    assert {step["type"] for step in data["steps"]} == {""}
    assert data["steps"][1]["parents"] == ["validate_cart"]
    assert data["warnings"][1]["text"].startswith("types of steps aren't known, the template has them")


def test_a_running_task_isnt_imported():
    """A task whose last transition leads to a state of work is refused, with the states that would do."""
    tables = copied()
    tables["task_transitions"] = [row for row in tables["task_transitions"] if row["to_state"] != "complete"]
    with pytest.raises(HistoryError) as error:
        recorded_task(tables, ORDER)
    assert str(error.value) == (
        f"tasks[{ORDER}]: task {ORDER} is still running: its state is 'evaluating_results'. "
        "Only a task at rest can be imported; the states of one:\n"
        "  cancelled\n  complete\n  error\n  resolved_manually\n  blocked_by_failures\nAsk Tasker again later."
    )


def test_a_complete_step_needs_a_result():
    """A complete step whose result is in no row is refused."""
    tables = copied()
    row, moves = row_of(tables, "order_gateway_error", "create_order")
    row["results"] = None
    assert recorded_task(tables, ORDER) == recorded_task(ROWS, ORDER)
    for move in moves:
        move["metadata"] = {}
    with pytest.raises(HistoryError) as error:
        recorded_task(tables, ORDER)
    assert str(error.value) == (
        f"workflow_steps[{row['workflow_step_uuid']}]: step 'create_order' is complete and has no result, neither "
        "there nor in its transitions. The rows aren't as Tasker wrote them; import a task whose rows are whole."
    )


def verdict(tables, name):
    """What refuses these rows as that task, None if nothing does."""
    try:
        history_data(recorded_task(tables, TASKS[name]))
    except HistoryError as error:
        return str(error)
    return None


@pytest.mark.parametrize("table", READ)
def test_whichever_field_is_damaged(table):
    """Whichever field of a row is missing or of another type: one error that names the table, or the rest is read."""
    found = []
    for column in TABLES[table]["columns"]:
        for value in (None, {"x": 1}, [], "?", -1, ...):
            tables = copied()
            letter = {"original_state": "x", "dlq_reason": "x", "resolution_status": "x", "dlq_timestamp": "2026-11-22"}
            tables["tasks_dlq"] = [{**letter, "task_uuid": TASKS["order_plain"]}]
            row = tables[table][0]
            row[column.split()[0]] = value
            if value is ...:
                del row[column.split()[0]]
            found.append(verdict(tables, "order_plain"))
    said = [error for error in found if error]
    assert 0 < len(said) < len(found)
    assert all("\n" not in error and any(name in error for name in READ) for error in said)


@pytest.mark.parametrize(
    ("checkpoint", "said"),
    [
        ({"cursor": 1}, ": there is no 'history'."),
        ({"history": 3}, ".history: must be a list, not 3."),
        ({"history": [3]}, ".history[0]: must be a mapping, not 3."),
        ({"history": [{"cursor": 3}]}, ".history[0]: there is no 'timestamp'."),
        ({"history": [{"timestamp": "then"}]}, ".history[0].timestamp: 'then' is not an instant."),
    ],
)
def test_a_damaged_checkpoint_is_refused(checkpoint, said):
    """A checkpoint that isn't one is named with its place."""
    tables = copied()
    row, _ = row_of(tables, "import_25_rows", "import_products_002")
    row["checkpoint"] = checkpoint
    place = f"workflow_steps[{row['workflow_step_uuid']}].checkpoint"
    assert verdict(tables, "import_25_rows").startswith(place + said)


@pytest.mark.parametrize("table", ["named_tasks", "task_namespaces", "named_steps", "task_transitions"])
def test_rows_that_are_missing_are_named(table):
    """Where a table has nothing of what a task needs, the error names the table."""
    said = verdict({**ROWS, table: []}, "order_plain")
    assert said.endswith("Only tables as Tasker 0.1.8 keeps them can be read.")
    assert f"{table} has no row" in said


def test_an_edge_from_elsewhere_is_refused():
    """An edge that begins at a step of another task is named."""
    tables = copied()
    stranger, _ = row_of(tables, "order_declined", "validate_cart")
    edge = tables["workflow_step_edges"][0]
    edge["from_step_uuid"] = stranger["workflow_step_uuid"]
    assert verdict(tables, "order_plain") == (
        f"workflow_step_edges[{edge['workflow_step_edge_uuid']}]: it begins at step {stranger['workflow_step_uuid']}, "
        "which the task doesn't have. Only tables as Tasker 0.1.8 keeps them can be read."
    )


def test_the_tables_are_those_of_the_recording():
    """Every table that is read is among the recorded ones, each of which but the audit is read."""
    assert set(TABLES) - set(READ) == {"workflow_step_result_audit"}
    assert set(READ) < set(TABLES)
