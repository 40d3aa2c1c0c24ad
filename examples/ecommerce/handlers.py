"""The five step handlers of ``order_processing.yaml``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import gateways
from tasker_core import ErrorType, StepContext, StepHandler, StepHandlerResult


def rejected(message: str, error_code: str) -> StepHandlerResult:
    """The input is wrong; another attempt would find it as wrong."""
    return StepHandlerResult.failure(
        message=message, error_type=ErrorType.VALIDATION_ERROR, retryable=False, error_code=error_code
    )


def refused(message: str, error_code: str) -> StepHandlerResult:
    """The business says no, for good."""
    return StepHandlerResult.failure(
        message=message, error_type=ErrorType.PERMANENT_ERROR, retryable=False, error_code=error_code
    )


def unavailable(message: str, error_code: str) -> StepHandlerResult:
    """It may work the next time."""
    return StepHandlerResult.failure(
        message=message, error_type=ErrorType.RETRYABLE_ERROR, retryable=True, error_code=error_code
    )


class ValidateCartHandler(StepHandler):
    handler_name = "validate_cart"
    handler_version = "1.0.0"

    TAX_RATE = 0.08

    def call(self, context: StepContext) -> StepHandlerResult:
        cart_items = context.get_input("items") or context.get_input("cart_items")

        if not cart_items or not isinstance(cart_items, list):
            return StepHandlerResult.failure(
                message="Cart is empty or items field is missing",
                error_type=ErrorType.VALIDATION_ERROR,
                retryable=False,
                error_code="EMPTY_CART",
            )

        validated_items: list[dict[str, Any]] = []
        subtotal = 0.0

        for item in cart_items:
            sku = item.get("sku")
            quantity = item.get("quantity", 0)
            unit_price = item.get("unit_price", 0.0)

            if quantity < 1:
                return StepHandlerResult.failure(
                    message=f"Item '{sku}' has invalid quantity: {quantity}",
                    error_type=ErrorType.VALIDATION_ERROR,
                    retryable=False,
                    error_code="INVALID_QUANTITY",
                )

            line_total = round(quantity * unit_price, 2)
            subtotal += line_total
            validated_items.append(
                {
                    "sku": sku,
                    "name": item.get("name"),
                    "quantity": quantity,
                    "unit_price": unit_price,
                    "line_total": line_total,
                }
            )

        tax = round(subtotal * self.TAX_RATE, 2)
        total = round(subtotal + tax, 2)

        return StepHandlerResult.success(
            result={
                "validated_items": validated_items,
                "item_count": len(validated_items),
                "subtotal": subtotal,
                "tax": tax,
                "total": total,
                "validated_at": datetime.now(timezone.utc).isoformat(),
            },
            metadata={"items_validated": len(validated_items)},
        )


class ProcessPaymentHandler(StepHandler):
    handler_name = "process_payment"
    handler_version = "1.0.0"

    def call(self, context: StepContext) -> StepHandlerResult:
        token = (context.get_input("payment_info") or {}).get("token")
        if not token:
            return rejected("payment_info has no token", "MISSING_PAYMENT_INFO")
        cart = context.get_dependency_result("validate_cart")
        try:
            charge = gateways.payments.charge(token, cart["total"], key=self.charge_key(context))
        except gateways.CardDeclined as error:
            return refused(f"Payment declined: {error}", "PAYMENT_DECLINED")
        except gateways.Unavailable as error:
            return unavailable(f"Payment gateway: {error}", "GATEWAY_ERROR")
        return StepHandlerResult.success({"payment_id": charge["payment_id"], "amount_charged": charge["amount"]})

    def charge_key(self, context: StepContext) -> str | None:
        """One key for all attempts of a task: whatever happens to an attempt, the customer pays once."""
        return str(context.task_uuid)


class UpdateInventoryHandler(StepHandler):
    handler_name = "update_inventory"
    handler_version = "1.0.0"

    def call(self, context: StepContext) -> StepHandlerResult:
        quantities: dict[str, int] = {}
        for item in context.get_dependency_result("validate_cart")["validated_items"]:
            quantities[item["sku"]] = quantities.get(item["sku"], 0) + item["quantity"]
        try:
            log_id = gateways.warehouse.reserve(str(context.task_uuid), quantities)
        except gateways.OutOfStock as error:
            return refused(str(error), "OUT_OF_STOCK")
        return StepHandlerResult.success({"inventory_log_id": log_id, "reserved": quantities})


class CreateOrderHandler(StepHandler):
    handler_name = "create_order"
    handler_version = "1.0.0"

    def call(self, context: StepContext) -> StepHandlerResult:
        cart = context.get_dependency_result("validate_cart")
        payment = context.get_dependency_result("process_payment")
        inventory = context.get_dependency_result("update_inventory")
        if not (cart and payment and inventory):
            return rejected("An upstream result is missing", "MISSING_DEPENDENCY")
        order = {
            "order_id": f"ORD-{str(context.task_uuid)[:8].upper()}",
            "customer_email": context.get_input("customer_email"),
            "total": cart["total"],
            "payment_id": payment["payment_id"],
            "inventory_log_id": inventory["inventory_log_id"],
            "created_at": datetime.now(timezone.utc).isoformat(),
        }
        gateways.orders[order["order_id"]] = order
        return StepHandlerResult.success(order)


class SendConfirmationHandler(StepHandler):
    handler_name = "send_confirmation"
    handler_version = "1.0.0"

    def call(self, context: StepContext) -> StepHandlerResult:
        order = context.get_dependency_result("create_order")
        email = context.get_input("customer_email")
        try:
            message_id = gateways.mailer.send(email, f"Your order {order['order_id']} over {order['total']:.2f}")
        except gateways.Unavailable as error:
            return unavailable(f"Mail: {error}", "MAIL_ERROR")
        return StepHandlerResult.success({"email_sent": True, "recipient": email, "message_id": message_id})
