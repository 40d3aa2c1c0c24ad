"""``--routes``: what other systems answer, in a shell."""

from __future__ import annotations

import json

import pytest

HANDLERS = """
import httpx
from tasker_core.step_handler.functional import step_handler

@step_handler("validate")
def validate(context):
    return {}

@step_handler("charge")
def charge(context):
    return httpx.post("https://pay.example/charges").raise_for_status().json()
"""
RUN = ("run", "orders.yaml", "--handlers", "asking.py", "--input", "cart.json")


@pytest.fixture
def asking(folder):
    """A folder whose handlers ask; ``asking(routes)`` writes ``routes.yaml``."""
    (folder / "asking.py").write_text(HANDLERS)
    return (folder / "routes.yaml").write_text


def test_routes_of_a_file_answer(run, asking):
    """The run is complete, and its history has the request."""
    asking("- {method: POST, url: 'https://pay.example/charges', body: {id: ch_1}}\n")
    code, out, _ = run(*RUN, "--routes", "routes.yaml", "--history", "-")
    assert code == 0
    assert [one["url"] for one in json.loads(out)["steps"][1]["attempts"][0]["requests"]] == [
        "https://pay.example/charges"
    ]


def test_exploring_has_them_too(run, asking):
    """Faults of requests are derived from what the routes answer."""
    asking("- {method: POST, url: 'https://pay.example/charges', body: {id: ch_1}}\n")
    explored = ("explore", *RUN[1:], "--routes", "routes.yaml", "--kinds", "http_503")
    code, out, _ = run(*explored)
    assert (code, "2 plans" in out) == (0, True)


@pytest.mark.parametrize(
    ("routes", "code", "said"),
    [
        ("[]", 1, "expected the task to end complete, but it ended blocked_by_failures: step 'charge': unanswered"),
        ("- {url: /charges}", 2, "Route 1: '/charges' is half an address."),
        ("- {url: [}", 2, "--routes: routes.yaml"),
        (
            "- {url: 'https://pay.example/charges', body: {}}\n- {url: 'https://else.example'}",
            1,
            "No request met these routes:\n  ANY https://else.example/*\n",
        ),
    ],
    ids=["none", "half", "unreadable", "unused"],
)
def test_what_is_wrong_is_said(run, asking, routes, code, said):
    """2 for a bad file, 1 for a workflow that fails or a route that nobody met."""
    asking(routes)
    found, _, err = run(*RUN, "--routes", "routes.yaml")
    assert found == code
    assert said in err


OUTAGE = "- {outage: {system: payments, start: 0, length: %s}}\n"
ROUTE = "- {url: 'https://pay.example/charges', body: {}}\n"


@pytest.mark.parametrize("systems", ["systems.yaml", '{"payments": ["https://pay.example/*"]}'], ids=["file", "json"])
@pytest.mark.parametrize(("length", "code"), [("100ms", 0), ("101ms", 1)])
def test_an_outage_of_a_system_with_a_name(run, folder, asking, systems, length, code):
    """``--systems`` says which addresses a system has, in a file or as JSON."""
    asking(ROUTE)
    (folder / "systems.yaml").write_text("payments: https://pay.example/*\n")
    (folder / "away.yaml").write_text(OUTAGE % length)
    assert run(*RUN, "--routes", "routes.yaml", "--faults", "away.yaml", "--systems", systems)[0] == code


@pytest.mark.parametrize(
    ("systems", "said"),
    [
        (
            '{"payment": "https://pay.example"}',
            "There is no system 'payments' that could be away. Did you mean 'payment'?",
        ),
        ('{"payments": "pay"}', "'pay' is half an address."),
        ("{payments", "--systems: '{payments' isn't JSON: "),
        ("gone.yaml", "--systems: There is no file gone.yaml."),
    ],
    ids=["unknown", "half", "unreadable", "missing"],
)
def test_systems_that_make_no_sense(run, folder, asking, systems, said):
    """Exit code 2 and one error, before anything runs."""
    asking(ROUTE)
    (folder / "away.yaml").write_text(OUTAGE % "1s")
    code, out, err = run(*RUN, "--routes", "routes.yaml", "--faults", "away.yaml", "--systems", systems)
    assert (code, out) == (2, "")
    assert err.startswith(f"tasker-testkit: {said}")


def test_local_time_of_a_zone(run, folder):
    """``--timezone`` is what handlers have for local time."""
    handler = "import time\nfrom tasker_core.step_handler.functional import step_handler\n"
    for name in ("validate", "charge"):
        handler += f"@step_handler({name!r})\ndef {name}(context):\n    return {{'zone': time.tzname[0]}}\n"
    (folder / "zoned.py").write_text(handler)
    words = ("run", "orders.yaml", "--handlers", "zoned.py", "--input", "cart.json", "--history", "-")
    code, out, _ = run(*words, "--timezone", "Asia/Tokyo")
    assert code == 0
    assert json.loads(out)["steps"][0]["attempts"][0]["stored"]["result"] == {"zone": "JST"}
    code, _, err = run(*words, "--timezone", "Asia/Tokio")
    assert code == 2
    assert err.startswith("tasker-testkit: timezone='Asia/Tokio' isn't known. Did you mean 'Asia/Tokyo'?")
