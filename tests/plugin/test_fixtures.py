"""Each fixture does what its docstring promises, in a suite of somebody else."""

from __future__ import annotations

MARKED = """
import pytest
from datetime import timedelta

pytestmark = pytest.mark.tasker(template="orders.yaml", handlers="handlers")

"""


def test_a_workflow_runs_to_its_end(suite):
    """tasker_run runs the marker's template with the real handlers that lie beside the test file."""
    result = suite(
        MARKED
        + """
def test_run(tasker_run):
    run = tasker_run({"total": 5})
    assert run.state == "complete"
    assert run["charge"].result == {"charged": 5}
"""
    )
    result.assert_outcomes(passed=1)


def test_a_fault_costs_an_attempt(suite):
    """A fault planned with tasker_faults before the run fires in it, and the policy's wait follows."""
    result = suite(
        MARKED
        + """
def test_run(tasker_run, tasker_faults):
    tasker_faults.fail("charge", attempt=1, error_type="timeout")
    run = tasker_run({"total": 5})
    assert run.state == "complete"
    assert run["charge"].waits == [timedelta(milliseconds=100)]
"""
    )
    result.assert_outcomes(passed=1)


def test_faults_added_later_apply_to_later_runs(suite):
    """A run is as the plan was when it began; a fault added behind it changes the next one only, its history too."""
    result = suite(
        MARKED
        + """
def test_run(tasker_run, tasker_faults):
    before = tasker_run({"total": 5})
    tasker_faults.fail("charge", attempt=1)
    after = tasker_run({"total": 5})
    assert [len(run["charge"].attempts) for run in (before, after)] == [1, 2]
    assert before.history.to_data()["faults"] == []
    assert len(after.history.to_data()["faults"]) == 1
"""
    )
    result.assert_outcomes(passed=1)


def test_an_impossible_fault_is_refused_whenever_it_is_added(suite):
    """A fault for an unknown step fails the run with the near name, also when the simulation was built before it."""
    result = suite(
        MARKED
        + """
def test_run(tasker_simulation, tasker_run, tasker_faults):
    tasker_faults.fail("chrage")
    tasker_run({"total": 5})
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * template 'orders' has no step 'chrage'. Did you mean 'charge'? Its steps:"])


def test_an_unused_fault_fails_the_run(suite):
    """A fault that never fires fails the run that was to have it, and unused_faults="allow" is the way out."""
    result = suite(
        MARKED
        + """
def plan(faults):
    faults.fail("validate", attempt=1, retryable=False).fail("charge", attempt=1)

def test_strict(tasker_run, tasker_faults):
    plan(tasker_faults)
    tasker_run({"total": 5})

@pytest.mark.tasker(unused_faults="allow")
def test_allowed(tasker_run, tasker_faults):
    plan(tasker_faults)
    assert tasker_run({"total": 5}).state == "blocked_by_failures"
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E *FaultError: These faults never fired in a run that ended blocked_by_failures:"])


def test_overrides_hold_for_one_run(suite):
    """Keywords of tasker_run change that run and no other."""
    result = suite(
        MARKED
        + """
def test_run(tasker_run, tasker_faults):
    tasker_faults.fail("charge", attempt=1)
    other = tasker_run({"total": 5}, seed=7, stubs={"charge": {"charged": 0}})
    assert (other.history.seed, other["charge"].result) == (7, {"charged": 0})
    again = tasker_run({"total": 5})
    assert (again.history.seed, again["charge"].result) == (0, {"charged": 5})
    assert [len(run["charge"].attempts) for run in (other, again)] == [2, 2]
"""
    )
    result.assert_outcomes(passed=1)


def test_the_simulation_can_be_driven(suite):
    """tasker_simulation is the marker's Simulation, the same that tasker_run runs."""
    result = suite(
        MARKED
        + """
def test_run(tasker_simulation, tasker_faults):
    tasker_faults.fail("charge", attempt=1)
    with tasker_simulation.start({"total": 5}) as task:
        task.run_until(step="charge", state="waiting_for_retry")
        assert task.state == "waiting_for_retry"
        assert task.finish().state == "complete"
"""
    )
    result.assert_outcomes(passed=1)


def test_one_handler_sees_the_frozen_clock(suite):
    """tasker_clock sets the time that a handler sees in tasker_call; it begins at the marker's start."""
    result = suite(
        MARKED
        + """
from handlers import ValidateHandler

@pytest.mark.tasker(start="2026-03-01T12:00:00Z")
def test_one(tasker_context, tasker_call, tasker_clock):
    def seen():
        return tasker_call(ValidateHandler, tasker_context("validate", input={"total": 1})).result["at"]

    assert seen() == "2026-03-01T12:00:00+00:00"
    tasker_clock.shift("90s")
    assert seen() == "2026-03-01T12:01:30+00:00"
    tasker_clock.move_to("2027-01-01")
    assert seen() == tasker_clock.now.isoformat() == "2027-01-01T00:00:00+00:00"
""",
        "-p",
        "no:randomly",
        "-o",
        "pythonpath=.",
    )
    result.assert_outcomes(passed=1)


def test_a_context_needs_no_marker(suite):
    """Without a template nothing is checked: any step, any dependency."""
    result = suite(
        """
from handlers import ChargeHandler

def test_one(tasker_context, tasker_call):
    context = tasker_context("anything", dependencies={"validate": {"total": 3}}, attempt=2)
    assert context.retry_count == 1
    assert tasker_call(ChargeHandler, context).result == {"charged": 3}
"""
    )
    result.assert_outcomes(passed=1)


def test_a_context_is_checked_against_the_template(suite):
    """With a template a misspelt step is an error that names the near one and shows the test's own line only."""
    result = suite(
        MARKED
        + """
def test_one(tasker_context):
    tasker_context("chrage")
"""
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">   *tasker_context(*chrage*", "E *StubError: *'chrage'*Did you mean 'charge'?*"])
    result.stdout.no_fnmatch_line("*bench.py*")


def test_full_trace_shows_everything(suite):
    """--full-trace keeps our frames in the traceback."""
    result = suite(MARKED + "def test_one(tasker_context):\n    tasker_context('chrage')\n", "--full-trace")
    result.stdout.fnmatch_lines(["*bench.py*"])


def test_fixtures_are_documented(pytester):
    """pytest --fixtures shows every fixture with its first sentence."""
    result = pytester.runpytest("--fixtures")
    for name in ("context", "call", "run", "faults", "simulation", "clock"):
        result.stdout.fnmatch_lines([f"tasker_{name} -- *fixtures.py*"])
    result.stdout.no_fnmatch_line("*no docstring available*tasker*")


def test_the_classes_work_without_pytest(project):
    """A Bench, which is behind all fixtures, runs a workflow in a plain script."""
    project.makepyfile(
        script="""
        from pathlib import Path
        from tasker_testkit.bench import Bench
        from tasker_testkit.settings import Layer

        bench = Bench([Layer("script", {"template": "orders.yaml", "handlers": "handlers.py"}, (Path.cwd(),))])
        bench.faults.fail("charge", attempt=1)
        print(bench.run({"total": 5}).state, bench.clock.now.year)
        """
    )
    result = project.runpython("script.py")
    assert (result.ret, result.outlines) == (0, ["complete 2026"])


def test_effects_of_calls_and_runs(suite):
    """tasker_effects lists what this test's calls and runs booked, in order, all or of one name; no other test's."""
    result = suite(
        """
import pytest
from tasker_core import StepHandler, StepHandlerResult
from tasker_testkit import effect

class Charge(StepHandler):
    handler_name = "charge"

    def call(self, context):
        effect("charge", key=context.get_input("total"))
        effect("mail")
        return StepHandlerResult.success({})

pytestmark = pytest.mark.tasker(template="orders.yaml", handlers={"charge": Charge}, stubs={"validate": {}})

def test_both(tasker_context, tasker_call, tasker_run, tasker_effects):
    tasker_call(Charge, tasker_context("charge", input={"total": 1}, dependencies={"validate": {}}, attempt=2))
    tasker_run({"total": 2})
    assert [(e.name, e.key, e.attempt) for e in tasker_effects("charge")] == [("charge", 1, 2), ("charge", 2, 1)]
    assert [e.name for e in tasker_effects()] == ["charge", "mail"] * 2

def test_none(tasker_effects):
    assert tasker_effects() == []
"""
    )
    result.assert_outcomes(passed=2)
