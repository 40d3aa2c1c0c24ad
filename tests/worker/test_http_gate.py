"""The gate before the transports of httpx: who pays for it, when it is shut, and that it opens again."""

from __future__ import annotations

import http.client
import http.server
import subprocess
import sys
import textwrap
import threading
import urllib.error
import urllib.request

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit import call_handler, step_context
from tasker_testkit.model.http_faults import url_fits
from tasker_testkit.model.placeholders import text_placeholder
from tasker_testkit.worker.http.hiding import shown_body, shown_headers, shown_url
from tasker_testkit.worker.http.unanswered import told, unanswered
from tasker_testkit.worker.sdk import quiet

quiet()

from tasker_core.step_handler.functional import step_handler  # noqa: E402

URL = "https://pay.example/charges"


def alone(code):
    """The lines that a fresh Python prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"RUST_LOG": "off", "PYTHONPATH": ":".join(sys.path)}
    )
    return ran.stdout.splitlines()


WORKFLOW = """
    import sys
    from tasker_testkit import Simulation
    def loaded(): return [name for name in ("httpx", "httpcore", "respx") if name in sys.modules]
    steps = [{"name": "a", "handler": {"callable": "a"}}]
    template = {"name": "a", "namespace_name": "n", "version": "1.0.0", "steps": steps}
"""


def test_without_requests_nothing_is_loaded_for_them():
    """Neither stubs nor handlers that ask nobody load more than the SDK itself does."""
    lines = alone(
        WORKFLOW
        + """
    Simulation(template, stubs={"a": {}}).run({})
    print(loaded())
    from tasker_testkit.worker.sdk import load
    class A(load().StepHandler):
        handler_name = "a"
        def call(self, context): return self.success({})
    Simulation(template, handlers={"a": A}).run({})
    print(loaded())
    """
    )
    assert lines == ["['httpx']", "['httpx']"]


def test_a_client_that_is_imported_late_is_caught_too():
    """Even if the first one to import httpx is a stub inside a run, its request is answered."""
    lines = alone(
        WORKFLOW
        + """
    def ask(context):
        import httpx
        return {"status": httpx.post("https://pay.example/charges").status_code}
    print(loaded())
    routes = [{"url": "https://pay.example/charges", "status": 201}]
    print(Simulation(template, stubs={"a": ask}).run({})["a"].error.splitlines()[0])
    print(Simulation(template, stubs={"a": ask}, routes=routes).run({})["a"].result)
    """
    )
    assert lines == [
        "[]",
        "unanswered_request: Nothing answers POST https://pay.example/charges: no route fits.",
        "{'status': 201}",
    ]


@pytest.fixture
def asked():
    """Call one function handler with routes: ``asked(function, routes)``."""

    def asked(function, routes=()):
        return call_handler(step_handler("ask")(lambda context: function()), step_context("ask"), routes=routes)

    return asked


def test_one_handler_by_itself(asked):
    """A single handler's requests are answered as in a run, or fail its outcome."""
    assert asked(lambda: httpx.get(URL).json(), [{"url": URL, "body": {"id": 1}}]).result == {"id": 1}
    outcome = asked(lambda: httpx.get(URL).json())
    assert (outcome.success, outcome.error_type, outcome.retryable) == (False, "unanswered_request", False)


def test_one_handler_by_itself_waits_in_virtual_time(asked):
    """A slow answer takes as long as it says; one that never comes ends with the worker's limit."""
    outcome = asked(lambda: httpx.get(URL, timeout=60).json(), [{"url": URL, "delay": "40s", "body": {}}])
    assert outcome.took.total_seconds() == 40
    assert (
        asked(lambda: httpx.get(URL, timeout=None).json(), [{"url": URL, "error": "timeout"}]).error_type
        == "ffi_timeout"
    )


def test_a_call_inside_a_call_gets_its_line_back(asked):
    """Routes of an inner call are the inner call's."""

    def outer():
        inner = asked(lambda: httpx.get(URL).json(), [{"url": URL, "body": {"who": "inner"}}])
        return {"inner": inner.result, "outer": httpx.get(URL).json()}

    assert asked(outer, [{"url": URL, "body": {"who": "outer"}}]).result == {
        "inner": {"who": "inner"},
        "outer": {"who": "outer"},
    }


def test_clients_share_one_tls_context(asked):
    """Transports that ask for nothing special don't read the certificates again; one that does gets what it wants."""
    seen = []

    def make():
        own = httpx.create_ssl_context()
        seen.extend([*(httpx.HTTPTransport() for _ in range(2)), httpx.HTTPTransport(verify=own), own])
        return {}

    asked(make)
    one, two, mine, own = seen
    assert one._pool._ssl_context is two._pool._ssl_context
    assert mine._pool._ssl_context is own


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("https://pay.example/charges", URL, True),
        ("https://pay.example/charges", f"{URL}?a=1", True),
        ("https://pay.example/charges", f"{URL}/1", False),
        ("https://pay.example/charges?a=1", f"{URL}?a=1", True),
        ("https://pay.example/charges?a=*", f"{URL}?a=2&b=3", True),
        ("https://pay.example/charges?a=1", URL, False),
        ("https://pay.example", URL, True),
        ("https://pay.example", "https://pay.example.org/", False),
        ("HTTPS://Pay.Example:443/charges", URL, True),
        ("https://*.example/*", URL, True),
        ("*/charges", URL, True),
        ("*", URL, True),
        ("https://pay.example/c.arges", URL, False),
        ("https://pay.example:8080/*", "https://pay.example:8080/x", True),
        ("https://pay.example/*", "https://pay.example:8080/x", False),
    ],
)
def test_addresses_with_wildcards(pattern, url, fits):
    """A star is anything; a query or a path that isn't named doesn't matter; all else is taken as it is."""
    assert url_fits(pattern, url) is fits


@given(st.text("abc/.+()[]?", max_size=12))
def test_an_address_fits_itself(path):
    """Whatever is in it."""
    url = f"https://pay.example/{path}"
    assert url_fits(url, url)


NEAR = [
    (dict(method="GET", url=URL), "method: POST, the route has GET"),
    (dict(method="POST", url="https://pay.example/charge"), "path: /charges, the route has /charge"),
    (dict(method="POST", url="https://pay.example.org/charges"), "host: pay.example, the route has pay.example.org"),
    (dict(method="POST", url="http://pay.example/charges"), "scheme: https, the route has http"),
    (dict(url=URL, headers={"X-Team": "other"}), "header x-team: shop, the route has other"),
    (dict(url=URL, headers={"X-New": "1"}), "header x-new: (absent), the route has 1"),
    (dict(url=URL, params={"page": "1"}), "parameter page: (absent), the route has 1"),
    (dict(url=URL, json={"amount": 3}), "json to: me, the route has (absent)"),
    (dict(url=URL, json={"amount": 4, "to": "me"}), "json amount: 3, the route has 4"),
    (dict(url=URL, json__to="you"), 'json to: "me", the route has "you"'),
    (dict(url=URL, json=[1]), 'json: {"amount": 3, "to": "me"}, the route has [1]'),
    (dict(url=URL, content=b"else"), 'content: {"amount":3,"to":"me"}, the route has else'),
]


@pytest.mark.parametrize(("lookups", "said"), NEAR, ids=[said.partition(",")[0] for _, said in NEAR])
def test_a_near_miss_names_what_differs(lookups, said):
    """Method, host, path, or the header, parameter or key of the body."""
    router = respx.Router()
    router.get("https://far.example/away", headers={"a": "b"})
    router.route(**lookups)
    request = httpx.Request("POST", URL, json={"amount": 3, "to": "me"}, headers={"X-Team": "shop"})
    text = str(unanswered(request, [router]))
    assert text.partition("It differs in\n")[2].splitlines()[0].strip() == said


@pytest.mark.parametrize(
    ("pattern", "asked_for", "said"),
    [
        ("page=*", "page=3&more=1", None),
        ("page=*", "", "parameter page: (absent), the route has *"),
        ("page=*&kind=a", "kind=b&page=", "parameter kind: b, the route has a"),
        ("page=", "page=", None),
        ("page=1", "page=1&more=2", "parameter more: 2, the route has (absent)"),
        ("token=one", "token=hunter22", "parameter token: *, the route has one"),
    ],
)
def test_routes_with_a_query(asked, pattern, asked_for, said):
    """A parameter is given whole or as ``*``, which is any; a near miss names it, and hides what is secret."""
    outcome = asked(lambda: httpx.get(f"{URL}?{asked_for}").json(), [{"url": f"{URL}?{pattern}", "body": {}}])
    assert outcome.success is (said is None)
    assert said is None or f"It differs in\n  {said}\n" in outcome.message
    assert said is None or f"\n  ANY {URL} (params: {pattern.replace('&', ', ')})\n" in outcome.message


def test_a_near_miss_hides_secrets():
    """Of secret headers and keys of a body only that they differ is shown."""
    router = respx.Router()
    body = {"card": {"token": "one"}, "password": "one"}
    router.post(URL, json=body, headers={"Authorization": "Bearer one"})
    sent = {"json": {"card": {"token": "hunter22"}, "password": "hunter22"}, "headers": {"Authorization": "Bearer x7y"}}
    text = str(unanswered(httpx.Request("POST", URL, **sent), [router]))
    assert "header authorization: *, the route has Bearer one" in text
    assert "json password: *, the route has one" in text
    assert 'json card: {"token": "*"}, the route has' in text


def test_a_route_in_a_line():
    """With name and conditions, relative routes with their base."""
    router = respx.Router(base_url="https://pay.example/v1")
    named = router.post("/charges", name="charge", headers={"X-Team": "shop"})
    assert told(named) == "POST https://pay.example/v1/charges (headers: x-team=shop; named 'charge')"
    assert told(router.route(host__in=("a.example", "b.example"))) == "ANY *://a.example, b.example/*"


def test_what_may_be_shown():
    """Secrets become placeholders in headers, JSON and forms, a star in addresses; other bodies are a fingerprint."""
    one, two = text_placeholder("s"), text_placeholder("x")
    headers = {"Cookie": "a=b", "X-Api-Key": "k", "Authorization": "Basic x", "Author": "me", "Accept": "*/*"}
    shown = {"authorization": "Basic x", "cookie": "a=b", "x-api-key": "k"}
    assert shown_headers(headers) == {name: text_placeholder(one) for name, one in shown.items()} | {"author": "me"}
    assert shown_url(httpx.URL("https://u:p@a.example:81/x?token=1&b=2#f")) == "https://a.example:81/x?token=*&b=2"
    assert shown_url(httpx.URL("https://[::1]/x")) == "https://[::1]/x"
    form = httpx.Request("POST", URL, data={"client_secret": "s", "grant": "g"})
    assert shown_body(form) == {"client_secret": one, "grant": "g"}
    nested = httpx.Request("POST", URL, json=[{"password": "x", "n": 1}])
    assert shown_body(nested) == [{"password": two, "n": 1}]
    assert shown_body(httpx.Request("POST", URL, content=b"\xff")) == "sha256 a8100ae6aa1940d0"
    assert shown_body(httpx.Request("GET", URL)) is None


def test_other_libraries_dont_reach_the_network_either(asked):
    """A request by urllib fails its attempt, whatever the handler makes of it; nothing is connected."""

    def ask():
        try:
            urllib.request.urlopen("https://pay.example/charges?token=hunter22", timeout=1)
        except Exception:
            return {"fine": True}

    outcome = asked(ask)
    assert (outcome.success, outcome.error_type, outcome.retryable) == (False, "unanswered_request", False)
    assert outcome.message == (
        "Nothing answers GET https://pay.example/charges: it is made by http.client (urllib, requests and others), and "
        "only requests of httpx can be answered. No request of a simulation ever reaches a network. "
        "Ask with httpx, or put a double in the place of what asks."
    )
    assert http.client.HTTPConnection.putrequest.__module__ == "http.client"


def test_a_server_on_this_machine_can_be_asked_by_them(asked):
    """A test's own server, which is no network: as ever."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()

    def ask():
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=5)
        except urllib.error.HTTPError as error:
            return {"status": error.code}

    assert asked(ask).result == {"status": 501}
    thread.join()
    server.server_close()
