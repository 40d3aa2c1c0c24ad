"""The decision by itself, as a class and as a function: which branches it asks Tasker to create."""

from __future__ import annotations

import pytest
from functional import route_approval
from handlers import RouteApprovalHandler

FORMS = pytest.mark.parametrize("handler", [RouteApprovalHandler, route_approval], ids=["class", "function"])


@FORMS
@pytest.mark.parametrize(
    ("amount", "branches"),
    [
        (99.99, ["approve_by_rule"]),
        (100, ["approve_by_rule"]),
        (100.01, ["ask_manager"]),
        (999.99, ["ask_manager"]),
        (1000, ["ask_manager", "ask_finance"]),
    ],
)
def test_the_amount_decides_who_is_asked(tasker_context, tasker_call, handler, amount, branches):
    """Up to 100 nobody, below 1000 the manager, from there on finance too; the routing context says why."""
    context = tasker_context("route_approval", dependencies={"check_expense": {"amount": amount}})
    outcome = tasker_call(handler, context)
    assert outcome.result["decision_point_outcome"] == {"type": "create_steps", "step_names": branches}
    assert outcome.result["routing_context"] == {"amount": amount}


@FORMS
def test_nothing_to_approve_creates_nothing(tasker_context, tasker_call, handler):
    """An expense of nothing needs no branch, and that is a success with a reason."""
    context = tasker_context("route_approval", dependencies={"check_expense": {"amount": 0}})
    outcome = tasker_call(handler, context)
    assert outcome.success is True
    assert outcome.result["decision_point_outcome"] == {"type": "no_branches"}
    assert outcome.result["reason"] == "nothing to approve"
