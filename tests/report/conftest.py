"""Runs built by hand, as the engine would record them."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tasker_testkit.engine.history import AttemptHistory, History, StepHistory, Transition
from tasker_testkit.model.outcome import Outcome, failure, success

MS, S = 1_000, 1_000_000


def attempt(number, outcome=None, start=0, end=None, *, queued_at=None, faults=(), checkpoints=()):
    """One attempt; it ends when it starts unless ``end`` is given, and never if it has no outcome."""
    ended = (start if end is None else end) if outcome else None
    enqueued = start if queued_at is None else queued_at
    return AttemptHistory(number, enqueued, start, ended, tuple(faults), outcome, tuple(checkpoints))


def step(name, *attempts, parents=(), state="complete", most=2, type="standard"):
    """One step that was created at the start."""
    return StepHistory(name, type, state, tuple(parents), most, (Transition(0, None, "pending"),), attempts)


def history(name, *steps, state="complete", ended=0, **fields):
    """A run under the documented profile whose task entered its last state at ``ended`` microseconds."""
    fields = {"execution_status": "all_complete", "faults": (), "profile": "documented", "seed": 0, **fields}
    return History(
        start=datetime(2026, 1, 1, tzinfo=UTC),
        template={"namespace": "shop", "name": name, "version": "1.0.0"},
        input={},
        state=state,
        transitions=(Transition(0, None, "pending"), Transition(ended, "evaluating_results", state)),
        steps=steps,
        **fields,
    )


def order(payment, *, after=0, state="complete", later=True):
    """The five steps of an order; the three behind the payment run at ``after`` if ``later``."""
    done = {
        "update_inventory": {"reservations": ["res_9"], "warehouse": "east"},
        "create_order": {"order_id": "ORD-20260101-7F3A", "status": "confirmed", "total": 64.79, "items": 2},
        "send_confirmation": {},
    }
    cart = {"subtotal": 59.99, "tax": 4.8, "total": 64.79, "items": [{"sku": "A-1", "quantity": 1}, {"sku": "B-2"}]}
    names = ["process_payment", *done]
    behind = [
        step(name, attempt(1, success(result), after), parents=[parent])
        if later
        else step(name, parents=[parent], state="pending")
        for parent, (name, result) in zip(names, done.items(), strict=False)
    ]
    first = step("validate_cart", attempt(1, success(cart)))
    paid = step("process_payment", *payment, parents=["validate_cart"], state="complete" if later else "error")
    return history("ecommerce_order_processing", first, paid, *behind, ended=after, state=state)


def gateway_timeout() -> History:
    """The payment gateway times out once; the second attempt, 100 ms later, succeeds."""
    timeout = failure("Payment gateway did not answer", "timeout", retryable=True)
    fault = {"step": "process_payment", "attempt": 1, "fail": {"error_type": "timeout"}}
    paid = success({"payment_id": "pay_1", "amount": 64.79})
    return order([attempt(1, timeout, faults=[fault]), attempt(2, paid, 100 * MS)], after=100 * MS)


def declined() -> History:
    """A permanent failure blocks the task; nothing behind it ever runs."""
    no = failure("Card was declined by its bank", "card_declined", retryable=False, error_code="DECLINED_51")
    return order([attempt(1, no)], state="blocked_by_failures", later=False)


def diamond() -> History:
    """Two branches share one worker: the second one queues; a delay makes it longer."""
    slow = {"step": "audit", "delay": "1500ms"}
    return history(
        "diamond",
        step("load", attempt(1, success({"rows": 120}), 0, 500 * MS)),
        step("price", attempt(1, success({"price": 12}), 500 * MS, 2500 * MS), parents=["load"]),
        step(
            "audit",
            attempt(1, success({"ok": True}), 2500 * MS, 4 * S, queued_at=500 * MS, faults=[slow]),
            parents=["load"],
        ),
        step("report", attempt(1, success(None), 4 * S), parents=["price", "audit"]),
        ended=4 * S,
    )


def stuck() -> History:
    """A handler that never returns, a sibling that waited for its retry, and a step behind both."""
    busy = failure("429 Too Many Requests", "RateLimited", retryable=True)
    hang = {"step": "charge", "attempt": 1, "hang": True}
    return history(
        "refund",
        step("notify", attempt(1, busy), attempt(2, busy, 31 * 60 * S), state="waiting_for_retry", most=3),
        step("charge", attempt(1, faults=[hang]), state="in_progress"),
        step("close", parents=["notify", "charge"], state="pending"),
        state="evaluating_results",
        ended=31 * 60 * S,
        execution_status="processing",
        profile="tasker-0.1.8",
        seed=7,
        stuck="charge is in_progress and its handler never returns; a task in evaluating_results never goes stale.",
    )


def batch() -> History:
    """A hundred batch workers over checkpoints; one needs a second attempt."""
    workers = [_worker(number) for number in range(1, 101)]
    analyzer = step("analyze", attempt(1, success({"batches": 100})), type="batchable")
    return history("import_products", analyzer, *workers, ended=5 * S)


def _worker(number: int) -> StepHistory:
    name, done = f"import_products_{number:03d}", success({"rows": 50})
    if number != 73:
        return step(name, attempt(1, done, 0, 2 * S if number == 5 else 0), parents=["analyze"])
    marks = [(S, {"cursor": 25, "items_processed": 25}), (2 * S, {"cursor": 40, "items_processed": 40})]
    lost = Outcome(False, None, "connection reset\nby peer\x1b[31m", "ConnectionError", retryable=True)
    return step(
        name, attempt(1, lost, 0, 3 * S, checkpoints=marks), attempt(2, done, 4 * S, 5 * S), parents=["analyze"]
    )


@pytest.fixture(scope="session")
def runs() -> dict[str, History]:
    """The runs by name."""
    return {make.__name__: make() for make in (gateway_timeout, declined, diamond, stuck, batch)}


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders above."""
    return SimpleNamespace(attempt=attempt, step=step, history=history, success=success, failure=failure)
