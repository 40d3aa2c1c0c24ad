"""Failure-path coverage of a suite: what counts, the table, the file, the threshold, and many workers."""

from __future__ import annotations

import json

import pytest

SUITE = """
    import pytest

    pytestmark = pytest.mark.tasker(template="orders.yaml", handlers="handlers.py")

    def test_plain(tasker_run):
        assert tasker_run({"total": 1}).state == "complete"

    def test_busy(tasker_run, tasker_faults):
        tasker_faults.fail("charge", attempt=1)
        assert tasker_run({"total": 1}).state == "complete"
"""
EVERYTHING = """
    import pytest

    FAULTS = [
        {"attempt": 1, "fail": {}}, {"fail": {}}, {"fail": {"retryable": False}},
        {"attempt": 1, "crash": "before"}, {"attempt": 1, "crash": "after"},
    ]

    @pytest.mark.tasker(template="orders.yaml", handlers="handlers.py")
    @pytest.mark.parametrize("fault", FAULTS)
    @pytest.mark.parametrize("step", ["validate", "charge"])
    def test_all(tasker_run, step, fault):
        tasker_run({"total": 1}, faults=[{"step": step, **fault}])
"""
MANY_WAYS = """
    import pytest
    from tasker_testkit import Simulation

    def simulation(**keywords):
        return Simulation("orders.yaml", handlers="handlers.py", **keywords)

    @pytest.fixture(scope="module")
    def earlier():
        yield simulation(faults=[{"step": "validate", "fail": {}}]).run({"total": 1})
        simulation(faults=[{"step": "validate", "attempt": 1, "crash": "before"}]).run({"total": 1})

    def test_fixture(earlier):
        assert earlier.state == "blocked_by_failures"

    def test_driven():
        with simulation(faults=[{"step": "charge", "fail": {"retryable": False}}]).start({"total": 1}) as task:
            task.finish()
        with simulation(faults=[{"step": "validate", "attempt": 1, "fail": {}}]).start({"total": 1}) as task:
            task.run_until(step="validate", state="complete")
"""
NOBODYS = """
    from tasker_testkit import Simulation
    from tasker_testkit.search.exploring import explore

    SIMULATION = Simulation("orders.yaml", handlers="handlers.py")
    Simulation("orders.yaml", handlers="handlers.py", faults=[{"step": "charge", "fail": {}}]).run({"total": 1})

    def test_rows():
        assert not SIMULATION.run({"total": 1}).divergences

    def test_exploration():
        assert len(explore(SIMULATION, {"total": 1}).plans) > 5
"""
INNER = """
    import pytest

    pytest_plugins = ["pytester"]

    @pytest.mark.tasker(template="orders.yaml", handlers="handlers.py")
    def test_outer(tasker_run, pytester, request):
        tasker_run({"total": 1})
        folder = request.path.parent
        pytester.makepyfile(f'''
            from tasker_testkit import Simulation

            def test_inner():
                faults = [{{"step": "charge", "fail": {{}}}}]
                orders = Simulation(r"{folder}/orders.yaml", handlers=r"{folder}/handlers.py", faults=faults)
                assert orders.run({{"total": 1}}).state == "blocked_by_failures"
        ''')
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
"""
COST = """
    import sys

    def test_cost(request):
        assert not request.config.pluginmanager.has_plugin("tasker_testkit_covering")
        assert "tasker_testkit.model.coverage" not in sys.modules
"""
TABLE = """\
============================= Tasker failure paths =============================
shop/orders 1.0.0 · 3 of 13

          first  after                        crashed  crashed
          time   retry  exhausted  permanent  before   after    blocked
validate  ✓      ✗      ✗          ✗          ✗        ✗
charge    ✓      ✓      ✗          ✗          ✗        ✗        ✗

Missing, and what gets there:
validate
  after retry     tasker_faults.fail("validate", attempt=1)
  exhausted       tasker_faults.fail("validate")
  permanent       tasker_faults.fail("validate", retryable=False)
  crashed before  tasker_faults.crash("validate", attempt=1)
  crashed after   tasker_faults.crash("validate", when="after", attempt=1)
charge
  exhausted       tasker_faults.fail("charge")
  permanent       tasker_faults.fail("charge", retryable=False)
  crashed before  tasker_faults.crash("charge", attempt=1)
  crashed after   tasker_faults.crash("charge", when="after", attempt=1)
  blocked         tasker_faults.fail("validate", retryable=False)

3 of 13 failure paths and branches taken, 23.08 %
"""


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    """A terminal as wide as most."""
    monkeypatch.setenv("COLUMNS", "80")


def test_the_table_names_what_is_missing(suite):
    """Which paths the tests took, and for each missing one the line that gets there."""
    result = suite(SUITE, "--tasker-cov")
    assert TABLE in result.stdout.str() + "\n"
    assert result.ret == 0


def test_nobody_listens_unless_somebody_asks(project):
    """Without an option, or if tests are only listed, nothing is printed, and no part of it is even imported."""
    project.makepyfile(COST)
    for result in (project.runpytest_subprocess(), project.runpytest("--collect-only", "--tasker-cov")):
        assert (result.ret, "failure paths" in result.stdout.str()) == (0, False)


@pytest.fixture
def written(suite, project):
    """Run a suite; what it writes as JSON, and how it ended: ``data, result = written(source, *arguments)``."""

    def run(source, *arguments):
        result = suite(source, "--tasker-cov-json=coverage.json", *arguments)
        return json.loads((project.path / "coverage.json").read_text()), result

    return run


def taken(data):
    """The cells that the file says were reached."""
    return [f"{cell['step']} {cell['name']}" for cell in data["cells"] if cell["covered"]]


def test_the_file_has_every_cell(written):
    """Format, version, figures, and all cells in the template's order, the missing ones with their faults."""
    data, result = written(SUITE)
    assert (data["format"], data["version"]) == ("tasker-testkit/coverage", 1)
    assert (data["covered"], data["reachable"], data["percent"]) == (3, 13, 23.08)
    assert taken(data) == ["validate first time", "charge first time", "charge after retry"]
    assert data["cells"][2] == {
        "template": "shop/orders 1.0.0",
        "place": 0,
        "step": "validate",
        "kind": "path",
        "name": "exhausted",
        "covered": False,
        "fault": 'tasker_faults.fail("validate")',
    }
    result.stdout.fnmatch_lines(["3 of 13 failure paths and branches taken, 23.08 %", "written to coverage.json"])
    assert "Missing" not in result.stdout.str()


def test_many_workers_write_what_one_process_writes(project):
    """Two xdist workers, each with some of the tests, are one coverage: the same bytes."""
    project.makepyfile(test_orders=SUITE, test_more=SUITE)
    alone = project.runpytest("--tasker-cov-json=alone.json")
    together = project.runpytest_subprocess("-n", "2", "--tasker-cov-json=together.json")
    for result in (alone, together):
        result.assert_outcomes(passed=4)
        assert result.stdout.str().count("Tasker failure paths") == 1
    files = [(project.path / name).read_bytes() for name in ("alone.json", "together.json")]
    assert files[0] == files[1]
    assert json.loads(files[0])["covered"] == 3


def test_a_worker_that_dies_takes_its_part_with_it(project):
    """That is said, since the figure is then too low; nobody else's part is lost."""
    project.makepyfile(test_orders=SUITE + "\n    def test_death():\n        import os; os._exit(1)\n")
    result = project.runpytest_subprocess("-n", "1", "--tasker-cov")
    assert "FAILED: worker gw0 died; what its tests took is missing" in result.outlines
    assert result.ret == 1


@pytest.mark.parametrize(("under", "status"), [(23, 0), (23.07, 0), (23.1, 1), (100, 1)])
def test_a_threshold_fails_the_session(suite, under, status):
    """Below it the exit status is that of failed tests, and a line says why; the tests themselves have passed."""
    result = suite(SUITE, f"--tasker-cov-fail-under={under}")
    result.assert_outcomes(passed=2)
    assert result.ret == status
    line = f"FAILED: 23.08 % is less than --tasker-cov-fail-under={under:g}"
    assert (line in result.outlines) is bool(status)


def test_all_there_is_can_be_had(suite):
    """A suite with every fault has 100 %, and nothing is missing."""
    result = suite(EVERYTHING, "--tasker-cov", "--tasker-cov-fail-under=100")
    assert result.ret == 0
    assert "13 of 13 failure paths and branches taken, 100.00 %" in result.outlines
    assert "Missing" not in result.stdout.str()


def test_a_suite_without_a_run_reaches_no_threshold(suite):
    """No workflow was run: that is said, and it is less than anything."""
    result = suite("def test_nothing():\n    pass\n", "--tasker-cov", "--tasker-cov-fail-under=1")
    assert "No workflow was run." in result.outlines
    assert "FAILED: 0.00 % is less than --tasker-cov-fail-under=1" in result.outlines
    assert result.ret == 1


def test_a_failing_test_still_fails(suite):
    """The status of a session with failed tests is theirs, with and without a threshold; their runs count."""
    result = suite(SUITE + "        assert False\n", "--tasker-cov-fail-under=1")
    result.assert_outcomes(passed=1, failed=1)
    assert "3 of 13 failure paths and branches taken, 23.08 %" in result.outlines
    assert result.ret == 1


def test_a_session_without_tests_keeps_its_own_status(suite):
    """Nothing was collected: that is the trouble, not the threshold."""
    assert suite("", "--tasker-cov-fail-under=1").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_every_run_of_a_test_counts(written):
    """Those of fixtures, of plain simulations, of tasks driven by hand or abandoned."""
    data, _ = written(MANY_WAYS)
    assert taken(data) == [
        "validate first time",
        "validate after retry",
        "validate exhausted",
        "validate crashed before",
        "charge first time",
        "charge permanent",
        "charge blocked",
    ]


def test_runs_that_nobody_asked_for_do_not_count(written):
    """Neither those that look for the rows that matter, nor those of an exploration, nor those outside of tests."""
    data, result = written(NOBODYS)
    assert result.parseoutcomes() == {"passed": 2}
    assert taken(data) == ["validate first time", "charge first time"]


def test_a_suite_run_by_a_test_is_another_suite(written):
    """Whoever tests a plugin runs sessions in a test: what those take isn't the test's own."""
    data, result = written(INNER)
    assert result.parseoutcomes() == {"passed": 1}
    assert taken(data) == ["validate first time", "charge first time"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--tasker-cov-json=nowhere/c.json", "nowhere/c.json is in a folder that doesn't exist; make it first"),
        ("--tasker-cov-json=.", ". is a folder; name a file in it"),
        ("--tasker-cov-fail-under=101", "'101' is no percentage; give a number from 0 to 100"),
        ("--tasker-cov-fail-under=most", "'most' is no percentage; give a number from 0 to 100"),
        ("--tasker-cov-fail-under=nan", "'nan' is no percentage; give a number from 0 to 100"),
    ],
)
def test_bad_options_are_refused_before_anything_runs(suite, option, message):
    """One line that says what is wrong with which option."""
    result = suite(SUITE, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"error: argument {option.partition('=')[0]}: {message}" in result.stderr.str()


def test_a_file_that_cannot_be_written_is_said(suite, project):
    """A folder that vanishes during the session: the tests have passed, the session hasn't."""
    (project.path / "out").mkdir()
    result = suite(SUITE + "        import os; os.rmdir('out')\n", "--tasker-cov-json=out/coverage.json")
    result.stdout.fnmatch_lines(["FAILED: can't write *coverage.json: No such file or directory"])
    assert result.ret == 1
