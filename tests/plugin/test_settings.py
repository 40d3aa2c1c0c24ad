"""Where a test's settings come from: the marker, the command line, the ini file; and where files are looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasker_testkit.errors import TaskerTestkitError
from tasker_testkit.settings import KEYWORDS, Layer, merged

SHOW = """
def test_show(tasker_simulation):
    print("shown:", tasker_simulation.profile.name, tasker_simulation.seed, tasker_simulation.start_at.year)
"""
MARK = "import pytest\npytestmark = pytest.mark.tasker(template='orders.yaml', handlers='handlers')\n"
SETUP_ERROR = "*ERROR at setup of test_*"


def shown(result: pytest.RunResult) -> str:
    """What the test printed behind ``shown:``."""
    result.assert_outcomes(passed=1)
    return next(line.partition("shown: ")[2] for line in result.outlines if "shown: " in line)


def test_markers_add_up_and_the_nearest_wins(suite):
    """Function beats class beats module, keyword by keyword; of stubs, step by step."""
    result = suite(
        """
import pytest

pytestmark = pytest.mark.tasker(template="orders.yaml", seed=1, workers=1, stubs={"validate": {"from": "module"}})

@pytest.mark.tasker(seed=2, start="2030-01-01", stubs={"charge": {"from": "class"}})
class TestIt:
    @pytest.mark.tasker(seed=3, stubs={"charge": {"from": "function"}})
    def test_it(self, tasker_simulation, tasker_run):
        s = tasker_simulation
        assert (s.seed, s.start_at.year, s.workers) == (3, 2030, 1)
        run = tasker_run({})
        assert [run[name].result["from"] for name in run.steps] == ["module", "function"]
"""
    )
    result.assert_outcomes(passed=1)


def test_a_marker_beats_the_command_line_beats_the_ini_file(suite, project):
    """The nearest wins: what the test says, then what the person at the keyboard says, then the project's default."""
    project.makeini("[pytest]\ntasker_profile = tasker-0.1.8\ntasker_seed = 5\ntasker_start = 2027-01-01T00:00:00Z\n")
    assert shown(suite(MARK + SHOW, "-s")) == "tasker-0.1.8 5 2027"
    line = ("-s", "--tasker-profile=documented", "--tasker-seed=6")
    assert shown(suite(MARK + SHOW, *line)) == "documented 6 2027"
    nearest = "@pytest.mark.tasker(profile='tasker-0.1.8', seed=7, start='2028-01-01')"
    assert shown(suite(MARK + nearest + SHOW, *line)) == "tasker-0.1.8 7 2028"


def test_the_ini_file_can_name_everything(suite, project):
    """With template and handlers in the ini file a test needs no marker."""
    project.makeini("[pytest]\ntasker_template = orders.yaml\ntasker_handlers = handlers\n")
    suite("def test_run(tasker_run):\n    assert tasker_run({'total': 1}).state == 'complete'\n").assert_outcomes(
        passed=1
    )


def test_the_template_is_the_markers_positional_argument(suite):
    """@pytest.mark.tasker("orders.yaml") names the template; a second positional argument is an error."""
    suite("import pytest\n@pytest.mark.tasker('orders.yaml', handlers='handlers')" + SHOW).assert_outcomes(passed=1)
    result = suite("import pytest\n@pytest.mark.tasker('orders.yaml', 'handlers')" + SHOW)
    result.assert_outcomes(errors=1)
    expected = "@pytest.mark.tasker takes one positional argument, the template, not 2: ('orders.yaml', 'handlers')."
    result.stdout.fnmatch_lines([SETUP_ERROR, expected.replace("[", "[[]")])


def test_an_unknown_keyword_names_the_near_one(suite):
    """A misspelt keyword of the marker is an error of that test, without a traceback."""
    result = suite("import pytest\n@pytest.mark.tasker(template='orders.yaml', handler='handlers')" + SHOW)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [SETUP_ERROR, "@pytest.mark.tasker has no 'handler'. Did you mean 'handlers'? It takes:", "  template"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*All traceback entries are hidden*")


def test_an_unknown_keyword_of_a_call_names_the_near_one(suite):
    """A misspelt keyword of tasker_run fails the test at its own line."""
    result = suite(MARK + "def test_run(tasker_run):\n    tasker_run({}, sed=1)\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*tasker_run({}, sed=1)", "E*tasker_run(...) has no 'sed'. Did you mean 'seed'?*"])


def test_files_are_found_beside_the_test_then_from_the_root(project):
    """orders.yaml beside the test file hides the one in rootdir; handlers that only rootdir has are found there."""
    folder = project.mkdir("deep")
    text = (project.path / "orders.yaml").read_text().replace("name: orders", "name: nearer")
    (folder / "orders.yaml").write_text(text)
    (folder / "test_deep.py").write_text(
        MARK + "def test_run(tasker_run):\n    assert tasker_run({'total': 1}).history.template['name'] == 'nearer'\n"
    )
    project.makepyfile(
        test_orders=MARK + "def test_run(tasker_run):\n    assert tasker_run({}).history.template['name'] == 'orders'\n"
    )
    project.runpytest("--import-mode=importlib").assert_outcomes(passed=2)


def test_two_folders_can_have_handlers_of_one_name(project):
    """handlers.py beside one test file isn't taken for the one beside another."""
    text = (project.path / "handlers.py").read_text()
    for name, total in (("one", 1), ("two", 2)):
        folder = project.mkdir(name)
        (folder / "handlers.py").write_text(text.replace('cart["total"]', str(total)))
        (folder / f"test_{name}.py").write_text(
            MARK
            + f"def test_run(tasker_run):\n    assert tasker_run({{}})['charge'].result == {{'charged': {total}}}\n"
        )
    project.runpytest("--import-mode=importlib").assert_outcomes(passed=2)


def test_handlers_can_be_a_package_beside_the_test(project):
    """handlers="handlers" finds the folder handlers/, whose modules import one another."""
    folder = project.mkdir("deep")
    package = folder / "handlers"
    package.mkdir()
    (project.path / "handlers.py").rename(package / "orders.py")
    (package / "orders.py").write_text("from handlers import money\n" + (package / "orders.py").read_text())
    for name in ("__init__.py", "money.py"):
        (package / name).touch()
    (folder / "test_deep.py").write_text(MARK + "def test_run(tasker_run):\n    tasker_run({'total': 1})\n")
    project.runpytest("--import-mode=importlib").assert_outcomes(passed=1)


def test_a_test_and_the_simulation_share_one_module(suite):
    """What a test patches in a module of handlers is what the simulation runs."""
    result = suite(
        MARK
        + """
import handlers

def test_run(tasker_run, monkeypatch):
    monkeypatch.setattr(handlers.ChargeHandler, "call", lambda self, context: 1 / 0)
    assert tasker_run({})["charge"].error == "ZeroDivisionError: division by zero"
""",
        "-o",
        "pythonpath=.",
        "--import-mode=importlib",
    )
    result.assert_outcomes(passed=1)


def test_a_missing_template_names_every_place(suite, project):
    """A template that isn't there is an error that lists where it was looked for, in order."""
    project.mkdir("deep").joinpath("test_deep.py").write_text("import pytest\n@pytest.mark.tasker('gone.yaml')" + SHOW)
    result = project.runpytest("deep")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            SETUP_ERROR,
            "There is no template 'gone.yaml'. Looked for it at:",
            f"  {project.path}/deep/gone.yaml",
            f"  {project.path}/gone.yaml",
            "A relative path is looked up beside the test file, then from rootdir.",
        ]
    )


def test_a_missing_handler_file_names_every_place(suite, project):
    """A handler file that isn't there is an error that lists where it was looked for."""
    result = suite("import pytest\n@pytest.mark.tasker('orders.yaml', handlers='gone.py')" + SHOW)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [SETUP_ERROR, "There is no handler file 'gone.py'. Looked for it at:", f"  {project.path}/gone.py"]
    )


def test_a_run_without_a_template_says_how_to_name_one(suite):
    """tasker_run in a test without any template says the three ways to name one."""
    result = suite("def test_run(tasker_run):\n    tasker_run({})\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*No template is given. Name one with @pytest.mark.tasker(template=...)*"])


@pytest.mark.parametrize("place", ["line", "ini"])
def test_an_unknown_profile_stops_the_session(suite, project, place):
    """A profile that doesn't exist is refused before any test runs, with the known names."""
    project.makeini(f"[pytest]\ntasker_profile = {'tasker-0.1.9' if place == 'ini' else ''}\n")
    result = suite(SHOW, *(["--tasker-profile=tasker-0.1.9"] if place == "line" else []))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: There is no profile 'tasker-0.1.9'. Did you mean 'tasker-0.1.8'? Known profiles:", "  documented"]
    )


def test_seeds_are_whole_numbers(suite, project):
    """A seed that is none is refused: on the command line at once, from the ini file by each test."""
    result = suite(SHOW, "--tasker-seed=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--tasker-seed: invalid int value: 'x'*"])
    project.makeini("[pytest]\ntasker_seed = x\n")
    result = suite(MARK + SHOW)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["The ini option tasker_seed is 'x'; it must be a whole number."])


def test_stubs_must_be_used(suite):
    """A stub that no run used is an error behind a test that passed, and says how to allow it."""
    stubs = "stubs={'validate': ValueError('no'), 'charge': {}}"
    body = "def test_run(tasker_run):\n    assert tasker_run({}).state == 'blocked_by_failures'\n"
    result = suite(f"import pytest\n@pytest.mark.tasker('orders.yaml', {stubs})\n{body}")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_run*",
            "No run used these stubs:",
            "  charge",
            '*To allow it: @pytest.mark.tasker(unused_stubs="allow").',
        ]
    )
    allowed = f"import pytest\n@pytest.mark.tasker('orders.yaml', unused_stubs='allow', {stubs})\n{body}"
    suite(allowed).assert_outcomes(passed=1)


def test_a_failing_test_is_spared_its_unused_stubs(suite):
    """A test that failed isn't told about stubs on top."""
    stubs = "stubs={'validate': ValueError('no'), 'charge': {}}"
    result = suite(
        f"import pytest\n@pytest.mark.tasker('orders.yaml', {stubs})\n"
        "def test_run(tasker_run):\n    assert tasker_run({}).state == 'complete'\n"
    )
    result.assert_outcomes(failed=1, errors=0)


def test_a_stub_that_any_run_used_is_used(suite):
    """Of several runs of one test, one that used a stub is enough, with overrides too."""
    result = suite(
        "import pytest\n@pytest.mark.tasker('orders.yaml', stubs={'validate': {}, 'charge': {}})\n"
        "def test_run(tasker_run):\n"
        "    tasker_run({}, stubs={'validate': ValueError('no')})\n"
        "    tasker_run({})\n"
    )
    result.assert_outcomes(passed=1)


def test_unused_stubs_has_two_values(suite):
    """Any other value of unused_stubs is an error with the possible ones."""
    result = suite(
        "import pytest\n@pytest.mark.tasker('orders.yaml', handlers='handlers', unused_stubs='never')\n"
        "def test_run(tasker_run):\n    tasker_run({})\n"
    )
    result.stdout.fnmatch_lines(["unused_stubs='never' isn't known. Possible:", "  error", "  allow"])


def test_the_marker_takes_what_a_simulation_takes():
    """Every keyword of Simulation is one of the marker, and no other but unused_stubs."""
    assert {"template", "handlers", "stubs", "profile", "seed", "start", "workers", "environment"} < set(KEYWORDS)
    with pytest.raises(TaskerTestkitError, match=r"^the place has no 'self'\. It takes:\n  template\n"):
        merged([Layer("the place", {"self": 1})])


def test_paths_that_need_no_looking_up_stay(tmp_path: Path):
    """Absolute paths, YAML text and mappings are given on as they are."""
    file = tmp_path / "t.yaml"
    file.touch()
    for template in (file, "name: x\nsteps: []\n", {"name": "x"}):
        assert merged([Layer("", {"template": template}, (tmp_path / "elsewhere",))]) == {"template": template}
