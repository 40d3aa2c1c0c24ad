"""HTTP requests inside a run: answered by routes, struck by faults, in virtual time, written down, never sent."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx
from tasker_core import StepHandler

from tasker_testkit import FaultError, RouteError, Simulation, UnansweredRequest, at_most_once, no_effect_twice
from tasker_testkit.model.placeholders import text_placeholder

START = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://pay.example/charges"
ROUTE = {"method": "POST", "url": URL, "status": 201, "body": {"id": "ch_1"}}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Nothing here may open a connection, not even to this machine."""
    real = socket.socket.connect

    def connect(self, address):
        assert self.family == socket.AF_UNIX, f"a connection to {address}"
        return real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


def charge(context, **extra):
    """What a handler does: charge the card, with httpx alone."""
    response = httpx.post(URL, json={"amount": 3}, **extra)
    response.raise_for_status()
    return response.json()


@pytest.fixture
def shop(workflow, handler):
    """``shop(function=charge, **fields)``: a workflow of one step with that handler and the route for it."""

    def shop(function=charge, **fields):
        return Simulation(workflow("charge"), handlers={"charge": handler(function)}, **{"routes": [ROUTE], **fields})

    return shop


def test_a_route_answers(shop):
    """The handler gets what the route says, and the request is written down with its attempt."""
    run = shop().run({})
    assert run["charge"].result == {"id": "ch_1"}
    (request,) = run.requests
    assert run["charge"].attempts[0].requests == (request,)
    assert (request.method, request.url, request.status, request.error) == ("POST", URL, 201, None)
    assert (request.at, request.took) == (START, timedelta(0))


def test_secrets_are_not_written_down(shop):
    """The history has placeholders for credentials in headers and bodies, and a star in an address."""

    def ask(context):
        httpx.post(
            "https://me:hunter2@pay.example/charges?api_key=hunter2&page=1",
            headers={"Authorization": "Bearer hunter2", "X-Team": "shop"},
            json={"amount": 3, "card": {"token": "hunter2"}},
        )

    run = shop(ask, routes=[{"url": "https://pay.example"}]).run({})
    assert "hunter2" not in run.history.to_json()
    (request,) = run.requests
    assert request.url == "https://pay.example/charges?api_key=*&page=1"
    basic = text_placeholder(f"Basic {b64encode(b'me:hunter2').decode()}")  # the address's counts
    assert request.headers == {"authorization": basic, "content-type": "application/json", "x-team": "shop"}
    (effect,) = run.effects
    assert effect.data == {"body": {"amount": 3, "card": {"token": text_placeholder("hunter2")}}}


@pytest.mark.parametrize(
    ("ask", "effects"),
    [
        (lambda: httpx.get(URL), []),
        (lambda: httpx.head(URL), []),
        (lambda: httpx.options(URL), []),
        (
            lambda: httpx.post(URL, headers={"Idempotency-Key": "order-1"}),
            [("POST https://pay.example/charges", "order-1")],
        ),
        (lambda: httpx.delete(f"{URL}/1?force=1"), [("DELETE https://pay.example/charges/1", None)]),
        (lambda: httpx.put("https://pay.example/refused"), []),
    ],
    ids=["get", "head", "options", "post", "delete", "refused"],
)
def test_what_changes_the_other_side_is_an_effect(shop, ask, effects):
    """Every request that isn't only a question and that the other side accepts, with its idempotency key."""
    routes = [{"url": "https://pay.example/refused", "status": 409}, {"url": "https://pay.example/*"}]
    run = shop(lambda context: {"status": ask().status_code}, routes=routes).run({})
    assert [(effect.name, effect.key) for effect in run.effects] == effects


@pytest.mark.parametrize("keyed", [True, False])
def test_an_idempotency_key_saves_a_second_charge(shop, keyed):
    """After a timeout that hid a charge, a retry charges again, unless it comes with the key that the server knows."""
    headers = {"Idempotency-Key": "order-1"} if keyed else {}
    faults = [{"http": {"method": "POST", "url": URL, "error": "timeout", "when": "after", "times": 1}}]
    run = shop(lambda context: charge(context, headers=headers), faults=faults).run({})
    assert (run.state, len(run.requests)) == ("complete", 2)
    assert len(run.effects) == (1 if keyed else 2)
    if keyed:
        run.check(no_effect_twice, at_most_once())
    else:
        with pytest.raises(AssertionError, match="no_effect_twice"):
            run.check(no_effect_twice)


@pytest.mark.parametrize(("when", "charged"), [("before", [2]), ("after", [1, 2])])
@pytest.mark.parametrize("what", [{"error": "timeout"}, {"error": "reset"}, {"error": "disconnected"}, {"status": 500}])
def test_it_matters_whether_the_server_had_acted(shop, what, when, charged):
    """The same failure leaves the effect in the books, or doesn't."""
    run = shop(faults=[{"http": {"method": "POST", "url": URL, "call": 1, "when": when, **what}}]).run({})
    assert [effect.attempt for effect in run.effects] == charged
    assert [attempt["http"]["url"] for attempt in run["charge"].attempts[0].faults] == [URL]
    assert run["charge"].attempts[1].faults == ()


ERRORS = {
    "refused": "ConnectError: [Errno 111] Connection refused",
    "unknown_host": "ConnectError: [Errno -2] Name or service not known",
    "connect_timeout": "ConnectTimeout: timed out",
    "timeout": "ReadTimeout: The read operation timed out",
    "reset": "ReadError: [Errno 104] Connection reset by peer",
    "disconnected": "RemoteProtocolError: Server disconnected without sending a response.",
    "truncated": "RemoteProtocolError: peer closed connection without sending complete message body "
    "(received 6 bytes, expected 13)",
    "malformed": "JSONDecodeError: Expecting value: line 1 column 15 (char 14)",
    "redirect_loop": "TooManyRedirects: Exceeded maximum allowed redirects.",
}


@pytest.mark.parametrize(("error", "said"), ERRORS.items(), ids=ERRORS)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_every_error_is_what_httpx_makes_of_it(shop, workflow, handler, error, said, asynchronous):
    """A client sees the same exception, whether it waits for the answer or its event loop does."""

    async def later(context):
        async with httpx.AsyncClient(follow_redirects=True) as client:
            return (await client.post(URL)).json()

    asked = (
        (lambda context: asyncio.run(later(context)))
        if asynchronous
        else (lambda context: charge(context, follow_redirects=True))
    )
    run = shop(asked, faults=[{"http": {"method": "POST", "url": URL, "error": error}}]).run({})
    assert run["charge"].error == said
    assert len(run.requests) == (63 if error == "redirect_loop" else 3)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("delay", "timeout", "took", "arrives"),
    [
        ("3s", 5.0, 3, True),
        ("5s", 5.0, 5, True),
        ("6s", 5.0, 5, False),
        ("1h", None, 3_600, True),
        ("2s", 0.5, 0.5, False),
    ],
)
def test_a_slow_answer_takes_virtual_time_up_to_the_clients_timeout(shop, delay, timeout, took, arrives, asynchronous):
    """An answer in time is late; one behind the client's read timeout is a ReadTimeout at that very instant."""
    seen = []

    async def later():
        async with httpx.AsyncClient(timeout=timeout) as client:
            return await client.post(URL)

    def ask(context):
        began = time.monotonic()
        try:
            response = asyncio.run(later()) if asynchronous else httpx.post(URL, timeout=timeout)
            return response.json()
        finally:
            seen.append(round(time.monotonic() - began, 6))

    faults = [{"http": {"method": "POST", "url": URL, "delay": delay, "times": 1}}]
    run = shop(ask, faults=faults).run({})
    assert seen[0] == took
    assert run["charge"].attempts[0].outcome.success is arrives
    assert run.requests[0].took == timedelta(seconds=took)
    assert run.effects[0].at == START


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_double_that_sleeps_is_a_slow_answer_too(shop, asynchronous):
    """What a team's own double sleeps counts against the client's timeout; the handler goes on when that is over."""
    router = respx.Router()

    def slow(request):
        time.sleep(40)
        return httpx.Response(200)

    async def slow_in_loop(request):
        await asyncio.sleep(40)
        return httpx.Response(200)

    async def later():
        async with httpx.AsyncClient(timeout=30) as client:
            await client.post(URL)

    router.post(URL).mock(side_effect=slow_in_loop if asynchronous else slow)
    run = shop(lambda c: asyncio.run(later()) if asynchronous else httpx.post(URL, timeout=30), routes=router).run({})
    assert run["charge"].error == "ReadTimeout: The read operation timed out"
    assert [request.took for request in run.requests] == [timedelta(seconds=30)] * 3


def test_requests_of_one_event_loop_wait_side_by_side(shop):
    """Three answers that each take 4 s take 4 s together."""

    async def all_three():
        async with httpx.AsyncClient() as client:
            return [one.status_code for one in await asyncio.gather(*(client.post(URL) for _ in range(3)))]

    run = shop(lambda context: {"all": asyncio.run(all_three())}, routes=[{**ROUTE, "delay": "4s"}]).run({})
    assert run["charge"].result == {"all": [201, 201, 201]}
    assert run.elapsed == timedelta(seconds=4)


def test_requests_of_several_threads_wait_side_by_side(shop):
    """Two answers of 4 s take 4 s together, and a nap beside one takes its own time; so do timeouts."""

    def ask(context):
        begun, seen = time.monotonic(), []

        def asked(timeout):
            try:
                httpx.post(URL, timeout=timeout)
            except httpx.ReadTimeout:
                seen.append("timeout")
            seen.append(time.monotonic() - begun)

        with ThreadPoolExecutor(3) as pool:
            for timeout in (5, 5, 3):
                pool.submit(asked, timeout)
            time.sleep(1)
            seen.append(time.monotonic() - begun)
        return {"seen": seen}

    run = shop(ask, routes=[{**ROUTE, "delay": "4s"}]).run({})
    assert run["charge"].result == {"seen": [1, "timeout", 3, 4, 4]}
    assert run.elapsed == timedelta(seconds=4)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_without_a_timeout_a_handler_waits_for_ever(shop, workflow, handler, asynchronous):
    """A server that is silent hangs a handler whose client has no timeout; the step's own timeout ends it."""

    async def later():
        async with httpx.AsyncClient(timeout=None) as client:
            await client.post(URL)

    def ask(context):
        return asyncio.run(later()) if asynchronous else httpx.post(URL, timeout=None).json()

    template = workflow({"name": "charge", "timeout_seconds": 60, "handler": {"callable": "charge"}})
    faults = [{"http": {"method": "POST", "url": URL, "error": "timeout"}}]
    run = Simulation(template, handlers={"charge": handler(ask)}, routes=[ROUTE], faults=faults).run({})
    assert run["charge"].error == "timeout: Step 'charge' took longer than its timeout of 60 s"
    assert run["charge"].attempts[0].ended_at == START + timedelta(seconds=60)


def test_faults_choose_their_requests(shop):
    """By method, address with *, number, step and attempt; each is counted by itself."""

    def several(context):
        return {"seen": [httpx.get(f"https://pay.example/{n}?q={n}").status_code for n in range(4)]}

    plan = [
        {"http": {"method": "GET", "url": "https://pay.example/*", "status": 503, "call": [2, 3]}},
        {"http": {"url": "https://*/0", "status": 500}},
        {"step": "charge", "attempt": 1, "http": {"url": "*", "status": 404, "call": 4}},
    ]
    run = shop(several, routes=[{"url": "https://pay.example/*"}], faults=plan).run({})
    assert run["charge"].result == {"seen": [500, 503, 503, 404]}
    for never in ({"url": "https://pay.example/9", "status": 500}, {"method": "POST", "url": "*", "status": 500}):
        with pytest.raises(FaultError, match="never fired in a run that ended complete"):
            shop(several, routes=[{"url": "https://pay.example/*"}], faults=[{"http": never}]).run({})


def test_a_fault_of_requests_is_checked_against_the_template(shop):
    """A step that doesn't exist is refused before anything runs."""
    with pytest.raises(FaultError, match="can never fire: template 'orders' has no step 'chrage'"):
        shop(faults=[{"step": "chrage", "http": {"url": "*", "status": 500}}])


def test_lists_of_answers_begin_anew_with_every_run(shop):
    """Of data the last one repeats; of respx each run has all of them again."""
    answers = [{"status": 503}, {"status": 200, "body": {"n": 2}}]
    simulation = shop(routes=[{"method": "POST", "url": URL, "answers": answers}])
    assert [[one.status for one in simulation.run({}).requests] for _ in range(2)] == [[503, 200], [503, 200]]
    router = respx.Router()
    router.post(URL).mock(side_effect=[httpx.Response(503), httpx.Response(200, json={})])
    simulation = shop(routes=router)
    assert [[one.status for one in simulation.run({}).requests] for _ in range(2)] == [[503, 200], [503, 200]]


def test_a_list_that_is_too_short_says_so(shop):
    """The attempt fails with the route whose answers are used up."""
    router = respx.Router()
    router.post(URL).mock(side_effect=[httpx.Response(503)])
    run = shop(routes=router).run({})
    assert run["charge"].error == (
        f"unanswered_request: Nothing answers POST {URL}: the route POST {URL} has given all the answers that its "
        "side_effect lists. Give more, or a function."
    )


def test_an_unanswered_request_fails_its_attempt_for_good(shop):
    """With the routes that there are, the nearest of them, and in what the request differs from it."""
    routes = [
        {"url": "https://stock.example/items/*", "method": "GET"},
        {"url": "https://pay.example/charge", "method": "POST", "match": {"json": {"amount": 4, "to": "me"}}},
    ]
    run = shop(routes=routes).run({})
    assert run.state == "blocked_by_failures"
    (attempt,) = run["charge"].attempts
    assert (attempt.outcome.error_type, attempt.outcome.retryable) == ("unanswered_request", False)
    assert attempt.outcome.message == (
        f"Nothing answers POST {URL}: no route fits.\n"
        "Routes:\n"
        "  GET https://stock.example/items/*\n"
        '  POST https://pay.example/charge (json: {"amount": 4, "to": "me"})\n'
        'Nearest: POST https://pay.example/charge (json: {"amount": 4, "to": "me"})\n'
        "It differs in\n"
        "  path: /charges, the route has /charge\n"
        "  json amount: 3, the route has 4\n"
        "  json to: (absent), the route has me\n"
        f"Add one: tasker_http.route(method='POST', url='{URL}').respond(...), or routes=[...], or mock it with respx. "
        "No request of a simulation ever reaches a network."
    )
    assert "path: /charges, the route has /charge" in run.timeline()
    assert [request.error for request in run.requests] == ["nothing answers it"]


def test_a_handler_cannot_swallow_it(shop):
    """A handler that catches every exception and succeeds has failed all the same."""

    def bold(context):
        try:
            httpx.post("https://elsewhere.example")
        except Exception:
            return {"fine": True}

    run = shop(bold, routes=()).run({})
    assert run["charge"].error.startswith("unanswered_request: Nothing answers POST https://elsewhere.example")
    assert "\nRoutes:\n  (none)\n" in run["charge"].error


def test_stubs_that_ask_are_answered_and_struck_too(workflow):
    """A stub that is a function is a handler in this respect; it takes no time."""
    stubs = {"charge": charge}
    faults = [{"http": {"url": URL, "error": "timeout", "times": 1}}]
    run = Simulation(workflow("charge"), stubs=stubs, routes=[ROUTE], faults=faults).run({})
    assert [(request.status, request.error) for request in run.requests] == [
        (None, "ReadTimeout: The read operation timed out"),
        (201, None),
    ]
    assert run.elapsed == timedelta(milliseconds=100)
    assert Simulation(workflow("charge"), stubs=stubs).run({})["charge"].error.startswith("unanswered_request")


def test_asynchronous_handlers_ask_as_others_do(workflow):
    """``async def call`` with httpx's own client: routes, faults, time, effects and near misses are the same."""

    class Later(StepHandler):
        handler_name = "charge"

        async def call(self, context):
            async with httpx.AsyncClient(base_url="https://pay.example", timeout=3) as client:
                charges = (
                    client.post("/charges", json={"amount": n}, headers={"Idempotency-Key": f"k{n}"}) for n in (1, 2)
                )
                found = [one.raise_for_status().json()["id"] for one in await asyncio.gather(*charges)]
            return self.success({"ids": found})

    given = {"handlers": {"charge": Later}, "routes": [{**ROUTE, "delay": "2s"}]}
    run = Simulation(workflow("charge"), **given).run({})
    assert (run["charge"].result, run.elapsed) == ({"ids": ["ch_1", "ch_1"]}, timedelta(seconds=2))
    assert [effect.key for effect in run.effects] == ["k1", "k2"]
    away = [{"http": {"method": "POST", "url": URL, "error": "timeout", "call": 2}}]
    run = Simulation(workflow("charge"), faults=away, **given).run({})
    assert run["charge"].attempts[0].outcome.error_type == "ReadTimeout"
    assert run["charge"].waits == [timedelta(milliseconds=100)]
    run = Simulation(workflow("charge"), **{**given, "routes": [{**ROUTE, "method": "PUT"}]}).run({})
    assert "It differs in\n  method: POST, the route has PUT\n" in run["charge"].error


def test_the_teams_own_respx_mocks_answer(shop):
    """respx.mock around a run works as ever, and faults strike what it answers."""
    with respx.mock as router:
        route = router.post(URL).respond(200, json={"id": "theirs"})
        run = shop(routes=(), faults=[{"http": {"url": URL, "status": 503, "times": 1}}]).run({})
    assert run["charge"].result == {"id": "theirs"}
    assert [request.status for request in run.requests] == [503, 200]
    assert route.call_count == 1


def test_what_respx_lets_through_reaches_nobody(shop):
    """A pass-through route has no network behind it here."""
    with respx.mock(assert_all_called=False) as router:
        router.post(URL).pass_through()
        run = shop(routes=()).run({})
    assert run["charge"].error == (
        f"unanswered_request: Nothing answers POST {URL}: the route POST {URL} lets it pass through. "
        "No request of a simulation ever reaches a network. Give the route an answer: .respond(...)."
    )


def test_a_double_in_the_transports_place_answers(shop, monkeypatch):
    """Libraries that replace the transports' methods are asked last."""
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda self, request: httpx.Response(200, json={"d": 1}))
    assert shop(routes=()).run({})["charge"].result == {"d": 1}


def test_runs_that_are_driven_in_turns_have_their_own_requests(shop):
    """Two tasks of one simulation count faults and keep requests each for itself."""
    simulation = shop(faults=[{"http": {"url": URL, "status": 503, "times": 1}}])
    with simulation.start({}) as one, simulation.start({}) as other:
        second, first = other.finish(), one.finish()
    assert (
        [request.status for request in first.requests] == [request.status for request in second.requests] == [503, 201]
    )


def test_the_same_run_gives_the_same_bytes(shop):
    """Requests are part of the history, and a history with them can be read back."""
    simulation = shop(faults=[{"http": {"url": URL, "error": "timeout", "times": 2}}])
    text = simulation.run({}).history.to_json()
    assert simulation.run({}).history.to_json() == text
    requests = [one["requests"] for one in json.loads(text)["steps"][0]["attempts"]]
    assert [[(one["at"], one["status"], one["took"]) for one in made] for made in requests] == [
        [(0.0, None, 5.0)],
        [(5.1, None, 5.0)],
        [(10.3, 201, 0.0)],
    ]


def test_a_history_with_requests_can_be_read_again(shop):
    """The file says as much as the run."""
    history = shop().run({}).history
    assert type(history).from_json(history.to_json()).to_json() == history.to_json()


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ({"url": URL}, "routes={'url': 'https://pay.example/charges'}: give a list of routes"),
        ([{"method": "GET"}], "Route 1: it names no url."),
        ([{"url": "/charges"}], "Route 1: '/charges' is half an address. Give all of it"),
        ([{"url": URL}, {"url": URL, "satus": 200}], "Route 2: Unknown key 'satus' of 'route'. Did you mean 'status'?"),
        ([{"url": URL, "status": 99}], "Route 1: 'status' of 'route' must be a whole number from 200 to 599, not 99."),
        (
            [{"url": URL, "status": 200, "answers": [{}]}],
            "Route 1: 'answers' lists whole answers; move status into them.",
        ),
        ([{"url": URL, "raise": "ReadTimeout"}], "'raise' of 'route' must be a mapping of type and message, not 'Read"),
        (
            [{"url": URL, "raise": {"type": "ReadTimout"}}],
            "must be the name of an exception of httpx, not 'ReadTimout'. Did you mean 'ReadTimeout'? Possible:\n",
        ),
        ([{"url": URL, "raise": {}}], "Route 1: 'raise' names no type. Add one:\n  ConnectError\n"),
        (
            [{"url": URL, "answers": [{"raise": {"type": "ReadTimeout"}, "status": 200}]}],
            "Route 1: 'raise' comes instead of an answer. Drop status, or 'raise'.",
        ),
        ([{"url": URL, "match": {"body": 1}}], "Route 1: Unknown key 'body' of 'match'."),
        (
            [{"url": URL, "error": "timout"}],
            "'error' of 'route' must be the name of an error, not 'timout'. Did you mean",
        ),
    ],
)
def test_routes_that_are_not_understood_say_why(shop, routes, said):
    """Before anything runs, with the number of the route."""
    with pytest.raises(RouteError) as refused:
        shop(routes=routes)
    assert said in str(refused.value)


def test_routes_can_break_by_themselves(shop):
    """An answer can be an error, before or after the server acted, as in a fault."""
    answers = [{"error": "timeout", "when": "after"}, {"error": "reset"}, {"status": 201, "body": {}}]
    run = shop(routes=[{"url": URL, "answers": answers}]).run({})
    assert [request.error for request in run.requests] == [
        "ReadTimeout: The read operation timed out",
        "ReadError: [Errno 104] Connection reset by peer",
        None,
    ]
    assert [effect.attempt for effect in run.effects] == [1, 3]


def test_a_late_answer_has_been_done_all_the_same(shop):
    """A route that answers late has acted when it was asked, whether its client waits that long or not."""
    routes = [{"url": URL, "answers": [{"status": 201, "delay": "6s"}, {"status": 201, "delay": "4s", "body": {}}]}]
    run = shop(routes=routes).run({})
    assert [request.error for request in run.requests] == ["ReadTimeout: The read operation timed out", None]
    assert [(effect.attempt, effect.at - START) for effect in run.effects] == [
        (1, timedelta(0)),
        (2, timedelta(seconds=5.1)),
    ]


def test_routes_can_raise(shop):
    """Any exception of httpx, at once; the next answer comes as ever, and every run begins anew."""
    answers = [{"raise": {"type": "PoolTimeout", "message": "no room"}}, {"raise": {"type": "ReadError"}}, {"body": {}}]
    simulation = shop(routes=[{"url": URL, "answers": answers}])
    for _ in range(2):
        assert [request.error for request in simulation.run({}).requests] == [
            "PoolTimeout: no room",
            "ReadError",
            None,
        ]


def test_httpx_is_itself_again_after_a_run(shop):
    """Transports are as they were, whatever happened in the run."""
    before = [dict(vars(one)) for one in (httpx.HTTPTransport, httpx.AsyncHTTPTransport)]
    shop().run({})
    shop(routes=()).run({})
    assert [dict(vars(one)) for one in (httpx.HTTPTransport, httpx.AsyncHTTPTransport)] == before


def test_a_subscriber_that_asks_in_vain_is_told(workflow, handler):
    """What subscribers ask is the attempt's too; a request of theirs that nothing answers ends the run."""
    from tasker_core import BaseSubscriber

    class Tell(BaseSubscriber):
        subscriber_name = "tell"

        @classmethod
        def subscribes_to(cls):
            return ["paid"]

        def handle(self, event):
            httpx.post("https://hook.example/paid")

    event = {"name": "paid", "description": "d", "schema": {}, "delivery_mode": "fast"}
    step = {"name": "pay", "publishes_events": [event]}
    given = {"handlers": {"pay": handler(lambda context: {}), "tell": Tell}}
    hook = [{"url": "https://hook.example/paid"}]
    run = Simulation(workflow(step), routes=hook, **given).run({})
    assert [(request.url, request.status) for request in run.requests] == [("https://hook.example/paid", 200)]
    with pytest.raises(UnansweredRequest, match=r"Nothing answers POST https://hook\.example/paid"):
        Simulation(workflow(step), **given).run({})
