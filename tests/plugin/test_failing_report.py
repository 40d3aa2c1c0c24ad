"""The report of a failing test shows the runs that were made in it, and the command that makes them again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_testkit.sections import reproduction

MARK = "import pytest\npytestmark = pytest.mark.tasker(template='orders.yaml', handlers='handlers')\n"
PLAIN = """
from tasker_testkit import Simulation

ORDERS = Simulation("orders.yaml", handlers="handlers.py", seed=42)
"""


def sections(result: pytest.RunResult, title: str) -> list[str]:
    """The lines of each section with that title, joined."""
    text = "\n".join(result.outlines)
    found = text.split(f" {title} ")[1:]
    return [part.partition("\n")[2].partition("\n---")[0].partition("\n===")[0] for part in found]


def command(result: pytest.RunResult) -> str:
    """The only command that is shown."""
    (found,) = sections(result, "run this test again")
    return found.splitlines()[0]


def test_a_failing_test_shows_its_timeline(suite):
    """The timeline of the run that the assert was about is in the report."""
    result = suite(
        MARK
        + """
def test_run(tasker_run, tasker_faults):
    tasker_faults.fail("charge", attempt=1, error_type="timeout")
    run = tasker_run({"total": 5})
    assert run.state == "error"
"""
    )
    (section,) = sections(result, "Tasker runs")
    lines = section.splitlines()
    assert lines[0].startswith("shop/orders 1.0.0")
    assert any("charge" in line and "timeout" in line for line in lines)


def test_a_passing_test_shows_nothing(suite):
    """Runs of a test that passed are nobody's business, with -rA too."""
    result = suite(MARK + "def test_run(tasker_run):\n    tasker_run({})\n", "-rA")
    result.stdout.no_fnmatch_line("*Tasker runs*")
    result.stdout.no_fnmatch_line("*run this test again*")


def test_a_failing_test_without_runs_shows_nothing(suite):
    """The sections come only with runs."""
    result = suite("def test_run():\n    assert 0\n")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*run this test again*")


def test_runs_of_a_plain_simulation_are_shown(suite):
    """A Simulation made by hand is noticed as well."""
    result = suite(PLAIN + "def test_run():\n    assert ORDERS.run({}).state == 'error'\n")
    (section,) = sections(result, "Tasker runs")
    assert "seed 42" in section


def test_each_test_shows_its_own_runs(suite):
    """Runs of one test aren't in the report of another."""
    result = suite(
        PLAIN
        + """
def test_one():
    ORDERS.run({"total": 1})
    assert 0

def test_two():
    ORDERS.run({"total": 2})
    assert 0
"""
    )
    one, two = sections(result, "Tasker runs")
    assert '"charged": 1' in one
    assert '"charged": 2' not in one
    assert '"charged": 2' in two
    assert '"charged": 1' not in two


@pytest.mark.parametrize(
    ("made", "line"), [(5, None), (6, "(1 earlier run left out)"), (9, "(4 earlier runs left out)")]
)
def test_the_last_five_runs_are_shown(suite, made, line):
    """At most five timelines, the latest, and the number of those that were left out."""
    result = suite(PLAIN + f"def test_run():\n    [ORDERS.run({{'total': n}}) for n in range({made})]\n    assert 0\n")
    (section,) = sections(result, "Tasker runs")
    assert [f'"charged": {n}' in section for n in range(made)] == [n >= made - 5 for n in range(made)]
    assert section.splitlines()[0] == line if line else "left out" not in section


def test_an_unused_fault_shows_the_run_it_was_unused_in(suite):
    """The run that ended without its fault is in the report."""
    result = suite(
        MARK
        + """
def test_run(tasker_run, tasker_faults):
    tasker_faults.fail("charge", attempt=2)
    tasker_run({"total": 5})
"""
    )
    (section,) = sections(result, "Tasker runs")
    assert "complete" in section


def test_an_unused_stub_shows_the_runs(suite):
    """The error at teardown shows the runs that didn't use the stub, once."""
    result = suite(
        "import pytest\n@pytest.mark.tasker('orders.yaml', stubs={'validate': ValueError('no'), 'charge': {}})\n"
        "def test_run(tasker_run):\n    tasker_run({})\n"
    )
    assert len(sections(result, "Tasker runs")) == 1


def test_the_command_has_what_was_given(suite):
    """Seed and profile are in the command if, and as, they were on the command line."""
    body = MARK + "def test_run(tasker_run):\n    assert tasker_run({}).state == 'error'\n"
    assert command(suite(body)) == "pytest test_orders.py::test_run"
    line = ("--tasker-profile", "tasker-0.1.8", "--tasker-seed", "7")
    assert (
        command(suite(body, *line)) == "pytest test_orders.py::test_run --tasker-seed=7 --tasker-profile=tasker-0.1.8"
    )


def test_the_command_reproduces_a_parametrised_test(suite, project):
    """Whatever the id holds, the command runs exactly that test again, from where it was printed."""
    result = suite(
        MARK
        + """
@pytest.mark.parametrize("text", ["plain", "a b's [c]::d $HOME \\\\ ü"])
def test_run(tasker_run, text):
    run = tasker_run({"total": text})
    assert run["charge"].result["charged"] == "plain"
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    again = project.runpytest(*shlex.split(command(result))[1:])
    again.assert_outcomes(failed=1)
    assert command(again) == command(result)


def test_the_command_starts_where_pytest_did(project, monkeypatch):
    """In a folder below rootdir the command's path is relative to that folder."""
    project.makeini("[pytest]\n")
    folder = project.mkdir("below")
    (folder / "test_orders.py").write_text(MARK + "def test_run(tasker_run):\n    assert tasker_run({}).state == ''\n")
    monkeypatch.chdir(folder)
    assert command(project.runpytest()) == "pytest test_orders.py::test_run"


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1),
    options=st.lists(st.text(st.characters(exclude_categories=["Cs"])).map("--x={}".format)),
)
def test_any_command_survives_the_shell(names, options):
    """A shell splits the command into exactly pytest, the node id and the options."""
    nodeid = "::".join(["folder/test_it.py", *names])
    text = reproduction(nodeid, options, root=Path("/project"), here=Path("/project"))
    assert shlex.split(text) == ["pytest", nodeid, *options]


def test_hypothesis_shows_the_minimal_run(suite):
    """In a property that fails, the last run shown is the one of the minimal example."""
    result = suite(
        PLAIN
        + """
from hypothesis import given, settings, strategies as st

@settings(database=None)
@given(st.integers(0, 1000))
def test_run(total):
    assert ORDERS.run({"total": total})["charge"].result["charged"] < 7
"""
    )
    (section,) = sections(result, "Tasker runs")
    assert section.rindex('"charged": 7') > section.rindex("shop/orders")


def test_reports_travel_from_xdist(suite, project):
    """With -n 2 the sections are in the report as without it, and the command too."""
    pytest.importorskip("xdist")
    project.makepyfile(test_orders=MARK + "def test_run(tasker_run):\n    assert tasker_run({}).state == 'error'\n")
    result = project.runpytest_subprocess("-n", "2", "-W", "error")
    result.assert_outcomes(failed=1)
    (section,) = sections(result, "Tasker runs")
    assert section.startswith("shop/orders 1.0.0")
    assert command(result) == "pytest test_orders.py::test_run"
