"""The SDK's own API handlers, untouched: what they make of an answer is what they make of it elsewhere."""

from __future__ import annotations

import httpx
import pytest
import respx

from tasker_testkit import call_handler, step_context
from tasker_testkit.worker.sdk import quiet

quiet()

from tasker_core import StepHandler, StepHandlerResult  # noqa: E402
from tasker_core.step_handler.mixins import APIMixin  # noqa: E402

URL = "https://pay.example/charges"
ROUTE = {"method": "POST", "url": URL}


class Charge(APIMixin, StepHandler):
    """An API handler as the SDK's documents show one; it follows redirects."""

    handler_name = "charge"
    base_url = "https://pay.example"
    default_headers = {"X-Team": "shop"}  # noqa: RUF012
    default_timeout = 7.0

    def call(self, context):
        """Charge, and say what came of it."""
        try:
            response = self.post("/charges", json={"amount": 3}, follow_redirects=True)
        except httpx.ConnectError as error:
            return self.connection_error(error, "charging")
        except httpx.TimeoutException as error:
            return self.timeout_error(error)
        return self.api_success(response) if response.ok else self.api_failure(response)


@pytest.fixture(scope="module")
def bare():
    """A handler that is called with respx alone; its client is made once, since that takes long."""
    handler = Charge()
    yield handler
    handler.close()


def loop(request):
    """An answer that leads back to where the client is."""
    return httpx.Response(307, headers={"location": str(request.url)})


BODY = {"error": {"message": "no such card"}}
JSON = {"content-type": "application/json"}
CASES = {
    **{
        str(status): ({"status": status, "body": BODY}, httpx.Response(status, json=BODY)) for status in range(400, 600)
    },
    "200": ({"body": {"id": "ch_1"}}, httpx.Response(200, json={"id": "ch_1"})),
    "retry after": (
        {"status": 429, "headers": {"Retry-After": "7"}},
        httpx.Response(429, headers={"retry-after": "7"}),
    ),
    "retry at": (
        {"status": 503, "headers": {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}},
        httpx.Response(503, headers={"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    ),
    "refused": ({"error": "refused"}, httpx.ConnectError("[Errno 111] Connection refused")),
    "unknown host": ({"error": "unknown_host"}, httpx.ConnectError("[Errno -2] Name or service not known")),
    "reset": ({"error": "reset"}, httpx.ReadError("[Errno 104] Connection reset by peer")),
    "timeout": ({"error": "timeout"}, httpx.ReadTimeout("The read operation timed out")),
    "connect timeout": ({"error": "connect_timeout"}, httpx.ConnectTimeout("timed out")),
    "redirects": ({"error": "redirect_loop"}, loop),
    "malformed": (
        {"error": "malformed"},
        httpx.Response(200, content=b'{"malformed": ', headers=JSON),
    ),
    "text": ({"body": "gone fishing"}, httpx.Response(200, text="gone fishing")),
}


@pytest.mark.parametrize(("route", "mocked"), CASES.values(), ids=CASES)
def test_each_answer_comes_to_the_same_as_outside(bare, route, mocked):
    """Every status from 400 to 599, every way not to answer: result, error type, retry and metadata are the same."""
    context = step_context("charge")
    outcome = call_handler(Charge, context, routes=[{**ROUTE, **route}])
    with respx.mock as router:
        answer = {"return_value": mocked} if isinstance(mocked, httpx.Response) else {"side_effect": mocked}
        router.post(URL).mock(**answer)
        try:
            expected = bare.call(context)
        except httpx.HTTPError as error:
            expected = StepHandlerResult.failure(str(error), type(error).__name__)
    assert outcome.success == expected.is_success
    assert {name: outcome.metadata.get(name) for name in expected.metadata} == {
        name: value for name, value in expected.metadata.items() if name != "retryable"
    }
    if outcome.success:
        assert outcome.result == expected.result
    else:
        said = (expected.error_message, expected.error_type, expected.retryable)
        assert (outcome.message, outcome.error_type, outcome.retryable) == said


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_every_verb_reaches_its_route_with_what_the_mixin_adds(verb, asynchronous):
    """Base URL, default headers and timeout are on the request, in a handler and in an ``async def`` one."""

    def call(self, context):
        response = getattr(self, verb)("/things/1")
        timeout = response.raw_response.request.extensions["timeout"]["read"]
        sent = response.raw_response.request.headers["x-team"]
        return self.success({"body": response.body, "timeout": timeout, "team": sent})

    async def later(self, context):
        return call(self, context)

    handler = type("Any", (Charge,), {"call": later if asynchronous else call})
    route = {"method": verb, "url": "https://pay.example/things/*", "body": {"verb": verb}}
    outcome = call_handler(handler, step_context("any"), routes=[route])
    assert outcome.result == {"body": {"verb": verb}, "timeout": 7.0, "team": "shop"}
