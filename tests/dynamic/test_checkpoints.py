"""Checkpoint-yield through the SDK's own mixin: pieces of one attempt, what survives, what a crash in between costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from tasker_core import Batchable, StepHandler, StepHandlerResult

from tasker_testkit import DOCUMENTED, FaultError, FaultPlan, RunError
from tasker_testkit.model.profile import PROFILES

STEPS = [("import_rows", "standard", [], {"retry": {"max_attempts": 3, "backoff": "none"}})]


class ImportRows(StepHandler, Batchable):
    """Imports 100 rows in pieces; ``calls`` has where each piece began and on which attempt."""

    handler_name = "import_rows"
    calls: ClassVar[list] = []
    size = 25
    fail_at = None

    def call(self, context):
        """One piece from the last checkpoint on."""
        start = context.checkpoint_cursor or 0
        type(self).calls.append((context.retry_count + 1, start))
        end = start + self.size
        if self.fail_at is not None and start <= self.fail_at < end and not context.is_retry():
            return StepHandlerResult.failure("row is broken", "bad_row")
        done = {"sum": (context.accumulated_results or {}).get("sum", 0) + end}
        if end >= 100:
            return StepHandlerResult.success({"rows": 100, **done})
        return self.checkpoint_yield(cursor=end, items_processed=end, accumulated_results=done)


@pytest.fixture
def importing(grown):
    """A simulation of one step that yields, and the list of its pieces."""

    def build(handler=ImportRows, **keywords):
        handler.calls = []
        return grown(STEPS, {"import_rows": handler}, **keywords)

    return build


@pytest.mark.parametrize("profile", PROFILES)
def test_pieces_are_one_attempt(importing, profile):
    """100 rows by 25: three checkpoints, one attempt, and the state stays in_progress all the while."""
    run = importing(profile=profile, durations={"import_rows": "1s"}).run()
    step = run["import_rows"]
    assert ImportRows.calls == [(1, 0), (1, 25), (1, 50), (1, 75)]
    assert (run.state, len(step.attempts), run.elapsed) == ("complete", 1, timedelta(seconds=4))
    assert step.states == ("pending", "enqueued", "in_progress", "enqueued_for_orchestration", "complete")
    assert step.result == {"rows": 100, "sum": 250}


def test_checkpoints_are_in_the_record(importing):
    """``attempts[0].checkpoints``: what was stored and when, with the history of all before; the file has it too."""
    run = importing(durations={"import_rows": "1s"}).run()
    checkpoints = run["import_rows"].attempts[0].checkpoints
    assert [(one["cursor"], one["items_processed"]) for one in checkpoints] == [(25, 25), (50, 50), (75, 75)]
    assert [one["at"] - run.history.start for one in checkpoints] == [timedelta(seconds=n) for n in (1, 2, 3)]
    assert checkpoints[2]["accumulated_results"] == {"sum": 150}
    assert [entry["cursor"] for entry in checkpoints[2]["history"]] == [25, 50, 75]
    written = run.history.to_data()["steps"][0]["attempts"][0]["checkpoints"]
    assert [(one["at"], one["cursor"]) for one in written] == [(1.0, 25), (2.0, 50), (3.0, 75)]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_retry_resumes_from_the_last_checkpoint(importing, profile):
    """Pieces of 20, a failure at row 50: attempt 2 goes on at 40, and only the piece that failed is done again."""

    class Broken(ImportRows):
        size, fail_at = 20, 50

    run = importing(Broken, profile=profile).run()
    assert Broken.calls == [(1, 0), (1, 20), (1, 40), (2, 40), (2, 60), (2, 80)]
    first, second = run["import_rows"].attempts
    assert [one["cursor"] for one in first.checkpoints] == [20, 40]
    assert [one["cursor"] for one in second.checkpoints] == [60, 80]
    assert run["import_rows"].result == {"rows": 100, "sum": 300}


@pytest.mark.parametrize(
    ("when", "calls"),
    [
        ("before", [(2, 0), (2, 25), (2, 50), (2, 75)]),
        ("checkpoint", [(1, 0), (2, 25), (2, 50), (2, 75)]),
        ("after", [(1, 0), (1, 25), (1, 50), (1, 75), (2, 75)]),
    ],
)
def test_a_crash_costs_what_was_not_yielded(importing, when, calls):
    """Before the first piece, once the first checkpoint is stored, or after the last piece: progress stays."""
    run = importing(faults=FaultPlan().crash("import_rows", when=when, attempt=1)).run()
    assert ImportRows.calls == calls
    assert (run.state, run.elapsed) == ("complete", timedelta(seconds=30))
    assert [dict(fault)["crash"] for fault in run["import_rows"].attempts[0].faults] == [when]
    assert run["import_rows"].result["sum"] == 250


def test_as_built_a_crash_between_pieces_leaves_the_step(importing):
    """As built nobody delivers the step again: it stays in progress until the task goes stale (row 21)."""
    run = importing(profile="tasker-0.1.8", faults=FaultPlan().crash("import_rows", when="checkpoint")).run()
    assert (run.state, run["import_rows"].state, run.elapsed) == ("error", "in_progress", timedelta(minutes=30))


def test_a_crash_at_a_checkpoint_needs_one(importing):
    """An attempt that never yields has no checkpoint to die at: the fault didn't fire, and that fails the run."""

    class Whole(ImportRows):
        size = 100

    with pytest.raises(
        FaultError, match=r"never fired in a run that ended complete:\n  crash at import_rows, attempt 1\n"
    ):
        importing(Whole, faults=FaultPlan().crash("import_rows", when="checkpoint", attempt=1)).run()


@pytest.mark.parametrize(
    ("faults", "elapsed"),
    [
        (FaultPlan().delay("import_rows", "40s", attempt=1), 40),
        (FaultPlan().lose_result("import_rows", attempt=1), 30),
        (FaultPlan().corrupt("import_rows", "sum", 0, attempt=1), 0),
    ],
    ids=["delay", "lose_result", "corrupt"],
)
def test_other_faults_wait_for_the_piece_with_the_result(importing, faults, elapsed):
    """A delay, a lost or a corrupt result befalls the last piece once; checkpoints are left alone."""
    run = importing(faults=faults).run()
    assert (run.state, run.elapsed) == ("complete", timedelta(seconds=elapsed))
    assert [one["cursor"] for one in run["import_rows"].attempts[0].checkpoints] == [25, 50, 75]


def test_a_hang_befalls_the_first_piece(importing):
    """A handler that never returns never yields."""
    run = importing(faults=FaultPlan().hang("import_rows")).run()
    assert (run.state, ImportRows.calls, run["import_rows"].attempts[0].checkpoints) == ("error", [(1, 0)], ())


class NoCursor(StepHandler, Batchable):
    """Yields without saying where to go on."""

    handler_name = "import_rows"
    calls: ClassVar[list] = []

    def call(self, context):
        """None is no checkpoint."""
        type(self).calls.append(context.has_checkpoint())
        return self.checkpoint_yield(cursor=None, items_processed=1)


def test_documented_a_checkpoint_needs_a_cursor(importing):
    """Without a cursor the next piece would begin at the start: a contract error, permanent, in plain words."""
    run = importing(NoCursor).run()
    outcome = run["import_rows"].attempts[0].outcome
    assert (run.state, outcome.error_type, outcome.retryable) == ("blocked_by_failures", "contract_error", False)
    assert outcome.message == (
        "The handler yielded a checkpoint without a cursor, so that the next piece would begin at the start again. "
        "Yield where to go on: checkpoint_yield(cursor=..., ...)."
    )


def test_as_built_a_checkpoint_without_a_cursor_is_stored_and_not_seen(importing):
    """As built it is stored, no piece sees one, and a handler that yields again never ends: a clear error."""
    with pytest.raises(RunError) as caught:
        importing(NoCursor, profile=replace(PROFILES["tasker-0.1.8"], max_checkpoints=3)).run()
    assert NoCursor.calls == [False] * 4
    assert str(caught.value) == (
        "Attempt 1 of step 'import_rows' has yielded 4 checkpoints, the last one with cursor None, and doesn't end. "
        "Start each piece from context.checkpoint_cursor, or allow more: "
        "profile=dataclasses.replace(TASKER_0_1_8, max_checkpoints=30)."
    )


def test_cursor_zero_is_a_checkpoint(importing):
    """Zero is a place to go on from, in both profiles."""

    class Zero(ImportRows):
        def call(self, context):
            self.calls.append(context.has_checkpoint())
            return super().call(context) if context.has_checkpoint() else self.checkpoint_yield(0, 0)

    run = importing(Zero).run()
    assert run.state == "complete"
    assert Zero.calls[:2] == [False, True]


def test_many_pieces_are_fine():
    """Ten thousand checkpoints of one attempt are allowed by default."""
    assert DOCUMENTED.max_checkpoints == 10_000


def test_workers_that_yield_take_turns(grown):
    """As built a piece goes to the tail of its worker's queue: three instances of two yields run round robin."""
    order = []

    class Work(StepHandler, Batchable):
        handler_name = "work"

        def call(self, context):
            order.append(context.task_sequence_step.workflow_step.name[-1])
            cursor = (context.checkpoint_cursor or 0) + 1
            return StepHandlerResult.success({}) if cursor > 2 else self.checkpoint_yield(cursor, 1)

    config = dict(batch_size=1, parallelism=1, cursor_field="n", worker_template="work", failure_strategy="fail_fast")
    cursors = [{"batch_id": str(n), "start_cursor": n, "end_cursor": n, "batch_size": 1} for n in (1, 2, 3)]
    outcome = {"type": "create_batches", "worker_template_name": "work", "worker_count": 3, "total_items": 3}
    run = grown(
        [
            ("start", "standard", []),
            ("analyze", "batchable", ["start"]),
            ("work", "batch_worker", ["analyze"], {"batch_config": config}),
        ],
        {"work": Work},
        stubs={"start": {}, "analyze": {"batch_processing_outcome": {**outcome, "cursor_configs": cursors}}},
        profile="tasker-0.1.8",
    ).run()
    assert (run.state, "".join(order)) == ("complete", "123123123")
