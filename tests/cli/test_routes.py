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
