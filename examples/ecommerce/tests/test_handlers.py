"""Each handler by itself: a real context in, an outcome out."""

from __future__ import annotations

import gateways
import pytest
from handlers import (
    CreateOrderHandler,
    ProcessPaymentHandler,
    SendConfirmationHandler,
    UpdateInventoryHandler,
    ValidateCartHandler,
)

pytestmark = pytest.mark.tasker(template="../order_processing.yaml")

WIDGET = {"sku": "SKU-001", "name": "Widget", "quantity": 2, "unit_price": 29.99}
VALIDATED = {"validated_items": [WIDGET], "total": 64.78}


def test_validate_cart_adds_up(tasker_context, tasker_call):
    """Two widgets at 29.99 and 8 % tax make 64.78."""
    outcome = tasker_call(ValidateCartHandler, tasker_context("validate_cart", input={"items": [WIDGET]}))
    assert outcome.success is True
    assert (outcome.result["subtotal"], outcome.result["tax"], outcome.result["total"]) == (59.98, 4.8, 64.78)


@pytest.mark.parametrize("items", [None, [], {}, "SKU-001"])
def test_validate_cart_rejects_an_empty_cart(tasker_context, tasker_call, items):
    """A cart without a list of items is refused for good."""
    outcome = tasker_call(ValidateCartHandler, tasker_context("validate_cart", input={"items": items}))
    assert outcome.success is False
    assert (outcome.error_code, outcome.error_type, outcome.retryable) == ("EMPTY_CART", "validation_error", False)


@pytest.mark.parametrize("quantity", [0, -1])
def test_validate_cart_rejects_a_quantity_below_one(tasker_context, tasker_call, quantity):
    """The refusal names the item and its quantity."""
    context = tasker_context("validate_cart", input={"items": [{**WIDGET, "quantity": quantity}]})
    outcome = tasker_call(ValidateCartHandler, context)
    assert outcome.error_code == "INVALID_QUANTITY"
    assert outcome.message == f"Item 'SKU-001' has invalid quantity: {quantity}"


def test_process_payment_charges_the_total(tasker_context, tasker_call):
    """What the cart came to is what the gateway is asked for."""
    context = tasker_context(
        "process_payment",
        input={"payment_info": {"token": "tok_visa"}},
        dependencies={"validate_cart": VALIDATED},
    )
    outcome = tasker_call(ProcessPaymentHandler, context)
    assert outcome.result == {"payment_id": "pay_1", "amount_charged": 64.78}


@pytest.mark.parametrize("payment_info", [None, {}, {"token": ""}])
def test_process_payment_needs_a_token(tasker_context, tasker_call, payment_info):
    """Without a card token the payment is refused and nothing is charged."""
    context = tasker_context(
        "process_payment", input={"payment_info": payment_info}, dependencies={"validate_cart": VALIDATED}
    )
    assert tasker_call(ProcessPaymentHandler, context).error_code == "MISSING_PAYMENT_INFO"
    assert gateways.payments.charges == []


def test_process_payment_gives_up_on_a_declined_card(tasker_context, tasker_call):
    """A declined card is permanent: no retry."""
    context = tasker_context(
        "process_payment",
        input={"payment_info": {"token": "tok_declined"}},
        dependencies={"validate_cart": VALIDATED},
    )
    outcome = tasker_call(ProcessPaymentHandler, context)
    assert (outcome.error_code, outcome.retryable) == ("PAYMENT_DECLINED", False)
    assert outcome.message == "Payment declined: insufficient funds"


def test_process_payment_asks_for_a_retry_when_the_gateway_is_down(tasker_context, tasker_call):
    """A gateway that doesn't answer is worth another attempt."""
    gateways.payments.will_fail()
    context = tasker_context(
        "process_payment",
        input={"payment_info": {"token": "tok_visa"}},
        dependencies={"validate_cart": VALIDATED},
    )
    outcome = tasker_call(ProcessPaymentHandler, context)
    assert (outcome.error_code, outcome.retryable) == ("GATEWAY_ERROR", True)


def test_update_inventory_reserves_each_item(tasker_context, tasker_call):
    """Lines of the same item are added up."""
    dependencies = {
        "validate_cart": {"validated_items": [WIDGET, {**WIDGET, "quantity": 3}]},
        "process_payment": {"payment_id": "pay_1"},
    }
    outcome = tasker_call(UpdateInventoryHandler, tasker_context("update_inventory", dependencies=dependencies))
    assert outcome.result["reserved"] == {"SKU-001": 5}


def test_update_inventory_refuses_what_is_not_there(tasker_context, tasker_call):
    """Too little stock is permanent, and nothing is reserved."""
    gateways.warehouse.stock["SKU-001"] = 1
    dependencies = {"validate_cart": VALIDATED, "process_payment": {"payment_id": "pay_1"}}
    outcome = tasker_call(UpdateInventoryHandler, tasker_context("update_inventory", dependencies=dependencies))
    assert (outcome.error_code, outcome.retryable) == ("OUT_OF_STOCK", False)
    assert gateways.warehouse.reservations == {}


def test_create_order_joins_what_came_before(tasker_context, tasker_call):
    """The order carries the total, the payment and the reservation of its ancestors."""
    context = tasker_context(
        "create_order",
        input={"customer_email": "ada@example.com"},
        dependencies={
            "validate_cart": {"total": 64.78},
            "process_payment": {"payment_id": "pay_abc"},
            "update_inventory": {"inventory_log_id": "log_123"},
        },
    )
    order = tasker_call(CreateOrderHandler, context).result
    assert order["order_id"].startswith("ORD-")
    assert (order["total"], order["payment_id"], order["inventory_log_id"]) == (64.78, "pay_abc", "log_123")


def test_send_confirmation_asks_for_a_retry_when_mail_is_down(tasker_context, tasker_call):
    """A mail server that refuses is worth another attempt."""
    gateways.mailer.down = True
    context = tasker_context(
        "send_confirmation",
        input={"customer_email": "ada@example.com"},
        dependencies={"create_order": {"order_id": "ORD-1", "total": 64.78}},
    )
    outcome = tasker_call(SendConfirmationHandler, context)
    assert (outcome.error_code, outcome.retryable) == ("MAIL_ERROR", True)
