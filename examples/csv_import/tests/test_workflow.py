"""The whole import: batches, checkpoints, and what a crash, a bad row or an empty file makes of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from catalog import catalog

SAMPLE = {"path": str(Path(__file__).parents[1] / "products.csv")}


def skus(first, last):
    """The products of these rows, counted from 1."""
    return [f"SKU-{number}" for number in range(first, last + 1)]


def cursors(step):
    """Where each attempt of the step left a checkpoint."""
    return [[checkpoint["cursor"] for checkpoint in attempt.checkpoints] for attempt in step.attempts]


def test_the_sample_is_imported(tasker_run):
    """Twelve rows make two batches, and all of them end in the catalog."""
    run = tasker_run(SAMPLE)
    assert run.state == "complete"
    assert list(run.steps) == ["analyze_file", "import_rows_001", "import_rows_002", "report"]
    assert run["report"].result == {"imported": 12, "rejected": [], "worker_count": 2, "scenario": "with_batches"}
    assert catalog.products["SKU-007"] == (249.0, 2)


@pytest.mark.parametrize("count", [1, 4, 5, 9, 10, 11, 20, 21, 34])
def test_every_row_is_imported_once(tasker_run, file, count):
    """Wherever batches and pieces begin and end: no row is left out, and none is written twice."""
    run = tasker_run(file(count))
    assert run["report"].result["imported"] == count
    assert run["report"].result["worker_count"] == len(run["report"].parents) == -(-count // 10)
    assert sorted(catalog.writes) == sorted(skus(1, count))


def test_checkpoints_are_pieces_of_one_attempt(tasker_run, file):
    """Ten rows are three pieces of one attempt: 4, 4 and 2."""
    run = tasker_run(file(10), durations={"import_rows": "1s"})
    assert cursors(run["import_rows_001"]) == [[4, 8]]
    assert run.elapsed == timedelta(seconds=3)


def test_a_crash_at_a_checkpoint_loses_nothing(tasker_run, tasker_faults, file):
    """The worker dies behind the first checkpoint of the second batch: the next attempt goes on there."""
    tasker_faults.crash("import_rows_002", when="checkpoint", attempt=1)
    run = tasker_run(file(20))
    assert (run.state, run["report"].result["imported"]) == ("complete", 20)
    assert cursors(run["import_rows_002"]) == [[14], [18]]
    assert sorted(catalog.writes) == sorted(skus(1, 20))


def test_a_crash_after_the_last_piece_repeats_that_piece(tasker_run, tasker_faults, file):
    """Rows behind the last checkpoint are written again: what writes them has to bear that."""
    tasker_faults.crash("import_rows_001", when="after", attempt=1)
    run = tasker_run(file(10))
    assert run["report"].result["imported"] == 10
    assert catalog.writes == [*skus(1, 10), "SKU-9", "SKU-10"]


def test_a_row_that_fails_costs_its_piece(tasker_run, file):
    """The catalog doesn't answer at row 7: a second later the batch goes on at its checkpoint, before row 5."""
    catalog.will_fail("SKU-7")
    run = tasker_run(file(10))
    assert run["import_rows_001"].waits == [timedelta(seconds=1)]
    assert cursors(run["import_rows_001"]) == [[4], [8]]
    assert catalog.writes == [*skus(1, 6), *skus(5, 10)]
    assert run["report"].result["imported"] == 10


def test_bad_rows_are_left_out_and_told(tasker_run, file):
    """A row that can't be read doesn't stop its batch; what was found before a checkpoint isn't forgotten."""
    run = tasker_run(file(12, {2: "SKU-3,Free,gratis,1", 9: "SKU-10,Half,1.00,0.5", 11: "SKU-12,None,1.00,"}))
    assert run.state == "complete"
    report = run["report"].result
    assert report["imported"] == 9
    assert [(row["row"], row["sku"]) for row in report["rejected"]] == [(2, "SKU-3"), (9, "SKU-10"), (11, "SKU-12")]
    assert report["rejected"][0]["reason"] == "could not convert string to float: 'gratis'"
    assert {"SKU-3", "SKU-10", "SKU-12"}.isdisjoint(catalog.products)


def test_a_batch_of_bad_rows_only_imports_nothing(tasker_run, file):
    """The report says 0, whatever the SDK makes of a batch in which nothing succeeded."""
    run = tasker_run(file(2, {0: "SKU-1,A,,", 1: "SKU-2,B,,"}))
    assert run["import_rows_001"].result["items_succeeded"] == 2
    assert (run["report"].result["imported"], len(run["report"].result["rejected"])) == (0, 2)


def test_a_file_without_rows_is_a_report_of_nothing(tasker_run, file):
    """A single worker has nothing to do, and the report says that there were no batches."""
    run = tasker_run(file(0))
    assert (run.state, list(run.steps)) == ("complete", ["analyze_file", "import_rows_000", "report"])
    assert run["import_rows_000"].result["no_op"] is True
    assert run["report"].result == {"imported": 0, "rejected": [], "worker_count": 0, "scenario": "no_batches"}


def test_a_file_that_is_not_there_is_permanent(tasker_run, tmp_path):
    """The analyzer isn't tried again, and no batch comes into being."""
    run = tasker_run({"path": str(tmp_path / "nowhere.csv")})
    assert (run.state, list(run.steps)) == ("blocked_by_failures", ["analyze_file"])
    assert run["analyze_file"].attempts[0].outcome.error_code == "NO_FILE"


def test_a_batch_that_fails_for_good_is_missing_in_the_report(tasker_run, file):
    """``continue_on_failure``: the other batches count, and so do the rows before the one that failed. Not here."""
    catalog.will_fail("SKU-17", times=3)
    run = tasker_run(file(30))
    assert run.state == "complete"
    assert len(run["import_rows_002"].attempts) == 3
    assert run["report"].result["imported"] == 20


@pytest.mark.tasker(profile="tasker-0.1.8")
def test_tasker_0_1_8_blocks_instead(tasker_run, file):
    """Tasker 0.1.8 doesn't look at ``failure_strategy``: the report is never made."""
    catalog.will_fail("SKU-17", times=3)
    run = tasker_run(file(30))
    assert (run.state, run["report"].state) == ("blocked_by_failures", "pending")
    assert [run[f"import_rows_00{n}"].state for n in (1, 2, 3)] == ["complete", "error", "complete"]
