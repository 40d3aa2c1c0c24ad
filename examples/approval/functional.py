"""The same decision as a function: ``@decision_handler`` instead of a ``DecisionHandler`` class."""

from __future__ import annotations

from typing import Any

from handlers import branches_for
from tasker_core import StepContext
from tasker_core.step_handler.functional import Decision, decision_handler, depends_on


@decision_handler("route_approval")
@depends_on(expense="check_expense")
def route_approval(expense: dict[str, Any], context: StepContext) -> Decision:
    if expense["amount"] == 0:
        return Decision.skip("nothing to approve")
    return Decision.route(branches_for(expense["amount"]), amount=expense["amount"])
