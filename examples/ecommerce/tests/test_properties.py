"""What holds for any cart, found out by Hypothesis."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import gateways
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit import Simulation

ORDERS = Simulation(Path(__file__).parents[1] / "order_processing.yaml", handlers="handlers", setup=gateways.reset)

ITEMS = st.fixed_dictionaries(
    {
        "sku": st.sampled_from(["SKU-001", "SKU-002", "SKU-003"]),
        "name": st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20),
        "quantity": st.integers(1, 99),
        "unit_price": st.integers(0, 100_000).map(lambda cents: cents / 100),
    }
)


def cart(items):
    return {"items": items, "customer_email": "ada@example.com", "payment_info": {"token": "tok_visa"}}


@settings(deadline=None)
@given(st.lists(ITEMS, min_size=1, max_size=5))
def test_any_valid_cart_becomes_one_order(items):
    """The task completes, no step runs twice, and the customer is charged once: the sum and 8 %, to the cent."""
    run = ORDERS.run(cart(items))
    assert run.state == "complete"
    assert all(len(step.attempts) == 1 for step in run.steps.values())
    (charge,) = gateways.payments.charges
    exact = sum(item["quantity"] * Decimal(str(item["unit_price"])) for item in items) * Decimal("1.08")
    assert abs(Decimal(str(charge["amount"])) - exact) <= Decimal("0.005001")
    assert run["create_order"].result["total"] == charge["amount"]
