"""Runs whose requests somebody else has answered (routers of respx, functions, doubles) are kept with the answers."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit import HistoryError, Simulation
from tasker_testkit.records.rerunning import rerun
from tasker_testkit.worker.http.route_data import RAISED

URL = "https://pay.example/charges"
TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {
            "name": "charge",
            "handler": {"callable": "charge"},
            "retry": {"max_attempts": 4, "backoff": "exponential", "backoff_base_ms": 100},
        }
    ],
}


def charge(context):
    """Charge until it works; what came back is the result, whatever it is."""
    response = httpx.post(URL, params={"token": "hunter22"}, json={"amount": 3})
    response.raise_for_status()
    is_json = "json" in response.headers.get("content-type", "")
    return {"body": response.json() if is_json else response.text, "team": response.headers.get("x-team")}


def recorded(tmp_path, faults=(), **settings):
    """A file with a run of the workflow."""
    simulation = Simulation(TEMPLATE, stubs={"charge": charge}, faults=faults, unused_faults="allow", **settings)
    return simulation.run({}).save(tmp_path / "x.history.json")


def routes_in(path):
    """The routes of a recording."""
    return json.loads(path.read_text())["recipe"]["routes"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("aé\n", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
HEADERS = st.dictionaries(st.sampled_from(["Retry-After", "X-Team"]), st.sampled_from(["1", "shop"]), max_size=2)
STATUS = st.sampled_from([200, 201, 204, 404, 429, 503])
RESPONSES = st.builds(
    lambda status, headers, body: httpx.Response(status, headers=headers, json=body), STATUS, HEADERS, JSON
)
TEXTS = st.builds(lambda status, text: httpx.Response(status, text=text), STATUS, st.text('aé{}"', max_size=4))
SPACED = st.builds(
    lambda body: httpx.Response(200, content=json.dumps(body, indent=1), headers={"content-type": "application/json"}),
    JSON,
)
ERRORS = st.builds(
    lambda name, text: getattr(httpx, name)(text), st.sampled_from(RAISED), st.sampled_from(["", "Mock Error"])
)
FAULTS = st.sampled_from(
    [
        (),
        [{"http": {"url": URL, "status": 503, "times": 1}}],
        [{"http": {"url": URL, "error": "timeout", "when": "after", "times": 1}}],
        [{"http": {"url": URL, "delay": "2s", "call": 2}}],
    ]
)


@settings(max_examples=60)
@given(st.lists(RESPONSES | TEXTS | SPACED | ERRORS, min_size=4, max_size=4), FAULTS)
def test_a_run_is_made_again_without_those_who_answered(tmp_path_factory, answers, faults):
    """Whatever a router of respx answered or raised, the recording alone gives the same run."""
    router = respx.Router(assert_all_called=False)
    router.post(URL).mock(side_effect=answers)
    path = recorded(tmp_path_factory.mktemp("kept"), faults, routes=router)
    again = rerun(path, stubs={"charge": charge})
    assert again.divergence is None
    assert again.run.history.state == again.expected.state


def test_the_teams_own_mocks_are_kept(tmp_path):
    """``respx.mock`` around a run, and a double in a transport's place."""
    with respx.mock:
        respx.post(URL).respond(201, json={"id": 1})
        path = recorded(tmp_path)
    assert routes_in(path) == [{"method": "POST", "url": f"{URL}?token=*", "status": 201, "body": {"id": 1}}]
    assert rerun(path, stubs={"charge": charge}).divergence is None


def test_a_function_is_kept_by_what_it_answered(tmp_path):
    """One answer a call, in order; routes as data stay as they are, in front."""
    counter = iter(range(9))
    data = [{"url": "https://stock.example/*", "body": {}}]
    with respx.mock:
        respx.post(URL).mock(side_effect=lambda request: httpx.Response([503, 500, 200][next(counter)]))
        path = recorded(tmp_path, routes=data)
    statuses = [{"status": status} for status in (503, 500, 200)]
    assert routes_in(path) == [*data, {"method": "POST", "url": f"{URL}?token=*", "answers": statuses}]
    assert rerun(path, stubs={"charge": charge}).divergence is None


def test_what_routes_as_data_answer_is_said_once(tmp_path):
    """They are the recipe; nothing is added to them, also if they raise or break."""
    answers = [{"raise": {"type": "ReadTimeout", "message": "Mock Error"}}, {"error": "reset"}, {"status": 201}]
    data = [{"url": URL, "answers": answers}]
    path = recorded(tmp_path, routes=data)
    assert routes_in(path) == data
    assert rerun(path, stubs={"charge": charge}).divergence is None


def test_secrets_in_answers_stay_behind(tmp_path):
    """An answer is redacted like everything else in a file."""
    with respx.mock:
        respx.post(URL).respond(201, json={"access_token": "s3cr3t-token", "note": "s3cr3t-token"})
        path = recorded(tmp_path)
    assert "s3cr3t" not in path.read_text()
    assert "hunter22" not in path.read_text()


def asks_everywhere(context):
    """A request with the input's password wherever a request can have one, and a loud failure the first time."""
    secret = context.get_input("password")
    headers = {"Authorization": f"Bearer {secret}", "X-Api-Key": secret, "Cookie": f"sid={secret}", "X-Note": secret}
    hidden = quote(secret, safe="")
    query = {"access_token": secret, "page": 1, "q": f"of {secret}"}
    for body in ({"json": {"card": {"cvv": secret}, "note": secret}}, {"data": {"client_secret": secret}}):
        response = httpx.post(f"https://me:{hidden}@pay.example/{hidden}", params=query, headers=headers, **body)
    if not context.retry_count:
        raise RuntimeError(f"refused: {response.json()} {response.request.headers!r} {response.url} {headers}")
    return {"echo": response.json(), "headers": dict(response.request.headers), "url": str(response.url)}


@settings(max_examples=40)
@given(st.text("abXYZ01239_-+/=. ", min_size=7, max_size=20).map(lambda text: f"Q{text}7"))
def test_no_secret_of_a_request_reaches_the_file(secret):
    """In headers, addresses, bodies, answers, in what is raised about them and in near misses: nowhere in the text."""
    for answers in (True, False):
        with respx.mock(assert_all_called=False) as router:
            if answers:
                router.post(host="pay.example").respond(201, json={"token": secret, "hint": f"{secret}!"})
            else:
                router.post(
                    "https://pay.example/else", headers={"X-Note": "x"}, params={"q": "of me"}, json={"note": 1}
                )
            run = Simulation(TEMPLATE, stubs={"charge": asks_everywhere}).run({"password": secret})
            text = run.recording()
        written = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        assert not [(form, text[text.index(form) - 80 :][:160]) for form in written if form in text]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, content=b"\xff"), "its body isn't text"),
        (
            httpx.Response(200, headers=[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
            "its headers can't be in a mapping",
        ),
        (httpx.Response(200, content=iter([b"a"])), "its body came bit by bit"),
        (ValueError("odd"), "it raised ValueError('odd')"),
    ],
    ids=["bytes", "two cookies", "a stream", "another exception"],
)
def test_what_cannot_be_written_down_is_said(tmp_path, answer, said):
    """The file names the request and why; the run can be read, but not made again."""
    router = respx.Router()
    router.post(URL).mock(side_effect=[answer] * 4)
    path = recorded(tmp_path, routes=router)
    assert f"the answer to POST {URL}?token=*: {said}" in json.loads(path.read_text())["recipe"]["unrecorded"][0]
    with pytest.raises(HistoryError, match="This run can't be made again"):
        rerun(path, stubs={"charge": charge})
