"""A fault in words, and as the call that plans it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from plan_samples import plans

from tasker_testkit import FaultPlan
from tasker_testkit.model.fault_kinds import KINDS, Raised, fault
from tasker_testkit.report.plans import as_calls, in_words

SAID = [
    ("fail", {}, "fails, retryable: handler_error: injected fault", 'fail("charge", attempt=1)'),
    (
        "fail",
        {"error_type": "late", "error_code": "E1", "message": "no", "retryable": False, "retry_after": 7},
        "fails, for good: late (E1): no, to be retried after 7 s",
        'fail("charge", message="no", error_type="late", retryable=False, error_code="E1", retry_after=7, attempt=1)',
    ),
    (
        "raise",
        {"type": "ValueError", "message": "a 'b'"},
        "raises ValueError: a 'b'",
        """raise_("charge", ValueError("a 'b'"), attempt=1)""",
    ),
    ("raise", KeyError, "raises KeyError", 'raise_("charge", KeyError(), attempt=1)'),
    ("delay", "40s", "gives its result 40 s late", 'delay("charge", "40s", attempt=1)'),
    ("hang", True, "never returns", 'hang("charge", attempt=1)'),
    (
        "crash",
        "before",
        "loses its worker before the handler is called",
        'crash("charge", when="before", attempt=1)',
    ),
    (
        "crash",
        "checkpoint",
        "loses its worker at its first checkpoint",
        'crash("charge", when="checkpoint", attempt=1)',
    ),
    (
        "crash",
        "after",
        "loses its worker after the handler returned, before the result is stored",
        'crash("charge", when="after", attempt=1)',
    ),
    ("lose_result", True, "returns, and its result is lost", 'lose_result("charge", attempt=1)'),
    ("duplicate", True, "is delivered twice", 'duplicate("charge", attempt=1)'),
    (
        "corrupt",
        {"path": "items.0", "value": {"a": None}},
        """has {"a": null} stored at 'items.0' of its result""",
        """corrupt("charge", "items.0", {'a': None}, attempt=1)""",
    ),
]


@pytest.mark.parametrize(("kind", "setting", "words", "call"), SAID)
def test_each_kind_has_words_and_a_call(kind, setting, words, call):
    """What the report says of a fault, and what the test to paste calls."""
    one = fault(kind, "charge", 1, setting)
    assert in_words(one) == f"charge: attempt 1 {words}"
    assert as_calls([one], "plan") == [f"plan.{call}"]


def test_requests_and_outages():
    """What befalls requests, of a step or of any; an outage has neither step nor attempt."""
    setting = {"method": "POST", "url": "https://pay.example/charges", "status": 503, "times": 2}
    one = fault("http", "charge", 1, setting)
    assert in_words(one) == "charge: attempt 1 meets POST https://pay.example/charges (call 1, 2): 503"
    assert in_words(replace(one, step="", attempts=None)).startswith("any attempt meets POST https://pay.example/")
    (call,) = as_calls([one], "plan")
    assert call == 'plan.http("POST", "https://pay.example/charges", status=503, times=2, step="charge", attempt=1)'
    away = fault("outage", "", None, {"system": "pay", "start": "10s", "length": "5m"})
    assert in_words(away) == "pay is away from 10 s on, for 5 min"
    assert as_calls([away], "plan") == ['plan.outage("pay", "10s", "300s")']


def test_no_kind_is_left_out():
    """Every kind of fault is in the tables above."""
    assert {kind for kind, *_ in SAID} | {"http", "outage"} == set(KINDS)


@pytest.mark.parametrize(
    ("attempt", "words"),
    [(None, "every attempt"), (2, "attempt 2"), ([1, 2], "each of the attempts 1 and 2")],
)
def test_attempts_in_words(attempt, words):
    """One attempt, several, every one."""
    assert in_words(fault("duplicate", "charge", attempt, True)) == f"charge: {words} is delivered twice"


@given(plans())
def test_the_calls_plan_the_same(plan):
    """Run as Python, the calls make the plan that they were written for."""
    calls = as_calls(plan, "plan")
    assert calls is not None
    made = FaultPlan()
    exec("\n".join(calls), {"plan": made})
    assert made.to_data() == FaultPlan(plan).to_data()


class Declined(Exception):
    """An exception of the user's."""


@pytest.mark.parametrize(
    "setting", [Declined("no"), {"type": "ValueError", "retryable": False}, KeyError("x"), KeyboardInterrupt()]
)
def test_what_no_call_can_say_is_left_to_data(setting):
    """An exception that isn't Python's own, that says more than its text, or less: no calls at all."""
    assert as_calls([fault("hang", "charge", 1, True), fault("raise", "charge", 1, setting)], "plan") is None


def test_the_table_knows_exceptions_by_name():
    """A name that isn't an exception's is no call either."""
    assert as_calls([fault("raise", "charge", 1, {"type": "print"})], "plan") is None
    assert Raised("print").make().__class__.__name__ == "print"
