"""tasker_http: a respx router for the handlers of a test."""

from __future__ import annotations

HANDLER = """
import pytest, httpx
from tasker_core.step_handler.functional import step_handler

@step_handler("validate")
def validate(context):
    return {"total": 3}

@step_handler("charge")
def charge(context):
    return httpx.post("https://pay.example/charges", json={"amount": 3}).raise_for_status().json()

pytestmark = pytest.mark.tasker(template="orders.yaml", handlers=[validate, charge])
"""


def test_runs_and_single_calls_are_answered(suite):
    """The router answers tasker_run and tasker_call, knows what was asked, and faults strike what it answers."""
    result = suite(
        HANDLER
        + """
def test_run(tasker_http, tasker_run, tasker_faults, tasker_effects):
    route = tasker_http.post("https://pay.example/charges").respond(201, json={"id": "ch_1"})
    tasker_faults.http("POST", "https://pay.example/*", status=503, times=1)
    run = tasker_run({})
    assert (run.state, run["charge"].result, route.call_count) == ("complete", {"id": "ch_1"}, 1)
    assert tasker_http.calls.last.request.url == "https://pay.example/charges"
    assert [effect.name for effect in tasker_effects()] == ["POST https://pay.example/charges"]

def test_call(tasker_http, tasker_call, tasker_context, tasker_effects):
    tasker_http.post("https://pay.example/charges").respond(402)
    outcome = tasker_call(charge, tasker_context("charge", dependencies={"validate": {"total": 3}}))
    assert not outcome.success and "402" in outcome.message
    assert tasker_effects() == []

def test_a_simulation_that_was_made_before(tasker_simulation, tasker_http):
    tasker_http.post("https://pay.example/charges").respond(json={"id": "late"})
    assert tasker_simulation.run({})["charge"].result == {"id": "late"}

@pytest.mark.tasker(routes=[{"url": "https://pay.example/charges", "body": {"id": "data"}}])
def test_data(tasker_run, tasker_http):
    assert tasker_run({})["charge"].result == {"id": "data"}
    assert len(tasker_http.routes) == 1
"""
    )
    result.assert_outcomes(passed=4)


def test_an_unanswered_request_is_seen_in_the_report(suite):
    """A failing test shows the routes and what the request differs in."""
    result = suite(
        HANDLER
        + """
def test_run(tasker_http, tasker_run):
    tasker_http.post("https://pay.example/charge").respond(201)
    assert tasker_run({}).state == "complete"
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*unanswered_request: Nothing answers POST*", "*path: /charges, the route has /charge"]
    )


def test_a_route_that_no_request_met_fails_the_test(suite):
    """Unless the marker allows it, or the test has failed anyway."""
    result = suite(
        HANDLER
        + """
def test_unused(tasker_http, tasker_run):
    tasker_http.post("https://pay.example/charges").respond(201, json={})
    tasker_http.get("https://stock.example/items").respond(200)
    tasker_run({})

@pytest.mark.tasker(unused_routes="allow")
def test_allowed(tasker_http):
    tasker_http.get("https://stock.example/items").respond(200)

@pytest.mark.tasker(unused_routes="perhaps")
def test_unknown(tasker_http):
    pass
"""
    )
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*No request met these routes:",
            "*GET https://stock.example/items",
            "*Drop them, or look at what the handlers ask for: run.requests lists it. "
            'To allow it: @pytest.mark.tasker(unused_routes="allow").',
            "*unused_routes='perhaps' isn't known. Possible:",
        ]
    )


def test_explored_tests_have_requests_to_break(suite):
    """Routes of the marker are there when the tests are made, so that each request's faults are tests."""
    result = suite(
        HANDLER.replace("handlers=[", 'routes=[{"url": "https://pay.example/charges", "body": {}}], handlers=[')
        + """
@pytest.mark.tasker_explore(kinds="http_5", input={})
def test_whatever(tasker_run):
    assert tasker_run({}).state == "complete"

@pytest.mark.tasker_explore(kinds="http_500", input={})
def test_500(tasker_run):
    assert tasker_run({}).state == "complete"
""".replace('kinds="http_5"', 'kinds="http_503"'),
        "-v",
    )
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*test_500?charge-1-http_500.POST_pay.example/charges? PASSED*"])
