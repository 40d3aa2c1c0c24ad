"""A simulation's other settings: what is refused, in which words, and that the page about them is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasker_testkit import HandlerError, RunError, Simulation, TaskerTestkitError
from tasker_testkit.settings import KEYWORDS

FIXTURES_PAGE = Path(__file__).resolve().parents[2] / "docs" / "fixtures.md"


ORDERS = 'give "creation", "seeded", or a list of choices, whole numbers from 0.'


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"seed": "7"}, "seed='7': give a whole number."),
        ({"seed": None}, "seed=None: give a whole number."),
        ({"workers": 0}, "workers=0: give a whole number from 1, or none for the profile's default."),
        ({"workers": "2"}, "workers='2': give a whole number from 1, or none for the profile's default."),
        ({"workers": True}, "workers=True: give a whole number from 1, or none for the profile's default."),
        ({"setup": 5}, "setup=5: give a function without arguments."),
        ({"real_timeout": 0}, "real_timeout=0: give seconds of real time, more than 0."),
        ({"real_timeout": "1s"}, "real_timeout='1s': give seconds of real time, more than 0."),
        ({"priority": "high"}, "priority='high': give a whole number."),
        ({"tags": "vip"}, "tags='vip': give a list of texts."),
        ({"reason": None}, "reason=None: give a text."),
        ({"order": "random"}, f"order='random': {ORDERS}"),
        ({"order": [0, -1]}, f"order=[0, -1]: {ORDERS}"),
        ({"unused_faults": "never"}, "unused_faults='never' isn't known. Possible:\n  error\n  allow"),
        ({"missing_handlers": "skip"}, "missing_handlers='skip' isn't known. Possible:\n  error\n  allow"),
        ({"environment": "live"}, "Template 'orders' has no environment 'live'. It has:\n  (none)"),
        (
            {"start": "tomorrow"},
            "'tomorrow' is not an instant. Write ISO 8601, for example '2026-01-01T00:00:00Z', or a datetime.",
        ),
        (
            {"profile": "documentd"},
            "There is no profile 'documentd'. Did you mean 'documented'? Known profiles:\n  documented\n  tasker-0.1.8",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(workflow, setting, message):
    """The message says what was given and what is possible."""
    with pytest.raises(TaskerTestkitError) as caught:
        Simulation(workflow("a"), stubs={"a": {}}, **setting)
    assert str(caught.value) == message


def test_missing_handlers(workflow, profile):
    """Every step without a handler is listed, with both ways to give one, in Python and in a shell."""
    with pytest.raises(HandlerError) as caught:
        Simulation(workflow("charge", "ship", "mail"), stubs={"ship": {}}, profile=profile)
    assert str(caught.value) == (
        "These handlers of template 'orders' can't be used:\n"
        "  Step 'charge': no handler for 'charge'.\n"
        "  Step 'mail': no handler for 'mail'.\n"
        "Give handlers with handlers= or --handlers (a module, a file; in Python also a mapping), "
        "or stubs of these steps with stubs= or --stubs."
    )


def test_missing_handlers_can_be_allowed(workflow, profile):
    """Then the step fails as in Tasker: permanently, as handler_not_found."""
    run = Simulation(workflow("charge"), profile=profile, missing_handlers="allow").run()
    assert run.state == "blocked_by_failures"
    assert run["charge"].error == "handler_not_found: Handler not found: charge"
    assert len(run["charge"].attempts) == 1


def test_what_handlers_see_of_the_task(workflow, handler, profile):
    """initiator, source_system, reason, tags and priority are the task's."""
    fields = {"initiator": "ann", "source_system": "web", "reason": "order", "tags": ["vip"], "priority": 3}
    seen = []

    def look(context):
        task = context.event.task_sequence_step["task"]["task"]
        seen.append({name: task[name] for name in fields})

    Simulation(workflow("a"), handlers={"a": handler(look)}, profile=profile, **fields).run()
    assert seen == [fields]


def test_an_operators_actions(workflow):
    """Actions happen in every run; one that is refused fails the run."""
    simulation = Simulation(
        workflow("a"), stubs={"a": {}}, durations={"a": "1m"}, actions=[{"do": "cancel", "at": "5s"}]
    )
    assert [simulation.run().state for _ in range(2)] == ["cancelled", "cancelled"]
    late = Simulation(workflow("a"), stubs={"a": {}}, actions=[{"do": "cancel", "at": "5s"}])
    with pytest.raises(RunError) as caught:
        late.run()
    assert str(caught.value) == (
        "These actions were refused in a run that ended complete:\n"
        "  cancel at 5 s: Can't cancel the task: it is complete, and that is an end."
    )


def test_the_page_has_every_keyword():
    """docs/fixtures.md explains exactly what the marker takes, which is what a Simulation takes and two more."""
    table = FIXTURES_PAGE.read_text(encoding="utf-8").partition("| keyword |")[2].partition("\n\n")[0]
    explained = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split(" | ")[0])]
    assert sorted(explained) == sorted(KEYWORDS)
