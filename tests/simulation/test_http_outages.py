"""Outages: a system is away for a while, and a workflow survives it exactly if its retries last longer."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasker_testkit import FaultError, FaultPlan, Simulation

URL = "https://pay.example/charges"
ROUTES = [{"url": "https://pay.example/*"}, {"url": "https://stock.example/*"}]
SYSTEMS = {"payments": "https://pay.example/*", "all": ["https://pay.example", "https://stock.example"]}


def ask(url=URL):
    """A stub that asks there."""
    return lambda context: {"status": httpx.get(url).status_code}


def delays(backoff, base, cap, attempts):
    """The closed formula of section 3, row 1: milliseconds between the attempts."""
    ratio = {
        "none": lambda n: 0,
        "linear": lambda n: n,
        "exponential": lambda n: 2 ** (n - 1),
        "fibonacci": lambda n: round(((1 + 5**0.5) / 2) ** n / 5**0.5),
    }[backoff]
    return [min(base * ratio(n), cap) for n in range(1, attempts)]


POLICIES = st.fixed_dictionaries(
    {
        "max_attempts": st.integers(1, 6),
        "backoff": st.sampled_from(["none", "linear", "exponential", "fibonacci"]),
        "backoff_base_ms": st.integers(100, 2_000),
        "max_backoff_ms": st.integers(2_000, 8_000),
    }
)


@settings(max_examples=60)
@given(POLICIES, st.integers(-2, 2), st.integers(1, 40_000), st.booleans())
def test_an_outage_is_survived_exactly_if_the_retries_last_as_long(workflow, policy, near, length, close):
    """The last attempt comes when all waits are over; the outage must have ended by then, and may end that instant."""
    waits = delays(policy["backoff"], policy["backoff_base_ms"], policy["max_backoff_ms"], policy["max_attempts"])
    budget = sum(waits)
    length = max(1, budget + near) if close else length
    step = {"name": "charge", "retry": policy}
    plan = FaultPlan().outage("payments", 0, f"{length}ms")
    run = Simulation(workflow(step), stubs={"charge": ask()}, routes=ROUTES, systems=SYSTEMS, faults=plan).run({})
    assert (run.state == "complete") == (length <= budget)
    ends = [sum(waits[:n]) for n in range(len(run["charge"].attempts))]
    assert [(request.at - run.history.start) / timedelta(milliseconds=1) for request in run.requests] == ends
    assert all(at < length for at in ends[:-1])


@pytest.mark.parametrize(
    ("system", "url", "struck"),
    [
        ("payments", URL, True),
        ("payments", "https://stock.example/items", False),
        ("all", "https://stock.example/items", True),
        ("https://pay.example/charges", URL, True),
        ("https://pay.example/refunds", URL, False),
        ("*://pay.example/*", URL, True),
    ],
)
def test_a_system_is_its_addresses(workflow, system, url, struck):
    """A name stands for one address or several, and an address for itself."""
    simulation = Simulation(workflow("a"), stubs={"a": ask(url)}, routes=ROUTES, systems=SYSTEMS)
    run = simulation.with_plan(FaultPlan().outage(system, 0, "50ms"), strict=False).run({})
    assert [request.error for request in run.requests] == (
        ["ConnectError: [Errno 111] Connection refused", None] if struck else [None]
    )


def test_an_outage_begins_and_ends_when_it_says(workflow):
    """Requests before it, and at its end, are answered."""
    simulation = Simulation(
        workflow("a", "b", "c"),
        stubs=dict.fromkeys("abc", ask()),
        durations={"a": "1s", "b": "1s"},
        routes=ROUTES,
        systems=SYSTEMS,
        faults=FaultPlan().outage("payments", "1s", "100ms"),
    )
    run = simulation.run({})
    assert [len(run[name].attempts) for name in "abc"] == [1, 2, 1]
    assert run["b"].attempts[0].faults == ({"outage": {"system": "payments", "start": "1s", "length": "100ms"}},)


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (
            "payment",
            "There is no system 'payment' that could be away. Did you mean 'payments'? Known systems:\n  payments\n"
            "  all\n"
            'Name it with its addresses, as in systems={"payments": "https://pay.example/*"} (in a shell --systems), '
            "or give an address:",
        ),
        ("erp", "The template depends on system 'erp', but its addresses aren't known. Give them: systems={'erp': \"h"),
        ("crm", "The template depends on system 'crm', but its addresses aren't known."),
    ],
)
def test_a_system_that_nobody_knows_is_one_clear_error(workflow, system, said):
    """Before anything runs; a dependency of the template without addresses is told apart."""
    template = workflow("a", system_dependencies={"primary": "erp", "secondary": ["crm"]})
    with pytest.raises(FaultError) as refused:
        Simulation(template, stubs={"a": {}}, systems=SYSTEMS, faults=FaultPlan().outage(system, 0, 1))
    assert str(refused.value).startswith(said)


def test_a_dependency_of_the_template_is_named_with_its_address(workflow):
    """Once it has one, it can be away."""
    template = workflow("a", system_dependencies={"primary": "erp", "secondary": []})
    plan = FaultPlan().outage("erp", 0, "50ms")
    systems = {"erp": "https://stock.example"}
    stubs = {"a": ask("https://stock.example/x")}
    run = Simulation(template, stubs=stubs, systems=systems, routes=ROUTES, faults=plan).run({})
    assert len(run["a"].attempts) == 2


def test_an_outage_that_nobody_notices_is_an_error(workflow):
    """As every fault that doesn't fire."""
    simulation = Simulation(workflow("a"), stubs={"a": {}}, systems=SYSTEMS)
    with pytest.raises(
        FaultError, match="These faults never fired in a run that ended complete:\n  outage payments away"
    ):
        simulation.with_plan(FaultPlan().outage("payments", 0, 1)).run({})


@pytest.mark.parametrize(
    ("systems", "said"),
    [
        (["payments"], "systems=['payments']: give a mapping of name to address"),
        ({"payments": "pay.example"}, "'pay.example' is half an address."),
        ({"payments": []}, "systems: 'payments' needs an address or a list of them, not []."),
        ({"https://pay.example": "payments"}, "systems: 'https://pay.example' is no name of a system."),
    ],
)
def test_systems_that_make_no_sense_are_refused(workflow, systems, said):
    """With what was meant to be given."""
    with pytest.raises(FaultError) as refused:
        Simulation(workflow("a"), stubs={"a": {}}, systems=systems)
    assert said in str(refused.value)
