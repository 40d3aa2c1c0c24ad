"""The explorer derives faults of requests from those that really happen, and finds the double charge."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import FaultPlan, Simulation, at_most_once, explore, no_effect_twice
from tasker_testkit.explore.http_kinds import SETTINGS, weaker_requests
from tasker_testkit.explore.space import kind_of, label, title
from tasker_testkit.model.fault_kinds import fault, fault_from_data

URL = "https://pay.example/charges"
ROUTES = [{"url": URL, "method": "POST", "status": 201, "body": {"id": "ch_1"}}, {"url": "https://stock.example/*"}]
TEMPLATE = {
    "name": "order",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [{"name": "pay", "handler": {"callable": "pay"}, "retry": {"max_attempts": 3}}],
}


def pay(context):
    """Look, look again, and charge."""
    for item in (1, 2):
        httpx.get("https://stock.example/items", params={"n": item}).raise_for_status()
    return httpx.post(URL, json={"amount": 3}).raise_for_status().json()


def pay_once(context):
    """Charge with a key that is the same in every attempt."""
    return httpx.post(URL, headers={"Idempotency-Key": str(context.task_uuid)}).raise_for_status().json()


def shop(function=pay):
    """The workflow."""
    return Simulation(TEMPLATE, stubs={"pay": function}, routes=ROUTES)


def test_each_request_has_each_kind():
    """Every kind of the table for every request of the attempt, in its order, and each fires."""
    exploration = explore(shop(), kinds="http")
    ids = [title(tuple(plan)) for plan in exploration.plans]
    asked = [".GET_stock.example/items?n=1", ".GET_stock.example/items?n=2", ".POST_pay.example/charges"]
    assert ids == ["no_fault", *(f"pay-1-{kind}{place}" for kind in SETTINGS for place in asked)]
    assert exploration.failures == ()
    assert all(len(run["pay"].attempts) == 2 for run in exploration.runs[1:])


def test_a_server_that_asks_for_time_gets_it():
    """429 with Retry-After waits as long as it says, if the handler passes that on; 429 without it backs off."""

    def polite(context):
        response = httpx.post(URL)
        if response.status_code == 429:
            from tasker_core.errors import RetryableError

            raise RetryableError("later", retry_after=int(response.headers.get("retry-after", 0)))
        return response.json()

    exploration = explore(shop(polite), kinds="http_429")
    assert [[wait.total_seconds() for wait in run["pay"].waits] for run in exploration.runs] == [[], [1.0], [2.0]]


def test_the_double_charge_is_found_and_small():
    """A timeout after the server acted charges twice; the finding is that one fault, and the key repairs it."""
    (finding,) = explore(shop(), kinds="http", check=no_effect_twice).failures
    assert [kind_of(one) for one in finding.plan] == ["http_timeout_after"]
    text = str(finding)
    assert "pay: attempt 1 meets POST https://pay.example/charges (call 1): timeout, after the server acted" in text
    assert 'tasker_faults.http("POST", "https://pay.example/charges", error="timeout", times=1' in text
    assert "    routes=[\n" in text
    assert explore(shop(pay_once), kinds="http", check=[no_effect_twice, at_most_once()]).failures == ()


def test_retries_that_exist_because_of_a_fault_have_requests_of_their_own():
    """Two faults: the second one strikes a request of the second attempt."""
    plans = [tuple(plan) for plan in explore(shop(pay_once), kinds="http_503", depth=2).plans]
    assert [title(plan) for plan in plans][-1] == (
        "pay-1-http_503.POST_pay.example/charges+pay-2-http_503.POST_pay.example/charges"
    )


def test_processes_find_the_same():
    """Routes travel to other processes as data."""
    simulation = shop(pay)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        there = explore(simulation, kinds="http", check=no_effect_twice, executor=executor)
    assert there.to_data() == explore(simulation, kinds="http", check=no_effect_twice).to_data()


def test_the_teams_own_mocks_are_explored_too():
    """Whoever answers, each request that really happens has its faults; the double charge is found there as well."""
    with respx.mock as router:
        router.post(URL).respond(201, json={"id": "ch_1"})
        router.get(host="stock.example").respond(json=[])
        simulation = Simulation(TEMPLATE, stubs={"pay": pay})
        found = explore(simulation, kinds="http", check=no_effect_twice)
    assert len(found.plans) == 1 + 3 * len(SETTINGS)
    assert [kind_of(one) for failure in found.failures for one in failure.plan] == ["http_timeout_after"]


def test_the_same_request_again_has_a_number():
    """Of two equal requests each has its faults."""

    def twice(context):
        return {"all": [httpx.post(URL).raise_for_status().status_code for _ in range(2)]}

    plans = explore(shop(twice), kinds="http_500").plans
    assert [label(one) for plan in plans for one in plan] == [
        "pay-1-http_500.POST_pay.example/charges",
        "pay-1-http_500.POST_pay.example/charges#2",
    ]


def test_handlers_without_requests_have_no_such_faults():
    """The kinds can't happen where nobody asks."""
    exploration = explore(Simulation(TEMPLATE, stubs={"pay": {}}), kinds="http")
    assert len(exploration.plans) == 1


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ({"status": 418}, "http_418"),
        ({"status": 503, "headers": {"retry-after": "1"}}, "http_503_retry_after"),
        ({"error": "reset"}, "http_reset_before"),
        ({"error": "truncated"}, "http_truncated_after"),
        ({"delay": "1s"}, "http_late"),
    ],
)
def test_planned_faults_have_names_of_the_same_form(wire, kind):
    """Whoever planned them, tests' ids and tables can tell them."""
    assert kind_of(fault("http", "pay", 1, {"url": URL, **wire})) == kind


WIRES = st.fixed_dictionaries(
    {"url": st.just(URL)},
    optional={
        "status": st.sampled_from([429, 503]),
        "call": st.lists(st.integers(1, 9), min_size=1, max_size=3),
        "delay": st.integers(1, 5_000).map(lambda n: f"{n}ms"),
    },
).filter(lambda wire: {"status", "delay"} & wire.keys())
OUTAGES = st.builds(
    lambda start, length: {"system": URL, "start": f"{start}ms", "length": f"{length}ms"},
    st.integers(0, 9_000),
    st.integers(1, 9_000),
)


@given(
    st.builds(lambda w: fault("http", "pay", 1, w), WIRES) | st.builds(lambda o: fault("outage", "", None, o), OUTAGES)
)
def test_simplifying_ends_and_stays_a_fault(one):
    """Every simplification is another fault that can be written and read, and there is no way round in a circle."""
    seen, now = {one}, [one]
    while now:
        found = [weaker for each in now for weaker in weaker_requests(each)]
        assert all(fault_from_data(weaker.to_data()) == weaker for weaker in found)
        now = list(set(found) - seen)
        assert not {one} & set(found)
        seen |= set(now)


def test_a_plan_with_requests_travels_in_a_token():
    """A run with such faults has a token, and the same plan in it."""
    from tasker_testkit.explore.tokens import read_token

    plan = FaultPlan().http("POST", URL, status=503, times=1).outage("https://pay.example", "1s", "1ms")
    run = shop(pay_once).with_plan(plan, strict=False).run({})
    assert FaultPlan(read_token(run.token).faults) == plan
