"""The mock tests that come with a generated handler, beside the tests in this folder, for comparison.

They are changed in one place to run on tasker-py 0.1.8. As generated they say ``assert result.success is True``, and
there ``success`` is the class method that makes a success: that assert always fails, and ``assert result.success``
never does. The field is ``is_success``.

What they can't see: a misspelt input or step name (a mock answers anything), a context that the worker would never
build, a result that isn't JSON, retries, waits, other steps, a crash. See ``test_handlers.py`` and
``test_workflow.py``.
"""

from __future__ import annotations

from unittest.mock import MagicMock

from handlers import CreateOrderHandler, ValidateCartHandler


class TestValidateCartHandler:
    def test_validates_cart_successfully(self):
        """A cart of one item is valid."""
        handler = ValidateCartHandler()
        context = MagicMock()
        context.get_input = MagicMock(
            side_effect=lambda key: (
                [{"sku": "SKU-001", "name": "Widget", "quantity": 2, "unit_price": 29.99}]
                if key in ("items", "cart_items")
                else None
            )
        )
        result = handler.call(context)
        assert result.is_success is True
        assert result.result["total"] > 0
        assert result.result["item_count"] == 1

    def test_rejects_empty_cart(self):
        """No items, no success."""
        handler = ValidateCartHandler()
        context = MagicMock()
        context.get_input = MagicMock(return_value=None)
        result = handler.call(context)
        assert result.is_success is False


class TestCreateOrderHandler:
    def test_creates_order_from_upstream_data(self):
        """An order gets an identifier."""
        handler = CreateOrderHandler()
        context = MagicMock()
        context.get_input = MagicMock(side_effect=lambda key: "test@example.com" if key == "customer_email" else None)
        context.get_dependency_result = MagicMock(
            side_effect=lambda step: {
                "validate_cart": {"total": 64.79, "validated_items": []},
                "process_payment": {"payment_id": "pay_abc", "transaction_id": "txn_xyz"},
                "update_inventory": {"inventory_log_id": "log_123"},
            }.get(step)
        )
        result = handler.call(context)
        assert result.is_success is True
        assert result.result["order_id"].startswith("ORD-")


class TestWhatMocksHide:
    def test_success_of_a_failure_is_truthy(self):
        """``assert result.success`` can't fail: here it holds for a failed result."""
        context = MagicMock()
        context.get_input = MagicMock(return_value=None)
        result = ValidateCartHandler().call(context)
        assert result.is_success is False
        assert result.success
        assert result.success is not True

    def test_a_mock_makes_up_the_order_id(self):
        """The order id of the mock test is made of the mock's own name: no task was there to give it one."""
        context = MagicMock()
        context.get_dependency_result = MagicMock(
            return_value={"total": 1.0, "payment_id": "pay_abc", "inventory_log_id": "log_123"}
        )
        assert CreateOrderHandler().call(context).result["order_id"] == "ORD-<MAGICMO"

    def test_the_same_handler_with_a_real_context(self, tasker_context, tasker_call):
        """With a real context, ``success`` is a field that says what happened."""
        outcome = tasker_call(ValidateCartHandler, tasker_context("validate_cart", input={"items": []}))
        assert outcome.success is False
        assert outcome.error_code == "EMPTY_CART"
