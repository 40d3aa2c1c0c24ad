"""What Tasker 0.1.8 really does to an order.

Each test does the same under both profiles: first what Tasker's documents promise, then what happens. The rows are
those of ``docs/profiles.md``. Many are no bugs of the handlers, but every one is something to know about them.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import gateways
import pytest
from handlers import ProcessPaymentHandler, ValidateCartHandler
from tasker_core import PermanentError

from tasker_testkit import InputError, SubmissionRefused

pytestmark = pytest.mark.tasker(template="../order_processing.yaml", handlers="handlers")

BOTH = ("documented", "tasker-0.1.8")


class BriefOutageHandler(ProcessPaymentHandler):
    """The gateway is down for the first 50 milliseconds of the day."""

    def call(self, context):
        if datetime.now(timezone.utc) < datetime(2026, 1, 1, 0, 0, 0, 50_000, timezone.utc):
            gateways.payments.will_fail()
        return super().call(context)


@pytest.mark.tasker(handlers=["handlers", {"process_payment": BriefOutageHandler}])
@pytest.mark.parametrize(("profile", "state"), [("documented", "complete"), ("tasker-0.1.8", "blocked_by_failures")])
def test_a_brief_outage_uses_up_all_attempts(tasker_run, cart, profile, state):
    """The template says to wait 100 ms. Tasker 0.1.8 tries at once, meets the same outage, and gives up (row 1)."""
    run = tasker_run(cart, profile=profile)
    assert run.state == state
    assert len(run["process_payment"].attempts) == 2


class RaisingPaymentHandler(ProcessPaymentHandler):
    """Says by an exception that another attempt is no use."""

    def call(self, context):
        raise PermanentError("card declined")


@pytest.mark.tasker(handlers=["handlers", {"process_payment": RaisingPaymentHandler}])
@pytest.mark.parametrize(("profile", "attempts"), [("documented", 1), ("tasker-0.1.8", 2)])
def test_a_permanent_error_is_tried_again(tasker_run, cart, profile, attempts):
    """An exception of a class handler is retried, whatever its class: return a failure instead (row 7)."""
    run = tasker_run(cart, profile=profile)
    assert run.state == "blocked_by_failures"
    assert len(run["process_payment"].attempts) == attempts


@pytest.mark.parametrize(("profile", "code"), [("documented", "PAYMENT_DECLINED"), ("tasker-0.1.8", None)])
def test_an_error_code_gets_lost(tasker_run, cart, profile, code):
    """Who looks for ``PAYMENT_DECLINED`` in Tasker's records won't find it; the message is there (row 8)."""
    run = tasker_run({**cart, "payment_info": {"token": "tok_declined"}}, profile=profile)
    (attempt,) = run["process_payment"].attempts
    assert attempt.outcome.error_code == code
    assert attempt.outcome.message == "Payment declined: insufficient funds"


@pytest.mark.parametrize(("profile", "metadata"), [("documented", {"items_validated": 2}), ("tasker-0.1.8", {})])
def test_metadata_of_ones_own_gets_lost(tasker_run, cart, profile, metadata):
    """``items_validated`` is no key that Tasker knows: what others shall read belongs into the result (row 9)."""
    (attempt,) = tasker_run(cart, profile=profile)["validate_cart"].attempts
    assert attempt.outcome.metadata.get("items_validated") == metadata.get("items_validated")
    assert attempt.outcome.result["item_count"] == 2


class ForgetfulHandler(ValidateCartHandler):
    """Forgets to wrap what it returns."""

    def call(self, context):
        return super().call(context).result


@pytest.mark.tasker(handlers=["handlers", {"validate_cart": ForgetfulHandler}])
def test_a_bare_dict_costs_half_a_minute(tasker_run, cart):
    """The worker drops it without a word; its clean-up fails the step half a minute later, and again (row 10)."""
    documented, as_built = (tasker_run(cart, profile=profile)["validate_cart"] for profile in BOTH)
    assert documented.error.startswith("contract_error: ")
    assert (len(documented.attempts), len(as_built.attempts)) == (1, 2)
    assert as_built.error.startswith("ffi_timeout: ")
    first = as_built.attempts[0]
    assert timedelta(seconds=30) <= first.ended_at - first.started_at <= timedelta(seconds=40)


def test_an_order_without_an_address_is_charged(tasker_run, cart):
    """The template requires ``customer_email``. Nobody looks: the card is charged, the mail goes nowhere (row 13)."""
    del cart["customer_email"]
    with pytest.raises(InputError, match="customer_email"):
        tasker_run(cart, profile="documented")
    assert gateways.payments.charges == []
    run = tasker_run(cart, profile="tasker-0.1.8")
    assert run.state == "complete"
    assert len(gateways.payments.charges) == 1
    assert [mail["to"] for mail in gateways.mailer.sent] == [None]


@pytest.mark.parametrize(("profile", "kept"), [("documented", True), ("tasker-0.1.8", False)])
def test_a_key_that_begins_with_on_never_arrives(tasker_run, cart, profile, kept):
    """``on_sale`` looks like a script's ``onclick`` to Tasker 0.1.8, which drops it at any depth (row 14)."""
    cart["items"][0]["on_sale"] = True
    run = tasker_run(cart, profile=profile)
    assert ("on_sale" in run.history.input["items"][0]) is kept


@pytest.mark.parametrize(("profile", "state", "orders"), [("documented", "complete", 1), ("tasker-0.1.8", "error", 0)])
def test_a_crash_after_the_charge_leaves_a_paid_order_behind(tasker_run, tasker_faults, cart, profile, state, orders):
    """Nobody takes over the dead worker's step. In the end the customer has paid and there is no order (row 21)."""
    tasker_faults.crash("process_payment", when="after", attempt=1)
    run = tasker_run(cart, profile=profile)
    assert run.state == state
    assert (len(gateways.payments.charges), len(gateways.orders)) == (1, orders)


@pytest.mark.parametrize(("profile", "state"), [("documented", "complete"), ("tasker-0.1.8", "blocked_by_failures")])
def test_an_operators_reset_gives_no_new_attempts(tasker_simulation, cart, profile, state):
    """The gateway works again and the operator resets the step: its attempts stay used up, it never runs (row 22)."""
    gateways.payments.will_fail(times=2)
    with tasker_simulation.with_profile(profile).start(cart) as task:
        task.run_until(state="blocked_by_failures")
        task["process_payment"].reset_for_retry()
        assert task.finish().state == state


def test_the_same_cart_twice_is_refused(tasker_simulation, cart):
    """Whoever buys the same things again a year later is refused, unless something in the input differs (row 25)."""
    with tasker_simulation.with_profile("documented").start(cart) as task:
        task.submit_again(cart)
    with tasker_simulation.with_profile("tasker-0.1.8").start(cart) as task, pytest.raises(SubmissionRefused):
        task.submit_again(cart)


@pytest.mark.tasker(profile="tasker-0.1.8")
def test_without_faults_an_order_is_an_order(tasker_run, cart):
    """And when nothing goes wrong, nothing is different but the lost metadata."""
    run = tasker_run(cart)
    assert run.state == "complete"
    assert [divergence.row for divergence in run.divergences] == [9]
