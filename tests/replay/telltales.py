"""Handlers whose results tell all that they were given and drew, so that nothing about a call can change unseen."""

from __future__ import annotations

import json
import random
import time
import uuid
from datetime import UTC, datetime
from hashlib import sha256
from typing import ClassVar

from tasker_core import Batchable, StepHandler, StepHandlerResult
from tasker_core.step_handler import DecisionHandler


def seen(context):
    """Everything in a context, as a digest a part; the clock; and chance."""
    whole = context.event.task_sequence_step
    parts = {f"{key}.{name}": value for key in whole for name, value in _items(whole[key])}
    digests = {
        name: sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8] for name, value in parts.items()
    }
    ids = {key: str(getattr(context.event, key)) for key in ("event_id", "task_uuid", "step_uuid", "correlation_id")}
    drawn = {"uuid": str(uuid.uuid4()), "random": random.random(), "now": datetime.now(UTC).isoformat()}
    return {"parts": digests, "ids": ids, "drawn": drawn, "retry": context.retry_count, "of": context.max_retries}


def _items(value):
    return value.items() if isinstance(value, dict) else [("", value)]


def busy(context):
    """Take some time, now and then more than a step may; fail now and then, for a while or for good."""
    dice = random.random()
    time.sleep(dice if dice < 0.9 else 700)
    if dice < 0.2:
        raise ConnectionError(f"nobody answers ({dice:.3f})")
    if dice < 0.25:
        return StepHandlerResult.failure("no", error_type="refused", retryable=False, error_code="NO")
    return None


class Telltale(StepHandler):
    """Tells, or fails."""

    handler_name = "telltale"

    def call(self, context):
        """As Tasker calls it."""
        return busy(context) or StepHandlerResult.success(seen(context))


class Decide(DecisionHandler):
    """Chooses some of the branches."""

    handler_name = "decide"

    def call(self, context):
        """As Tasker calls it."""
        chosen = [f"branch_{number}" for number in (1, 2, 3) if random.random() < 0.5]
        below = {step["name"] for step in context.get_input("steps", [])}
        return self.decision_success([name for name in chosen if name in below], routing_context=seen(context))


class Analyze(StepHandler, Batchable):
    """Asks for a few batches, or for none."""

    handler_name = "analyze"
    worker = "work"

    def call(self, context):
        """As Tasker calls it."""
        time.sleep(1)
        rows = random.choice([0, 3, 10])
        if not rows:
            return self.no_batches_outcome("nothing to do")
        return self.batch_analyzer_success(
            cursor_configs=self.create_cursor_ranges(rows, 4), total_items=rows, worker_template_name=self.worker
        )


class Work(StepHandler, Batchable):
    """Works through its batch in pieces, and fails in between now and then."""

    handler_name = "work"

    def call(self, context):
        """As Tasker calls it."""
        if nothing := self.handle_no_op_worker(context):
            return nothing
        batch = self.get_batch_context(context)
        at = batch.checkpoint_cursor or batch.start_cursor
        if failed := busy(context):
            return failed
        if at + 2 < batch.end_cursor:
            done = {"pieces": [*(batch.accumulated_results or {}).get("pieces", []), at]}
            return self.checkpoint_yield(cursor=at + 2, items_processed=2, accumulated_results=done)
        return StepHandlerResult.success({"at": at, **seen(context)})


def handlers_for(template):
    """A handler for every step of a drawn template."""
    kinds = {"decision": Decide, "batchable": Analyze, "batch_worker": Work}
    return {step["name"]: kinds.get(step.get("type"), Telltale) for step in template["steps"]}


class Calm(StepHandler):
    """Tells what any Tasker hands over; fails on the first attempt of every third step."""

    handler_name = "calm"
    more: ClassVar[dict] = {}

    def call(self, context):
        """As Tasker calls it."""
        step = context.event.task_sequence_step["workflow_step"]["name"]
        if context.retry_count == 0 and len(step) % 3 == 0:
            return StepHandlerResult.failure("later", error_type="busy")
        results = {name: context.get_dependency_result(name) for name in context.dependency_results}
        return StepHandlerResult.success({**_calmly(context, results), **self.more})


def _calmly(context, results):
    digest = sha256(json.dumps([results, context.input_data, context.step_inputs], sort_keys=True).encode())
    return {
        "seen": digest.hexdigest(),
        "id": str(uuid.uuid4()),
        "retry": context.retry_count,
        "of": context.max_retries,
    }


class CalmDecide(DecisionHandler):
    """Chooses the first branch."""

    handler_name = "calm_decide"

    def call(self, context):
        """As Tasker calls it."""
        return self.decision_success(["branch_1"], routing_context={"retry": context.retry_count})


class CalmAnalyze(StepHandler, Batchable):
    """Asks for three batches."""

    handler_name = "calm_analyze"

    def call(self, context):
        """As Tasker calls it."""
        cursors = self.create_cursor_ranges(10, 4)
        return self.batch_analyzer_success(cursor_configs=cursors, total_items=10, worker_template_name="work")


class CalmWork(StepHandler, Batchable):
    """Works in pieces; the second batch fails once, behind its first piece."""

    handler_name = "calm_work"

    def call(self, context):
        """As Tasker calls it."""
        batch = self.get_batch_context(context)
        at = batch.checkpoint_cursor or batch.start_cursor
        if at == 6 and context.retry_count == 0:
            return StepHandlerResult.failure("locked", error_type="lock")
        if at + 2 < batch.end_cursor:
            return self.checkpoint_yield(cursor=at + 2, items_processed=2, accumulated_results={"last": at})
        return StepHandlerResult.success({"at": at, "last": (batch.accumulated_results or {}).get("last")})


def calm_handlers_for(template):
    """Handlers of which nothing hangs on chance, one a step."""
    kinds = {"decision": CalmDecide, "batchable": CalmAnalyze, "batch_worker": CalmWork}
    return {step["name"]: kinds.get(step.get("type"), Calm) for step in template["steps"]}
