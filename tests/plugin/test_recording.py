"""Runs of tests are recorded beside them, and recordings are run again as tests of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasker_testkit.replay.files import load_history

TESTS = """\
import pytest
from tasker_core import StepHandler, StepHandlerResult

pytestmark = pytest.mark.tasker(template="orders.yaml", handlers="handlers")


class Generous(StepHandler):
    handler_name = "charge"

    def call(self, context):
        return StepHandlerResult.success({"charged": 0})


def test_an_order(tasker_run, tasker_faults):
    tasker_faults.fail("charge", attempt=1, error_type="timeout")
    assert tasker_run({"total": 5}).state == "complete"


@pytest.mark.tasker(handlers=["handlers", {"charge": Generous}])
def test_twice(tasker_run):
    tasker_run({"total": 5})
    tasker_run({"total": 6})


def test_that_fails(tasker_run):
    assert tasker_run({"total": 7}).state == "error"


def test_by_hand(tasker_simulation):
    with tasker_simulation.start({"total": 8}) as task:
        task.cancel()
        task.finish()


@pytest.mark.tasker(record=False)
def test_unrecorded(tasker_run):
    tasker_run({"total": 9})


def test_a_stub_inside_a_function(tasker_run):
    tasker_run({"total": 10}, stubs={"charge": lambda context: {}})
"""
ONE = """\
import pytest

@pytest.mark.tasker(template="orders.yaml", handlers="handlers")
def test_an_order(tasker_run, tasker_faults):
    tasker_faults.fail("charge", attempt=1, error_type="timeout")
    assert tasker_run({"total": 5, "password": "hunter2"}).state == "complete"
"""
NAME = "recordings/test_orders.test_an_order.history.json"


@pytest.fixture
def recorded(suite, project):
    """The project with one recording, of a test whose first charge times out."""
    suite(ONE, "--tasker-record=all").assert_outcomes(passed=1)
    return project


def text(project, name=NAME):
    """A recording's text."""
    return (project.path / name).read_text()


def again(project, *arguments):
    """The session that runs the recordings again."""
    return project.runpytest("-W", "error", "-p", "no:cacheprovider", "recordings", *arguments)


def changed(project, before, after):
    """Change the handlers."""
    handlers = project.path / "handlers.py"
    source = handlers.read_text()
    assert before in source
    handlers.write_text(source.replace(before, after))


def test_runs_of_passing_tests_are_recorded(suite, project):
    """One file a run, beside the test, named after it; what a file can't hold is said, once, with the reason."""
    result = suite(TESTS, "--tasker-record=all")
    names = sorted(path.name for path in (project.path / "recordings").iterdir())
    assert names == [
        "test_orders.test_an_order.history.json",
        "test_orders.test_twice-2.history.json",
        "test_orders.test_twice.history.json",
    ]
    result.stdout.fnmatch_lines(
        [
            "*= Tasker recordings =*",
            "3 recordings written",
            "not recorded: *test_by_hand: what was done to the task by hand",
            "not recorded: *test_a_stub_inside_a_function: the stub of 'charge': no module has it under its name",
        ]
    )
    again(project).assert_outcomes(passed=3)


def test_nothing_is_recorded_unasked(suite, project):
    """The default is none, and an unknown mode is refused before anything runs."""
    suite(ONE).assert_outcomes(passed=1)
    assert not (project.path / "recordings").exists()
    result = suite(ONE, "--tasker-record=some")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--tasker-record=some: there is no such mode.*Modes:", "  none", "  once", "  all"])


def test_once_keeps_what_is_there(suite, project):
    """``once`` writes what is missing and touches nothing else."""
    suite(ONE, "--tasker-record=once", "test_orders.py")
    path = project.path / NAME
    first = path.read_bytes()
    changed(project, '"charged": cart["total"]', '"charged": 0')
    suite(ONE, "--tasker-record=once", "test_orders.py").assert_outcomes(passed=1)
    assert path.read_bytes() == first
    path.unlink()
    suite(ONE, "--tasker-record=once", "test_orders.py")
    assert path.exists()
    assert path.read_bytes() != first


def test_a_folder_for_all_recordings(suite, project):
    """The ini option names one, from rootdir."""
    project.makeini("[pytest]\ntasker_recordings = kept")
    suite(ONE, "--tasker-record=all")
    assert [path.name for path in (project.path / "kept").iterdir()] == [Path(NAME).name]


def test_the_same_run_is_the_same_file(recorded, suite):
    """Recording again writes the same bytes; nothing in them is of this machine."""
    first = text(recorded)
    suite(ONE, "--tasker-record=all")
    assert text(recorded) == first
    assert str(recorded.path) not in first
    recipe = json.loads(first)["recipe"]
    assert recipe == {"template": "../orders.yaml", "handlers": ["../handlers.py"]}


def test_no_secret_is_recorded(recorded):
    """The input's password is a placeholder, and the recording replays with it."""
    assert "hunter2" not in text(recorded)
    again(recorded).assert_outcomes(passed=1)


ASKING = """\
import httpx
import pytest
import respx
from asking import URL

pytestmark = pytest.mark.tasker(template="orders.yaml", handlers=["handlers", "asking"])


def test_a_router(tasker_run, tasker_http, tasker_faults):
    tasker_http.post(URL).mock(side_effect=[httpx.ReadTimeout, httpx.Response(201, json={"id": "ch_1"})])
    assert tasker_run({"total": 5}).state == "complete"


@respx.mock
def test_mocks(tasker_run):
    respx.post(URL).respond(201, json={"id": "ch_2"})
    assert tasker_run({"total": 5})["charge"].result == {"id": "ch_2"}
"""


def test_runs_with_requests_are_recorded_with_their_answers(suite, project):
    """Whoever answered a test's requests: its recordings run again without them, and notice another answer."""
    (project.path / "asking.py").write_text(
        "import httpx\nfrom tasker_core.step_handler.functional import step_handler\n"
        'URL = "https://pay.example/charges"\n\n@step_handler("charge")\ndef charge(context):\n'
        "    return httpx.post(URL).raise_for_status().json()\n"
    )
    suite(ASKING, "--tasker-record=all").assert_outcomes(passed=2)
    again(project).assert_outcomes(passed=2)
    path = project.path / "recordings" / "test_orders.test_mocks.history.json"
    data = json.loads(path.read_text())
    del data["digest"]
    data["recipe"]["routes"][0]["body"]["id"] = "ch_3"
    path.write_text(json.dumps(data))
    result = again(project)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(['  expected  "ch_2"', '  actual    "ch_3"'])


def test_more_can_be_secret(suite, project):
    """The ini options name keys, places and patterns, what is no secret, and a salt; recordings replay with them."""
    project.makeini(
        "[pytest]\n"
        "tasker_secret_keys = iban\n"
        "tasker_secret_paths = input.customer.*\n"
        "tasker_secret_patterns = PIN (\\d+)\n"
        "tasker_not_secret = tok_*\n"
        "tasker_secret_salt = pepper\n"
    )
    data = '{"total": 5, "iban": "DE8937", "customer": {"name": "Ada"}, "note": "PIN 4711", "token": "tok_visa"}'
    suite(ONE.replace('{"total": 5, "password": "hunter2"}', data), "--tasker-record=all").assert_outcomes(passed=1)
    kept = json.loads(text(project))["input"]
    assert (kept["total"], kept["token"]) == (5, "tok_visa")
    assert not any(secret in text(project) for secret in ("DE8937", "Ada", "4711"))
    again(project).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("tasker_secret_patterns = (", "*'(' is no regular expression: *"),
        ("tasker_secret_paths = a.b.", "*'a.b.' is no*"),
    ],
)
def test_what_is_secret_must_make_sense(suite, project, option, said):
    """A pattern that is none is refused before anything runs."""
    project.makeini(f"[pytest]\n{option}\n")
    result = suite(ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([said])


def test_less_can_be_compared_by_the_ini_file(recorded):
    """``tasker_level`` and ``tasker_ignore`` say it once for all."""
    changed(recorded, '"charged": cart["total"]', '"charged": cart["total"] + 1')
    for option in ("tasker_level = shape", "tasker_ignore = steps.*.attempts.*.stored.result.charged"):
        recorded.makeini(f"[pytest]\n{option}\n")
        again(recorded).assert_outcomes(passed=1)
    recorded.makeini("[pytest]\ntasker_ignore = steps.validate.**\n")
    again(recorded).assert_outcomes(failed=1)


def test_a_divergence_is_shown_where_it_began(recorded):
    """The report has instant, step, attempt, both values and the last event that agreed; not our frames."""
    changed(recorded, '"charged": cart["total"]', '"charged": cart["total"] + 1')
    result = again(recorded)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"{NAME}: this isn't the recorded run.",
            "First divergence: 100 ms after the submission, step 'charge', attempt 2",
            "  place     steps.charge.attempts[[]1].stored.result.charged",
            "  expected  5",
            "  actual    6",
            "Until then the two agree; last: 0 s, step 'charge', attempt 1: timeout.",
            "*--tasker-record=all writes the recording anew*",
            "*- Tasker runs -*",
            "shop/orders 1.0.0",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*rerunning.py*")


def test_a_recording_is_written_anew(recorded):
    """``--tasker-record=all`` takes what happens now for what is expected."""
    changed(recorded, '"charged": cart["total"]', '"charged": cart["total"] + 1')
    again(recorded, "--tasker-record=all").assert_outcomes(passed=1)
    again(recorded).assert_outcomes(passed=1)
    assert load_history(recorded.path / NAME).steps[1].attempts[1].outcome.result == {"charged": 6}


def test_less_can_be_compared(recorded):
    """The level ``shape`` forgives values, a pattern forgives a place; a misspelt level is one sentence."""
    changed(recorded, '"charged": cart["total"]', '"charged": cart["total"] + 1')
    again(recorded, "--tasker-level=shape").assert_outcomes(passed=1)
    again(recorded, "--tasker-ignore=steps.charge.attempts.*.stored.result.charged").assert_outcomes(passed=1)
    result = again(recorded, "--tasker-level=shap")
    result.stdout.fnmatch_lines(["*There is no level 'shap'. Did you mean 'shape'? Levels:"])
    changed(recorded, '"charged": cart["total"] + 1', '"charged": "5"')
    again(recorded, "--tasker-level=shape").assert_outcomes(failed=1)


def test_fixtures_of_the_folder_apply(recorded):
    """Autouse fixtures around a recording run as they do for tests: doubles begin anew."""
    recorded.makeconftest("import pytest\n@pytest.fixture(autouse=True)\ndef fresh():\n    raise ValueError('fresh')\n")
    again(recorded).assert_outcomes(errors=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:-200], "*not JSON:*"),
        (lambda text: text.replace('"total": 5', '"total": 6'), "*was changed after the file was saved*"),
        (lambda text: text.replace('"version": 1,', '"version": 2,'), "*is of version 2*"),
        (lambda text: "", "*not JSON:*"),
    ],
)
def test_a_damaged_recording_fails_in_words(recorded, change, said):
    """A cut, edited or newer file is one clear failure, and stays as it is even when recordings are written anew."""
    path = recorded.path / NAME
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    result = again(recorded, "--tasker-record=all")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert path.read_bytes() == before


def test_a_recording_of_another_template_fails_in_words(recorded):
    """The template's name is compared before anything runs."""
    template = recorded.path / "orders.yaml"
    template.write_text(template.read_text().replace("name: orders", "name: returns"))
    result = again(recorded)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*It is a run of template 'orders', but *orders.yaml is 'returns'."])
