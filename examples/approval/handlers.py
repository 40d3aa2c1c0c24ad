"""The step handlers of ``expense_approval.yaml``."""

from __future__ import annotations

import office
from tasker_core import DecisionHandler, ErrorType, StepContext, StepHandler, StepHandlerResult

APPROVED_BY_RULE = 100
"""Up to here nobody is asked."""

ASKS_FINANCE_TOO = 1000
"""From here on the manager's word isn't enough."""

BRANCHES = ("approve_by_rule", "ask_manager", "ask_finance")


def branches_for(amount: float) -> list[str]:
    """Who has to say yes to this amount: the names of the steps to create."""
    if amount <= APPROVED_BY_RULE:
        return ["approve_by_rule"]
    return ["ask_manager"] if amount < ASKS_FINANCE_TOO else ["ask_manager", "ask_finance"]


class CheckExpenseHandler(StepHandler):
    handler_name = "check_expense"

    def call(self, context: StepContext) -> StepHandlerResult:
        if not str(context.get_input("purpose")).strip():
            return StepHandlerResult.failure(
                "An expense needs a purpose", ErrorType.VALIDATION_ERROR, retryable=False, error_code="NO_PURPOSE"
            )
        return StepHandlerResult.success({"amount": round(float(context.get_input("amount")), 2)})


class RouteApprovalHandler(DecisionHandler):
    handler_name = "route_approval"

    def call(self, context: StepContext) -> StepHandlerResult:
        amount = context.get_dependency_result("check_expense")["amount"]
        if amount == 0:
            return self.skip_branches("nothing to approve")
        return self.decision_success(branches_for(amount), routing_context={"amount": amount})


class ApproveByRuleHandler(StepHandler):
    handler_name = "approve_by_rule"

    def call(self, context: StepContext) -> StepHandlerResult:
        return StepHandlerResult.success({"approved": True, "by": "rule"})


def answer_of(approver: office.Approver) -> StepHandlerResult:
    """The approver's answer as a result; without one the template's retry policy says when to ask again."""
    try:
        approved = approver.decide()
    except office.NoAnswerYet as error:
        return StepHandlerResult.failure(str(error), ErrorType.RETRYABLE_ERROR, retryable=True, error_code="NO_ANSWER")
    return StepHandlerResult.success({"approved": approved, "by": approver.name})


class AskManagerHandler(StepHandler):
    handler_name = "ask_manager"

    def call(self, context: StepContext) -> StepHandlerResult:
        return answer_of(office.office.manager)


class AskFinanceHandler(StepHandler):
    handler_name = "ask_finance"

    def call(self, context: StepContext) -> StepHandlerResult:
        return answer_of(office.office.finance)


class BookDecisionHandler(StepHandler):
    handler_name = "book_decision"

    def call(self, context: StepContext) -> StepHandlerResult:
        answers = [context.get_dependency_result(name) for name in BRANCHES]
        given = [answer for answer in answers if answer]  # a branch that wasn't chosen has no result
        approved = all(answer["approved"] for answer in given)
        office.office.ledger[str(context.task_uuid)] = approved
        return StepHandlerResult.success({"approved": approved, "by": [answer["by"] for answer in given]})


class TellEmployeeHandler(StepHandler):
    handler_name = "tell_employee"

    def call(self, context: StepContext) -> StepHandlerResult:
        booked = context.get_dependency_result("book_decision")
        verdict = "approved" if booked["approved"] else "declined"
        mail = f"{context.get_input('employee')}: {context.get_input('purpose')} {verdict} by {', '.join(booked['by'])}"
        office.office.mails.append(mail)
        return StepHandlerResult.success({"mail": mail})
