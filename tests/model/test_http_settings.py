"""Faults of requests as data: read, checked, written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import FaultError, FaultPlan
from tasker_testkit.model.http_faults import BREAKAGES

URL = "https://pay.example/charges"
NAMES = "\n  ".join(BREAKAGES)

TEXTS = st.text("aB9-é", min_size=1, max_size=4)
JSON = st.recursive(st.none() | st.integers(-9, 9) | TEXTS, lambda inner: st.lists(inner, max_size=2), max_leaves=3)
ANSWERS = st.fixed_dictionaries(
    {"status": st.integers(200, 599)}, optional={"headers": st.dictionaries(TEXTS, TEXTS), "body": JSON}
)
BROKEN = st.sampled_from(list(BREAKAGES)).flatmap(
    lambda name: st.fixed_dictionaries(
        {"error": st.just(name)}, optional={"when": st.sampled_from(BREAKAGES[name].moments)}
    )
)
LATE = st.fixed_dictionaries({"delay": st.integers(1, 9).map(lambda n: f"{n}s")})
WHICH = st.fixed_dictionaries({}, optional={"times": st.integers(1, 4)}) | st.fixed_dictionaries(
    {}, optional={"call": st.integers(1, 4) | st.lists(st.integers(1, 9), min_size=1, max_size=3)}
)


@given(
    st.fixed_dictionaries({"url": st.sampled_from([URL, "*"])}, optional={"method": st.sampled_from(["post", "GET"])}),
    ANSWERS | BROKEN | LATE,
    WHICH,
    st.fixed_dictionaries({}, optional={"step": st.just("pay"), "attempt": st.integers(1, 3)}),
)
def test_what_is_written_reads_back(place, what, which, aim):
    """Every fault of requests has data that makes an equal one, and the data of that is the same again."""
    plan = FaultPlan.from_data([{**aim, "http": {**place, **what, **which}}])
    data = plan.to_data()
    assert FaultPlan.from_data(data) == plan
    assert FaultPlan.from_data(data).to_data() == data
    assert hash(next(iter(plan))) == hash(next(iter(FaultPlan.from_data(data))))


def test_methods_and_data_are_the_same():
    """FaultPlan's methods build what the data says, and they chain."""
    plan = (
        FaultPlan()
        .http("POST", URL, status=503, times=2, headers={"Retry-After": "7"})
        .http(None, "*", error="timeout", when="after", call=3, step="pay", attempt=1)
        .http("GET", URL, delay="40s", call=[1, 3])
        .outage("payments", "10s", "5m")
    )
    assert plan.to_data() == [
        {"http": {"method": "POST", "url": URL, "status": 503, "times": 2, "headers": {"Retry-After": "7"}}},
        {"step": "pay", "attempt": 1, "http": {"url": "*", "error": "timeout", "call": 3, "when": "after"}},
        {"http": {"method": "GET", "url": URL, "delay": "40s", "call": [1, 3]}},
        {"outage": {"system": "payments", "start": "10s", "length": "300s"}},
    ]


BAD = {
    "no url": ({"http": {"status": 503}}, "'http' names no url. Add the address: https://pay.example/charges, or"),
    "nothing happens": (
        {"http": {"url": URL}},
        f"'http' of {URL} doesn't say what happens. Give one of these:\n  status: 503\n  error: refused\n",
    ),
    "half an address": (
        {"http": {"url": "/charges", "status": 503}},
        "'/charges' is half an address. Give all of it, as",
    ),
    "unknown key": (
        {"http": {"url": URL, "stauts": 1}},
        "Unknown key 'stauts' of 'http'. Did you mean 'status'? Known",
    ),
    "status": (
        {"http": {"url": URL, "status": 99}},
        "'status' of 'http' must be a whole number from 200 to 599, not 99.",
    ),
    "error": (
        {"http": {"url": URL, "error": "timout"}},
        f"'error' of 'http' must be the name of an error, not 'timout'. Did you mean 'timeout'? Possible:\n  {NAMES}",
    ),
    "error of a list": ({"http": {"url": URL, "error": []}}, "'error' of 'http' must be the name of an error, not []."),
    "both": (
        {"http": {"url": URL, "error": "reset", "status": 500}},
        "'status' (another answer) and 'error' (none) excl",
    ),
    "times and call": (
        {"http": {"url": URL, "status": 500, "times": 1, "call": 2}},
        "'times' (the first so many calls)",
    ),
    "call 0": (
        {"http": {"url": URL, "status": 500, "call": 0}},
        "'call' of 'http' must be the number of a call, from 1",
    ),
    "body of nothing": (
        {"http": {"url": URL, "delay": 1, "body": 1}},
        "'headers' and 'body' belong to an answer. Add its",
    ),
    "acted after": (
        {"http": {"url": URL, "error": "refused", "when": "after"}},
        "'when: after' can't be: error 'refused' is always before the server acted.",
    ),
    "acted before": (
        {"http": {"url": URL, "delay": "1s", "when": "before"}},
        "'when: before' can't be: an answer that is only late is always after the server acted.",
    ),
    "a body that isn't JSON": (
        {"http": {"url": URL, "status": 200, "body": object()}},
        "'body' of 'http' must be plain JSO",
    ),
    "a delay": (
        {"http": {"url": URL, "delay": "soon"}},
        "'delay' of 'http' must be a duration such as 250ms, 40s or 5m",
    ),
    "a text": ({"http": URL}, f"'http' takes a mapping, not '{URL}'."),
    "an outage without an end": (
        {"outage": {"system": "payments", "start": 0}},
        "'outage' lacks length. Write {system: payments, start: 10s, length: 5m}; start counts from the submission.",
    ),
    "an outage of no length": (
        {"outage": {"system": "p", "start": 0, "length": 0}},
        "'length' of 'outage' is 0: nobody",
    ),
    "an outage of a step": (
        {"step": "pay", "outage": {"system": "p", "start": 0, "length": 1}},
        "An outage strikes whoever calls the system: it has neither step nor attempt.",
    ),
}


@pytest.mark.parametrize(("data", "said"), BAD.values(), ids=BAD)
def test_what_makes_no_sense_says_why(data, said):
    """One sentence, with the candidates, and the number of the fault."""
    with pytest.raises(FaultError) as refused:
        FaultPlan.from_data([data])
    assert f"Fault 1: {said}" in str(refused.value)
