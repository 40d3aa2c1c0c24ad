"""Tests under both profiles: who is doubled, what ``differs`` expects, and what the summary says at the end."""

from __future__ import annotations

import pytest

from tasker_testkit.differing import PAIR, Result, claimed, summary
from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.fidelity.rows import ROWS

HEAD = """
from datetime import timedelta

import pytest

pytestmark = pytest.mark.tasker(template="orders.yaml", handlers="handlers")
"""
WAITS = """
    tasker_faults.fail("charge", attempt=1, error_type="busy")
    run = tasker_run({"total": 7})
    assert run["charge"].waits == [timedelta(milliseconds=100)]
"""
SENTENCE = "`charge` fails and runs again at once, where its template says 100 ms;"


def marked(keywords, name="test_wait", body=WAITS):
    """A test with that marker that only the documents keep."""
    return f"\n@pytest.mark.tasker({keywords})\ndef {name}(tasker_run, tasker_faults):{body}"


def ids(result):
    """The names of the collected or reported tests, behind the file's."""
    return [line.partition("::")[2].split()[0] for line in result.outlines if line.startswith("test_orders.py::")]


def summed_up(result):
    """The lines of the summary, without indentation."""
    lines = [line.strip() for line in result.outlines]
    first = next(n for n, line in enumerate(lines) if "Tasker: documented and tasker-0.1.8" in line)
    last = next((n for n, line in enumerate(lines) if n > first and line.startswith("===")), len(lines))
    return lines[first + 1 : last]


# -- who is doubled ----------------------------------------------------------------------------------------------------

COLLECTED = (
    HEAD
    + """
def test_plain(tasker_run): ...

@pytest.mark.parametrize("n", [1, 2])
def test_parameters(tasker_run, n): ...

@pytest.mark.tasker(profile="documented")
def test_its_own(tasker_run): ...

def test_of_something_else(): ...

@pytest.fixture
def order(tasker_run):
    return tasker_run({})

def test_by_a_fixture(order): ...
"""
)


def test_the_marker_doubles_its_test(suite):
    """profile="both": two items, named after the profiles, each under its own; the others are as they were."""
    source = HEAD + marked('profile="both"', "test_both", " ...") + "\ndef test_once(tasker_run): ...\n"
    assert ids(suite(source, "--collect-only", "-q")) == [
        "test_both[documented]",
        "test_both[tasker-0.1.8]",
        "test_once",
    ]
    body = "\n    assert tasker_run({}).history.profile in request.node.name\n"
    source = HEAD + f"\n@pytest.mark.tasker(profile='both')\ndef test_both(tasker_run, request):{body}"
    suite(source).assert_outcomes(passed=2)


@pytest.mark.parametrize("place", ["line", "ini"])
def test_an_option_doubles_a_suite(suite, project, place):
    """Every test that uses a tasker fixture, directly or not, and names no profile; a test's own parameters stay."""
    arguments = ["--tasker-profile=both"] if place == "line" else []
    if place == "ini":
        project.makeini("[pytest]\ntasker_profile = both\n")
    assert ids(suite(COLLECTED, "--collect-only", "-q", *arguments)) == [
        "test_plain[documented]",
        "test_plain[tasker-0.1.8]",
        "test_parameters[1-documented]",
        "test_parameters[1-tasker-0.1.8]",
        "test_parameters[2-documented]",
        "test_parameters[2-tasker-0.1.8]",
        "test_its_own",
        "test_of_something_else",
        "test_by_a_fixture[documented]",
        "test_by_a_fixture[tasker-0.1.8]",
    ]


def test_the_nearest_wins(suite, project):
    """A marker that says both isn't narrowed by the command line; one that names a profile isn't doubled by it."""
    project.makeini("[pytest]\ntasker_profile = both\n")
    source = HEAD + "\ndef test_one(tasker_run): ...\n"
    assert ids(suite(source, "--collect-only", "-q", "--tasker-profile=documented")) == ["test_one"]
    source = HEAD + marked('profile="both"', "test_both", " ...")
    assert ids(suite(source, "--collect-only", "-q", "--tasker-profile=tasker-0.1.8")) == [
        "test_both[documented]",
        "test_both[tasker-0.1.8]",
    ]


def test_a_fixture_at_run_time_comes_too_late(suite):
    """getfixturevalue can't double a test that was collected: it fails and says what to do."""
    source = "\ndef test_late(request):\n    request.getfixturevalue('tasker_run')\n"
    result = suite(HEAD + source, "--tasker-profile=both")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "This test gets its tasker fixtures at run time (getfixturevalue), so it was collected once and *",
            'Ask for tasker_run and its kin as arguments, or name one profile: @pytest.mark.tasker(profile="docu*").',
        ]
    )


def test_an_unknown_profile_is_told_of_both(suite):
    """The candidates on the command line are the profiles, and both."""
    result = suite(COLLECTED, "--tasker-profile=bot")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.errlines[:5] == [
        "ERROR: There is no profile 'bot'. Known profiles:",
        "  documented",
        "  tasker-0.1.8",
        "  both (each test under each of them)",
        "",
    ]


# -- differs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("differs", ["1", "[7, 1]", '"row 1: the wait is a promise only"'])
def test_a_test_that_differs_as_it_says_is_no_failure(suite, differs):
    """It fails on Tasker 0.1.8 by a row that its marker names: expected, and told in the summary."""
    result = suite(HEAD + marked(f'profile="both", differs={differs}'))
    result.assert_outcomes(passed=1, xfailed=1)
    assert result.ret == 0
    said = summed_up(result)
    assert said[0] == "1 test under both profiles: 0 alike, 1 not, as marked"
    assert said[2:4] == ["they differ as their markers say:", "test_orders.py::test_wait"]


def test_a_test_that_does_not_differ_after_all_is_a_failure(suite):
    """As a strict xfail: a claim that isn't true any more is told."""
    body = "\n    assert tasker_run({}).state == 'complete'"
    result = suite(HEAD + marked('profile="both", differs=21', body=body))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "This test passes on tasker-0.1.8 too, though its marker says that it differs there "
            "(row 21: the worker dies in a step).",
            "Drop differs=..., or assert what differs.",
        ]
    )
    assert summed_up(result)[2:] == [
        "they pass on both, though their markers say that they differ:",
        "test_orders.py::test_wait",
        "row 21: the worker dies in a step",
    ]


def test_a_test_that_differs_by_other_rows_is_a_failure(suite):
    """The rows that mattered in its run are looked up; the failure lists them, and what failed."""
    result = suite(HEAD + marked('profile="both", differs=7'))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "This test fails on tasker-0.1.8, but not by what its marker says (row 7: a class handler raises).",
            "The rows of docs/profiles.md that mattered in what it ran:",
            f"   1  {SENTENCE}*",
            "Name one of them in differs=..., or look for what else is wrong.",
            "*- what failed -*",
            "E       assert *",
        ]
    )
    assert summed_up(result)[2:4] == [
        "on tasker-0.1.8 they fail by other rows than their markers say:",
        "test_orders.py::test_wait",
    ]


def test_a_failure_that_no_row_explains_is_a_failure(suite):
    """Without any row in its runs the test is just wrong on Tasker 0.1.8."""
    body = "\n    run = tasker_run({})\n    assert run.history.profile == 'documented'"
    result = suite(HEAD + marked('profile="both", differs=[1]', body=body))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*that mattered in what it ran:", "  (none)"])


def test_differs_counts_wherever_a_test_meets_tasker_0_1_8(suite):
    """Also if that is the only profile it runs under; as documented it says nothing."""
    source = HEAD + marked("differs=1")
    suite(source).assert_outcomes(passed=1)
    suite(source, "--tasker-profile=tasker-0.1.8").assert_outcomes(xfailed=1)
    suite(source, "--tasker-profile=both").assert_outcomes(passed=1, xfailed=1)


CALLING = """
from handlers import ChargeHandler
from tasker_core import PermanentError, StepHandlerResult

class Declining(ChargeHandler):
    def call(self, context):
        return StepHandlerResult.failure("no", error_type="declined", retryable=False, error_code="E1")

@pytest.mark.tasker({keywords})
def test_code(tasker_context, tasker_call):
    assert tasker_call(Declining, tasker_context("charge", stubs="off")).error_code == "E1"
"""


def test_a_single_handler_differs_by_rows_too(suite):
    """tasker_call: the handler is called again with each row that is about handlers, and what it needs is told."""
    suite(HEAD + CALLING.format(keywords="profile='both', differs=8")).assert_outcomes(passed=1, xfailed=1)
    result = suite(HEAD + CALLING.format(keywords="profile='both', differs=[7, 21]"))
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "The rows of docs/profiles.md that mattered in what it ran:",
            '   8  `error_code` of a failure: put it into the metadata too, under "error_code"',
        ]
    )


def test_a_claim_that_cannot_be_checked_is_believed(suite):
    """Where nothing ran, or ours refused it, there are no rows to look up: the failure alone counts."""
    source = """
@pytest.mark.tasker(profile="both", differs=13)
def test_early(tasker_simulation):
    assert tasker_simulation.profile.checks_input

@pytest.mark.tasker(profile="both", differs=18, stubs={"nowhere": {}})
def test_refused(tasker_run, request):
    if "0.1.8" in request.node.name:
        tasker_run({})
"""
    suite(HEAD + source, "-k", "early").assert_outcomes(passed=1, xfailed=1, deselected=2)
    suite(HEAD + source, "-k", "refused").assert_outcomes(passed=1, xfailed=1, deselected=2)


@pytest.mark.parametrize("differs", ["31", '"row 31: later"', "[1, 31]"])
def test_a_row_that_there_is_not(differs):
    """The table has so many rows; the message lists them."""
    with pytest.raises(TaskerTestkitError) as caught:
        claimed(eval(differs))
    first, *others = str(caught.value).splitlines()
    assert first == "differs: there is no row 31. The rows of docs/profiles.md:"
    assert others == [f"  {row.number:2}  {row.title}" for row in ROWS]


@pytest.mark.parametrize("differs", ["", " ", [], True, ["1"], {1: 2}, 1.5, None])
def test_a_claim_that_says_nothing(differs):
    """One clear error, with all three ways to say it."""
    with pytest.raises(TaskerTestkitError) as caught:
        claimed(differs)
    assert str(caught.value) == (
        f"differs={differs!r} says nothing. Give the row of docs/profiles.md by which the test differs (differs=7), "
        'several (differs=[7, 21]), or a text: differs="row 7: the card is declined twice".'
    )


def test_a_wrong_claim_is_an_error_under_every_profile(suite):
    """A misspelt row isn't found out only on Tasker 0.1.8, nor taken for an expected failure there."""
    result = suite(HEAD + marked('profile="both", differs=31'))
    result.assert_outcomes(errors=2)
    result = suite(HEAD + "\ndef test_call(tasker_run):\n    tasker_run({}, differs=7)\n")
    result.stdout.fnmatch_lines(["*TaskerTestkitError: tasker_run(...) has no 'differs': the marker says it of*"])


@pytest.mark.parametrize(
    ("differs", "rows", "reason"),
    [
        (7, (7,), "row 7: a class handler raises"),
        ((21, 7, 21), (21, 7), "row 21: the worker dies in a step; row 7: a class handler raises"),
        ("row 7: declined", (7,), "row 7: declined"),
        ("rows 7, 8 and 21", (7, 8, 21), "rows 7, 8 and 21"),
        ("our own sleeping", (), "our own sleeping"),
        ("17 rows", (), "17 rows"),
    ],
)
def test_a_claim_is_read(differs, rows, reason):
    """Numbers bring their titles; a text speaks for itself, with the rows that it names."""
    assert (claimed(differs).rows, claimed(differs).reason) == (rows, reason)


# -- the summary -------------------------------------------------------------------------------------------------------

SUITE = (
    HEAD
    + """
def test_alike(tasker_run):
    assert tasker_run({}).state == "complete"

@pytest.mark.parametrize("n", ["a", "b"])
def test_wait(tasker_run, tasker_faults, n):"""
    + WAITS
    + """
def test_state(tasker_run):
    assert tasker_run({}).history.profile == "tasker-0.1.8"

def test_wrong(tasker_run):
    assert tasker_run({}).state == "error"

@pytest.mark.skip
def test_later(tasker_run): ...
"""
)
PARTED = [
    "5 tests under both profiles: 2 alike, 3 unexpectedly not",
    "",
    "as documented they pass, on tasker-0.1.8 they fail:",
    "test_orders.py::test_wait[a]",
    "test_orders.py::test_wait[b]",
    f"1  {SENTENCE}",
    "don't rely on backoff: wait inside the handler if the other side needs",
    "time.",
    "",
    "as documented they fail, on tasker-0.1.8 they pass:",
    "test_orders.py::test_state",
    "no row of docs/profiles.md was found to matter in what it ran",
]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_the_summary_says_which_tests_part_and_why(project, monkeypatch, workers):
    """The same from one process and from two xdist workers, which each see half of the tests."""
    monkeypatch.setenv("COLUMNS", "80")
    project.makepyfile(test_orders=SUITE)
    plugins = () if workers else ("-p", "no:xdist")
    result = project.runpytest_subprocess("--tasker-profile=both", "-p", "no:cacheprovider", *plugins, *workers)
    result.assert_outcomes(passed=5, failed=5, skipped=2)
    said = summed_up(result)
    assert sorted(said) == sorted(PARTED) if workers else said == PARTED


def test_a_failing_report_has_the_rows_and_the_command(suite):
    """The report of the failing item names the rows of its own run, and how to run this very item again."""
    result = suite(HEAD + marked(""), "--tasker-profile=both")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- where Tasker 0.1.8 differs (rows of docs/profiles.md) -*",
            f"   1  {SENTENCE} don't rely on backoff: *",
            "*- Tasker runs -*",
            "pytest 'test_orders.py::test_wait[[]tasker-0.1.8[]]' --tasker-profile=both",
        ]
    )


def test_who_runs_under_one_profile_reads_no_summary(suite):
    """Neither a usual session, nor one that ran half of a pair."""
    assert "under both profiles" not in suite(SUITE).stdout.str()
    half = suite(SUITE, "--tasker-profile=both", "-k", "test_wait and documented")
    half.assert_outcomes(passed=2, deselected=10)
    assert "under both profiles" not in half.stdout.str()


def test_doubles_that_cannot_be_used_again_cost_the_rows_only(suite):
    """Looking for the rows runs the workflow again; what breaks then is no second failure."""
    source = """
RUNS = []

def once():
    RUNS.append(1)
    if len(RUNS) > 2:
        raise OSError("the double is used up")

@pytest.mark.tasker(profile="both", setup=once)
def test_wait(tasker_run, tasker_faults):"""
    result = suite(HEAD + source + WAITS)
    result.assert_outcomes(passed=1, failed=1)
    assert summed_up(result)[-1] == "no row of docs/profiles.md was found to matter in what it ran"
    assert "used up" not in result.stdout.str()


def test_a_test_is_what_its_worst_phase_was():
    """A failing teardown after a passing call: it failed. Tests of one profile only don't count."""
    ends = [Result("t", "documented", "passed"), Result("t", "tasker-0.1.8", "passed")]
    alone = [Result("alone", "documented", "failed")]
    assert summary([*ends, *alone]) == ["1 test under both profiles: 1 alike"]
    torn = summary([*ends, Result("t", "tasker-0.1.8", "failed"), *alone])
    assert torn[0] == "1 test under both profiles: 0 alike, 1 unexpectedly not"
    assert summary(alone) == summary([]) == []
    assert PAIR == ("documented", "tasker-0.1.8")
