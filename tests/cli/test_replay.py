"""``tasker-testkit replay``: what a token stands for, once more, and whether it is the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasker_testkit import Simulation, explore, state_is
from tasker_testkit.cli import main
from tasker_testkit.search.keeping import kept_below
from tasker_testkit.worker.walltime import World

LOST = [{"step": "charge", "attempt": 1, "lose_result": True}]
REST = ("orders.yaml", "--handlers", "handlers.py", "--input", "cart.json")
SAME = "\nThe same run as the token's, to the byte.\n"


@pytest.fixture
def token(folder, capfd):
    """The token of a run of the folder's workflow with these keywords of Simulation."""

    def token(**fields):
        simulation = Simulation(Path("orders.yaml"), handlers=folder / "handlers.py", **fields)
        text = simulation.run({"total": 5}).token
        capfd.readouterr()
        return text

    return token


def edit(name, old, new):
    """Change a file of the folder."""
    text = Path(name).read_text()
    assert old in text
    Path(name).write_text(text.replace(old, new))


@pytest.mark.parametrize(
    "fields",
    [
        {"faults": LOST},
        {"faults": LOST, "profile": "tasker-0.1.8", "seed": 9},
        {"start": "2027-03-04T05:06:07Z", "workers": 1, "seed": -3, "timezone": "Asia/Tokyo"},
        {"faults": LOST, "actions": [{"do": "cancel", "at": "5s"}]},
    ],
)
def test_the_same_run_in_another_process(token, shell, fields):
    """A token's run is the same in another process: timeline on standard output, exit code 0."""
    ran = shell("replay", token(**fields), *REST)
    assert (ran.returncode, ran.stdout[-len(SAME) :]) == (0, SAME), ran.stderr
    assert ran.stdout.startswith("shop/orders 1.0.0\n")


def test_other_handlers_make_another_run(token, run):
    """Exit code 1, the timeline as it is now, and a sentence."""
    text = token(faults=LOST)
    edit("handlers.py", '"charged":', '"paid":')
    code, out, _ = run("replay", text, *REST)
    assert code == 1
    assert '{"paid": 5}' in out
    assert out.endswith(
        "\nAnother run than the token's. With the same template, input, faults and seed it is the handlers, their "
        "doubles or stubs that do something else now.\n"
    )


def test_a_changed_template_is_said_and_tried_only_anyway(token, run):
    """Exit code 2 with what changed; with --anyway the run, and the same on standard error."""
    text = token(faults=LOST)
    edit("orders.yaml", "max_attempts: 2", "max_attempts: 4")
    code, out, err = run("replay", text, *REST)
    assert (code, out) == (2, "")
    assert err == (
        "tasker-testkit: This token was made with another template or input:\n"
        "  step 'validate' changed: one of retry, timeout_seconds\n"
        "  step 'charge' changed: one of retry, timeout_seconds\n"
        "  Give those, or try all the same: --anyway in the shell, --tasker-replay-anyway in pytest, anyway=True in "
        "Python.\n"
    )
    code, out, err = run("replay", text, *REST, "--anyway")
    assert (code, "lose_result" in out) == (1, True)
    assert out.endswith("Another run than the token's, as is to be expected of another template or input.\n")
    assert "since the token was made, template or input have changed:\n  step 'validate' changed" in err


def test_another_input_is_said(token, run):
    """The input isn't in the token, but the token knows a wrong one."""
    code, _, err = run("replay", token(), *REST[:-1], '{"total": 6}')
    assert (code, "\n  the input is another one\n" in err) == (2, True)


def test_another_template_is_said(token, run):
    """A token of a template with another name."""
    text = token()
    edit("orders.yaml", "name: orders", "name: parcels")
    code, _, err = run("replay", text, *REST)
    assert (code, "\n  the template is 'parcels', the token's is 'orders'\n" in err) == (2, True)


def test_a_fault_that_the_changed_template_cannot_have(token, run):
    """With --anyway a plan that doesn't fit any more says why."""
    text = token(faults=LOST)
    edit("orders.yaml", "name: charge", "name: pay")
    code, _, err = run("replay", text, *REST, "--anyway")
    assert code == 2
    assert "can never fire: template 'orders' has no step 'charge'" in err


def test_a_fault_that_no_longer_fires_makes_another_run(token, run):
    """Handlers that fail earlier: the timeline shows it."""
    text = token(faults=LOST)
    edit("handlers.py", 'success({"total"', 'failure("no", retryable=False) or ({"total"')
    code, out, _ = run("replay", text, *REST)
    assert (code, "blocked_by_failures" in out, "Another run than the token's" in out) == (1, True, True)


def test_a_handler_that_hangs_now_is_shown_so_far(token, run, monkeypatch):
    """Exit code 1, the timeline until then, and which handler it is."""
    text = token(faults=LOST)
    edit("handlers.py", "import os", "import os, threading")
    edit("handlers.py", 'StepHandlerResult.success({"charged"', 'threading.Event().wait() and ({"charged"')
    monkeypatch.setattr("tasker_testkit.simulation.World", lambda **_: World(real_timeout=0.3))
    code, out, err = run("replay", text, *REST)
    assert (code, out.splitlines()[0]) == (1, "shop/orders 1.0.0")
    assert re.search("^tasker-testkit: .*'charge'", err, re.MULTILINE)


def test_a_kept_failure_is_replayed_with_its_input(folder, run):
    """The file has token and input; another input can be given, and is said to be another one."""
    simulation = Simulation(Path("orders.yaml"), handlers=folder / "handlers.py")
    with kept_below(folder):
        (failure, _) = explore(simulation, {"total": 7}, check=state_is("complete"), kinds="fail_permanent").failures
    file = str(failure.kept.relative_to(folder))
    code, out, _ = run("replay", file, *REST[:-2])
    assert (code, out[-len(SAME) :], '{"total": 7}' in out) == (0, SAME, False)
    code, _, err = run("replay", file, *REST)
    assert (code, "the input is another one" in err) == (2, True)


def test_a_file_that_is_not_there(run):
    """Exit code 2, and which files there are."""
    code, out, err = run("replay", "nowhere.json", *REST)
    assert (code, out) == (2, "")
    assert err == "tasker-testkit: There is no file nowhere.json. JSON files in that folder:\n  cart.json\n"


def test_a_token_without_its_template(token, run):
    """Exit code 2; the template is named."""
    code, out, err = run("replay", token())
    assert (code, out) == (2, "")
    assert err == ("tasker-testkit: The token is of template 'orders'. Give that too: replay TOKEN TEMPLATE.\n")


def test_options_may_stand_before_the_template(token, run):
    """The order of arguments doesn't matter."""
    text = token()
    assert run("replay", "--input", "cart.json", text, "--handlers=handlers.py", "orders.yaml")[0] == 0
    assert run("replay", text, "--input", "cart.json", "orders.yaml", "--handlers", "handlers.py")[0] == 0


def test_what_is_no_token_is_refused(run):
    """Exit code 2 and one sentence; the template isn't even read."""
    code, out, err = run("replay", "Ahello", "nowhere.yaml")
    assert (code, out) == (2, "")
    assert err.startswith("tasker-testkit: This token is damaged: a character of it was changed, added or lost (6 are")


def test_damage_that_looks_like_an_option(capsys):
    """A token never begins with a dash, so that the shell's parser takes any for what it is."""
    assert main(["replay", "-x", "orders.yaml"]) == 2
    assert capsys.readouterr().err.startswith("tasker-testkit: ")
