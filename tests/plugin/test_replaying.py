"""``--tasker-replay=TOKEN``: every simulation of the token's template runs as the token has it."""

from __future__ import annotations

import re

import pytest

PASSES = """\
    import pytest

    @pytest.mark.tasker(template="orders.yaml", handlers="handlers", seed=3)
    def test_order(tasker_run):
        run = tasker_run({"total": 5}, **OVERRIDES)
        print("token", run.token)
        print("attempts", len(run["charge"].attempts), run.history.seed, run.history.profile)
"""
PLAIN = PASSES.replace("**OVERRIDES", "")


@pytest.fixture
def token(suite, monkeypatch):
    """The token of a run that some process made: ``token("faults=[...]") -> str``."""

    def make(overrides: str) -> str:
        ran = suite(PASSES.replace("**OVERRIDES", overrides), "-s", "-q")
        return next(line.split()[1] for line in ran.outlines if line.startswith("token"))

    return make


CRASH = 'faults=[{"step": "charge", "attempt": 1, "crash": "after"}], seed=7, profile="tasker-0.1.8"'
LOST = 'faults=[{"step": "charge", "attempt": 1, "lose_result": True}]'


def test_a_test_runs_as_the_token_has_it(suite, token):
    """Faults, seed and profile are the token's, whatever the marker says; the end says that it was the same run."""
    text = token(CRASH)
    ran = suite(PLAIN, "-s", f"--tasker-replay={text}")
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(
        [
            f"*token {text}",
            "attempts 1 7 tasker-0.1.8",
            "*= Tasker replay =*",
            "'orders' ran 1 time as the token has it (crash at charge, attempt 1); that was the token's run, to the *",
        ]
    )


def test_simulations_that_the_test_makes_itself_are_replayed_too(suite, token):
    """Every simulation of the template in the session, with or without the plugin's fixtures."""
    text = token(LOST)
    ran = suite(
        """\
        from tasker_testkit import Simulation

        def test_order():
            simulation = Simulation("orders.yaml", handlers="handlers")
            for _ in range(2):
                assert len(simulation.run({"total": 5})["charge"].attempts) == 2
        """,
        f"--tasker-replay={text}",
    )
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(["'orders' ran 2 times as the token has it (lose_result at charge, attempt 1); that was*"])


def test_other_templates_run_as_ever_and_a_token_that_met_none_fails(suite, token, project):
    """A token whose template never ran isn't taken for replayed: exit status 1, with the templates that did run."""
    text = token(LOST)
    project.path.joinpath("orders.yaml").write_text(
        project.path.joinpath("orders.yaml").read_text().replace("name: orders", "name: parcels")
    )
    ran = suite(PLAIN, f"--tasker-replay={text}")
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(
        [
            "The token is of template 'orders', and no simulation of that ran here, so nothing was replayed. "
            "Templates that ran:",
            "  parcels",
        ]
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_counts_of_all_processes_are_added_up(suite, token, workers):
    """The workers of pytest-xdist report what they met; none of them is asked for more."""
    text = token(LOST)
    two = PLAIN.replace("def test_order", '@pytest.mark.parametrize("n", [1, 2])\n    def test_order')
    ran = suite(two.replace("(tasker_run)", "(tasker_run, n)"), f"--tasker-replay={text}", *workers)
    ran.assert_outcomes(passed=2)
    ran.stdout.fnmatch_lines(["'orders' ran 2 times as the token has it*"])


def test_a_changed_template_fails_the_test_and_says_what_changed(suite, token, project):
    """The message names the step and what to do; with ``--tasker-replay-anyway`` it runs."""
    text = token(LOST)
    file = project.path / "orders.yaml"
    file.write_text(file.read_text().replace("callable: charge}", "callable: charge}\n    timeout_seconds: 9"))
    ran = suite(PLAIN, f"--tasker-replay={text}")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(
        [
            "*TokenError: This token was made with another template or input:",
            "*  step 'charge' changed: one of retry, timeout_seconds",
            "*Give those, or try all the same: --anyway in the shell, --tasker-replay-anyway in pytest, *",
        ]
    )
    again = suite(PLAIN, f"--tasker-replay={text}", "--tasker-replay-anyway")
    again.assert_outcomes(passed=1)


def test_another_input_is_said(suite, token):
    """A test with another input isn't the token's."""
    text = token(LOST)
    ran = suite(PLAIN.replace('"total": 5', '"total": 6'), f"--tasker-replay={text}")
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["*TokenError: This token was made with another template or input:", "*  the input is*"])


def test_other_handlers_make_another_run(suite, token, project):
    """A run with the token's faults that isn't the token's any more is said to be another one."""
    text = token(LOST)
    file = project.path / "handlers.py"
    file.write_text(file.read_text().replace('"charged":', '"paid":'))
    ran = suite(PLAIN, f"--tasker-replay={text}")
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(["*; that wasn't the token's run to the byte: handlers, doubles, stubs or input do *"])


def test_a_damaged_token_is_refused_before_anything_runs(suite):
    """Exit status 4 and one sentence."""
    ran = suite(PLAIN, "--tasker-replay=Ahello")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["ERROR: This token is damaged: a character of it was changed, added or lost (6 are*"])


def test_of_an_explored_test_only_the_tokens_plan_is_run(suite, token):
    """``tasker_explore`` makes one test of it, with the plan as its id."""
    marked = PLAIN.replace("def test_order", '@pytest.mark.tasker_explore(kinds="crash")\n    def test_order')
    ran = suite(marked, "-v", f"--tasker-replay={token(LOST)}")
    ran.assert_outcomes(passed=1)
    ran.stdout.fnmatch_lines(["test_orders.py::test_order[[]charge-1-lose_result[]] PASSED*"])


def test_nothing_stays_behind(suite, token):
    """The next session of this process replays nothing."""
    text = token(LOST)
    suite(PLAIN, f"--tasker-replay={text}")
    ran = suite(PLAIN, "-s")
    ran.stdout.fnmatch_lines(["*attempts 1 3 documented"])
    assert not re.search("Tasker replay", ran.stdout.str())


def test_divergences_are_not_replayed(suite, token):
    """What compares profiles goes on comparing them, on the token's faults."""
    text = token(LOST)
    ran = suite(
        PLAIN + '        print("rows", [each.row for each in run.divergences])\n', "-s", f"--tasker-replay={text}"
    )
    ran.stdout.fnmatch_lines(["*rows [[]21*"])
