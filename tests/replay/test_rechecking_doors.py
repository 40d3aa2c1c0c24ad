"""What is given to a check against a history: requests are answered, and what makes no sense is refused."""

from __future__ import annotations

import pytest
from small_orders import ORDER, USUAL, answering, as_production, run_of
from tasker_core import StepHandlerResult

from tasker_testkit import (
    HandlerError,
    HistoryError,
    Simulation,
    check_against,
)

# -- requests ----------------------------------------------------------------------------------------------------------

PAY = "https://pay.example/charges"


def paying(context):
    """Charges over HTTP; the answer's status tells how it went."""
    import httpx

    try:
        answer = httpx.post(PAY, json={"amount": 5})
    except httpx.HTTPError as error:
        return StepHandlerResult.failure(f"{type(error).__name__}: {error}", error_type="network")
    if answer.is_error:
        return StepHandlerResult.failure(f"refused with {answer.status_code}", error_type="refused", retryable=False)
    return {"id": answer.json()["id"]} if answer.content else {"id": None}


@pytest.mark.parametrize(
    "answer", [{"status": 402}, {"status": 503}, {"status": 204}, {"error": "timeout"}, {"error": "refused"}]
)
def test_recorded_answers_are_given_again(answer):
    """A status without a body, or no answer at all, is all in the history."""
    handlers = {**USUAL, "charge": answering(paying)}
    history = run_of(handlers, routes=[{"method": "POST", "url": PAY, **answer}])
    assert check_against(history, handlers, template=ORDER).same


def test_a_body_is_not_in_a_history():
    """Then routes must say it; without them the attempt fails with the message of a request that nothing answers."""
    routes = [{"method": "POST", "url": PAY, "status": 201, "body": {"id": "ch_1"}}]
    handlers = {**USUAL, "charge": answering(paying)}
    history = run_of(handlers, routes=routes)
    assert check_against(history, handlers, template=ORDER, routes=routes).same
    one = check_against(history, handlers, template=ORDER).attempts[1]
    assert one.verdict == "now fails"
    assert one.actual.startswith(f"unanswered_request: Nothing answers POST {PAY}: no route fits.")
    near = [{"method": "PUT", "url": PAY, "status": 201, "body": {"id": "ch_1"}}]
    assert (
        "method: POST, the route has PUT"
        in check_against(history, handlers, template=ORDER, routes=near).attempts[1].actual
    )


def test_lists_of_answers_begin_anew():
    """Each of the two looks at an imported task meets the routes as they were given."""
    handlers = {**USUAL, "charge": answering(paying)}
    answers = [{"status": 201, "body": {"id": "ch_1"}}, {"status": 201, "body": {"id": "ch_2"}}]
    routes = [{"method": "POST", "url": PAY, "answers": answers}]
    history = as_production(run_of(handlers, routes=routes))
    check = check_against(history, handlers, template=ORDER, routes=routes)
    assert (check.same, check.attempts[1].unsteady) == (True, ())


def test_faults_of_requests_strike_again():
    """A planned answer is part of what the handler was given."""
    routes = [{"method": "POST", "url": PAY, "status": 201, "body": {"id": "ch_1"}}]
    fault = {"step": "charge", "http": {"method": "POST", "url": PAY, "status": 503, "times": 1}}
    handlers = {**USUAL, "charge": answering(paying)}
    history = run_of(handlers, routes=routes, faults=[fault])
    assert check_against(history, handlers, template=ORDER, routes=routes).same


def test_routes_that_nobody_meets_are_told():
    """A route that was given and that no request met is named; those of the run itself may be for other attempts."""
    routes = [{"method": "POST", "url": PAY, "status": 402}]
    check = check_against(run_of(), USUAL, template=ORDER, routes=routes)
    assert (check.same, check.notes) == (True, (f"No request met the route POST {PAY}.",))


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_history_without_results(tmp_path):
    """There is nothing to compare with."""
    history = run_of(faults=[{"step": "validate", "attempt": 1, "hang": True}])
    with pytest.raises(HistoryError) as refused:
        check_against(history, USUAL, template=ORDER)
    assert str(refused.value) == (
        "The history holds no result of any attempt, so there is nothing to compare with. Import the task with all its "
        "steps and their audits, or record a run that calls handlers."
    )


def test_what_is_no_history():
    """A run is as good as its history; anything else is refused."""
    assert check_against(Simulation(ORDER, handlers=USUAL).run({}), USUAL, template=ORDER).same
    with pytest.raises(HistoryError) as refused:
        check_against({"format": "?"}, USUAL, template=ORDER)
    assert str(refused.value) == ("{'format': '?'} is no history: give a run, a History or the path of a history file.")


def test_a_template_is_needed():
    """A history that doesn't know its template says which one it is of."""
    with pytest.raises(HistoryError) as refused:
        check_against(run_of(), USUAL)
    assert str(refused.value) == (
        "The history doesn't hold its template, shop/orders 1.0.0. "
        "Give its file: --template FILE (template= in Python)."
    )


def test_another_template():
    """Both are named."""
    with pytest.raises(HistoryError) as refused:
        check_against(run_of(), USUAL, template={**ORDER, "name": "parcels"})
    assert str(refused.value) == (
        "The history is of template shop/orders 1.0.0, and the template is shop/parcels 1.0.0. Give its own template."
    )


def test_a_step_that_the_template_lacks_today():
    """The steps of both are named."""
    with pytest.raises(HistoryError) as refused:
        check_against(run_of(), USUAL, template={**ORDER, "steps": ORDER["steps"][:2]})
    assert str(refused.value) == (
        "The history has steps that the template doesn't have today:\n  confirm\n"
        "Give the template as it was then. The steps of this one:\n  validate\n  charge"
    )


def test_a_newer_version_of_the_template_is_no_other():
    """It is told, since the step's configuration may be another one."""
    check = check_against(run_of(), USUAL, template={**ORDER, "version": "1.1.0"})
    assert check.same
    assert "The run is of version 1.0.0 of its template, and the template is of version 1.1.0 today." in str(check)


def test_a_step_without_a_handler_today():
    """Every such step is named."""
    with pytest.raises(HandlerError, match=r"Step 'charge': no handler for 'charge'"):
        check_against(run_of(), {"validate": USUAL["validate"], "confirm": USUAL["confirm"]}, template=ORDER)


def test_handlers_that_a_file_could_not_hold(tmp_path, monkeypatch):
    """A recording whose handlers have no home needs some to be given."""
    monkeypatch.chdir(tmp_path)
    path = Simulation(ORDER, handlers=USUAL).run({}).save("x.history.json")
    with pytest.raises(HistoryError) as refused:
        check_against(path)
    assert str(refused.value) == (
        "x.history.json couldn't hold these handlers, which no module has under their names:\n"
        "  charge\n  confirm\n  validate\nGive handlers: --handlers MODULE_OR_FILE (handlers= in Python)."
    )
    assert check_against(path, USUAL).same


def test_a_setup_that_raises_is_one_clear_error():
    """As in a simulation: the exception and its line, and no handler is called."""

    def reset():
        raise ValueError("no gateway")

    with pytest.raises(
        HandlerError, match=r"(?s)reset raised ValueError: no gateway\n  .* in reset\n.*nothing was run\.$"
    ):
        check_against(run_of(), USUAL, template=ORDER, setup=reset)
