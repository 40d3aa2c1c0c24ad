"""The whole workflow, on a simulated clock: retries, waits, and what a failure leaves behind."""

from __future__ import annotations

from datetime import timedelta

import gateways
import pytest
from handlers import ProcessPaymentHandler

pytestmark = pytest.mark.tasker(template="../order_processing.yaml", handlers="handlers")

STEPS = ["validate_cart", "process_payment", "update_inventory", "create_order", "send_confirmation"]


class CarelessPaymentHandler(ProcessPaymentHandler):
    """As many are written first: without an idempotency key."""

    def charge_key(self, context):
        return None


def test_an_order_goes_through(tasker_run, cart):
    """Every step runs once, in order, and the customer gets one mail about one order."""
    run = tasker_run(cart)
    assert run.state == "complete"
    assert list(run.steps) == STEPS
    assert all(len(run[name].attempts) == 1 for name in STEPS)
    assert gateways.orders[run["create_order"].result["order_id"]]["total"] == 81.52
    assert [mail["to"] for mail in gateways.mailer.sent] == ["ada@example.com"]


def test_gateway_timeout_costs_one_attempt(tasker_run, tasker_faults, cart):
    """The template's policy answers a timeout: one more attempt, 100 ms later."""
    tasker_faults.fail("process_payment", attempt=1, error_type="timeout")
    run = tasker_run(cart)
    assert run.state == "complete"
    assert run["process_payment"].waits == [timedelta(milliseconds=100)]
    assert run.elapsed == timedelta(milliseconds=100)


def test_a_declined_card_blocks_the_task(tasker_run, cart):
    """A permanent failure isn't retried, and nothing behind it runs."""
    run = tasker_run({**cart, "payment_info": {"token": "tok_declined"}})
    assert run.state == "blocked_by_failures"
    assert run["process_payment"].state == "error"
    assert len(run["process_payment"].attempts) == 1
    assert [run[name].state for name in STEPS[2:]] == ["pending", "pending", "pending"]
    assert not any(run[name].attempts for name in STEPS[2:])
    assert gateways.warehouse.reservations == {}
    assert gateways.mailer.sent == []


@pytest.mark.tasker(record=False)  # the gateway's failures are set up by the test: no recording could know
def test_a_gateway_that_stays_down_exhausts_the_retries(tasker_run, cart):
    """After max_attempts the step is in error and the task is blocked; the customer was never charged."""
    gateways.payments.will_fail(times=2)
    run = tasker_run(cart)
    assert run.state == "blocked_by_failures"
    assert [attempt.outcome.error_code for attempt in run["process_payment"].attempts] == ["GATEWAY_ERROR"] * 2
    assert gateways.payments.charges == []


def test_a_crash_after_the_charge_charges_once(tasker_run, tasker_faults, cart):
    """The worker dies between the charge and its result: the second attempt finds the first one's charge."""
    tasker_faults.crash("process_payment", when="after", attempt=1)
    run = tasker_run(cart)
    assert run.state == "complete"
    assert len(run["process_payment"].attempts) == 2
    assert [charge["amount"] for charge in gateways.payments.charges] == [81.52]


@pytest.mark.tasker(handlers=["handlers", {"process_payment": CarelessPaymentHandler}])
def test_a_crash_after_the_charge_charges_twice_without_a_key(tasker_run, tasker_faults, cart):
    """The bug that the key is there for: the task completes, and the customer has paid twice."""
    tasker_faults.crash("process_payment", when="after", attempt=1)
    run = tasker_run(cart)
    assert run.state == "complete"
    assert [charge["amount"] for charge in gateways.payments.charges] == [81.52, 81.52]


@pytest.mark.tasker(profile="tasker-0.1.8")
def test_tasker_0_1_8_retries_at_once(tasker_run, tasker_faults, cart):
    """Tasker 0.1.8 doesn't wait before it retries a Python handler, whatever the template says."""
    tasker_faults.fail("process_payment", attempt=1, error_type="timeout")
    assert tasker_run(cart)["process_payment"].waits == [timedelta(0)]
