"""The step handlers of ``product_import.yaml``. Rows are counted from 0, as cursors are."""

from __future__ import annotations

import csv
from itertools import islice
from typing import Any

from catalog import Unavailable, catalog
from tasker_core import Batchable, ErrorType, StepContext, StepHandler, StepHandlerResult

ROWS_A_BATCH = 10
ROWS_A_PIECE = 4


def rows(path: str, start: int = 0, end: int | None = None) -> list[dict[str, str]]:
    """The rows of the file from ``start`` up to ``end``."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(islice(csv.DictReader(file), start, end))


class AnalyzeFileHandler(StepHandler, Batchable):
    handler_name = "analyze_file"

    def call(self, context: StepContext) -> StepHandlerResult:
        try:
            total = len(rows(context.get_input("path")))
        except FileNotFoundError as error:
            return StepHandlerResult.failure(
                f"No such file: {error.filename}", ErrorType.PERMANENT_ERROR, retryable=False, error_code="NO_FILE"
            )
        return self.batch_analyzer_success(
            cursor_configs=self.create_cursor_ranges(total, ROWS_A_BATCH),
            total_items=total,
            worker_template_name="import_rows",
        )


class ImportRowsHandler(StepHandler, Batchable):
    handler_name = "import_rows"

    def call(self, context: StepContext) -> StepHandlerResult:
        if nothing_to_do := self.handle_no_op_worker(context):
            return nothing_to_do
        batch = self.get_batch_context(context)
        start = batch.checkpoint_cursor if batch.has_checkpoint() else batch.start_cursor
        end = min(start + ROWS_A_PIECE, batch.end_cursor)
        rejected = (batch.accumulated_results or {}).get("rejected", [])
        try:
            rejected += import_piece(context.get_input("path"), start, end)
        except Unavailable as error:
            return StepHandlerResult.failure(
                f"Catalog: {error}", ErrorType.RETRYABLE_ERROR, retryable=True, error_code="CATALOG_ERROR"
            )
        done = end - batch.start_cursor
        if end < batch.end_cursor:
            return self.checkpoint_yield(cursor=end, items_processed=done, accumulated_results={"rejected": rejected})
        return self.batch_worker_success(items_processed=done, items_failed=len(rejected), errors=rejected)


def import_piece(path: str, start: int, end: int) -> list[dict[str, Any]]:
    """Write these rows; what can't be read is left out, and told."""
    rejected = []
    for number, row in enumerate(rows(path, start, end), start):
        try:
            product = row["sku"], float(row["price"]), int(row["stock"])
        except ValueError as error:
            rejected.append({"row": number, "sku": row["sku"], "reason": str(error)})
        else:
            catalog.put(*product)
    return rejected


class ReportHandler(StepHandler, Batchable):
    handler_name = "report"

    def call(self, context: StepContext) -> StepHandlerResult:
        results = {name: context.get_dependency_result(name) for name in context.get_dependency_result_keys()}
        scenario = self.detect_aggregation_scenario(results, "analyze_file", "import_rows_")
        return self.aggregate_batch_worker_results(scenario, {"imported": 0, "rejected": []}, added_up)


def added_up(batches: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What all batches did together; a batch that failed for good has nothing to tell."""
    in_order = [batches[name] for name in sorted(batches) if batches[name]]
    # not items_succeeded: the SDK makes a 0 there into items_processed
    return {
        "imported": sum(batch["items_processed"] - batch["items_failed"] for batch in in_order),
        "rejected": [row for batch in in_order for row in batch.get("errors", [])],
    }
