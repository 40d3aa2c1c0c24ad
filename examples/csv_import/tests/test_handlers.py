"""Each handler by itself: cursors in, checkpoints and counts out."""

from __future__ import annotations

import pytest
from catalog import catalog
from handlers import AnalyzeFileHandler, ImportRowsHandler


@pytest.mark.parametrize(("count", "ends"), [(1, [1]), (10, [10]), (11, [10, 11]), (25, [10, 20, 25])])
def test_the_analyzer_asks_for_batches_of_ten(tasker_context, tasker_call, file, count, ends):
    """The last batch is as long as what is left."""
    outcome = tasker_call(AnalyzeFileHandler, tasker_context("analyze_file", input=file(count)))
    batches = outcome.result["batch_processing_outcome"]
    assert batches["worker_template_name"] == "import_rows"
    assert [cursor["end_cursor"] for cursor in batches["cursor_configs"]] == ends


@pytest.fixture
def worker(tasker_context, file):
    """The context of a worker for these rows of a file of twenty: ``worker(0, 10)``."""

    def context(start, end, **more):
        cursor = {"batch_id": "001", "start_cursor": start, "end_cursor": end, "batch_size": end - start}
        metadata = {"cursor_field": "row", "failure_strategy": "continue_on_failure"}
        inputs = {"cursor": cursor, "batch_metadata": metadata, "is_no_op": start == end}
        return tasker_context("import_rows", input=file(20), inputs=inputs, stubs="present", **more)

    return context


def test_a_worker_yields_after_four_rows(worker, tasker_call):
    """The first piece is no result yet: it says where to go on."""
    outcome = tasker_call(ImportRowsHandler, worker(10, 20))
    assert outcome.checkpoint["cursor"] == 14
    assert catalog.writes == ["SKU-11", "SKU-12", "SKU-13", "SKU-14"]


def test_a_worker_goes_on_at_its_checkpoint(worker, tasker_call):
    """The last piece has the two rows that are left, and the result speaks of the whole batch."""
    earlier = {"row": 12, "sku": "SKU-13", "reason": "no price"}
    checkpoint = {"cursor": 18, "items_processed": 8, "accumulated_results": {"rejected": [earlier]}}
    outcome = tasker_call(ImportRowsHandler, worker(10, 20, checkpoint=checkpoint))
    assert catalog.writes == ["SKU-19", "SKU-20"]
    assert (outcome.result["items_processed"], outcome.result["items_failed"]) == (10, 1)
    assert outcome.result["errors"] == [earlier]


def test_a_catalog_that_is_down_is_worth_another_attempt(worker, tasker_call):
    """The failure is retryable and says which product it was."""
    catalog.will_fail("SKU-2")
    outcome = tasker_call(ImportRowsHandler, worker(0, 10))
    assert (outcome.error_code, outcome.retryable) == ("CATALOG_ERROR", True)
    assert outcome.message == "Catalog: no answer to SKU-2"


def test_a_worker_without_rows_does_nothing(worker, tasker_call):
    """The placeholder of an empty file is answered by the SDK's mixin."""
    outcome = tasker_call(ImportRowsHandler, worker(0, 0))
    assert (outcome.success, outcome.result["no_op"]) == (True, True)
