"""The step handlers of ``parcel_shipping.yaml``, as functions. They publish nothing themselves: the template does."""

from __future__ import annotations

from typing import Any

from carrier import NoTruck, TooHeavy, carrier, scale
from tasker_core import PermanentError, RetryableError, StepContext
from tasker_core.step_handler.functional import depends_on, inputs, step_handler


@step_handler("pack")
@inputs("order_id", "items")
def pack(order_id: str, items: list[str], context: StepContext) -> dict[str, Any]:
    return {"parcel_id": f"PARCEL-{order_id}", "weight_g": scale.weigh(len(items))}


@step_handler("hand_over")
@depends_on(parcel="pack")
def hand_over(parcel: dict[str, Any], context: StepContext) -> dict[str, Any]:
    weight = parcel["weight_g"] or 1000  # the scale was broken: take a guess
    try:
        carrier.fetch(parcel["parcel_id"], weight)
    except NoTruck as error:
        raise RetryableError(str(error)) from error
    except TooHeavy as error:
        raise PermanentError(str(error)) from error
    return {"parcel_id": parcel["parcel_id"], "weight_g": weight}
