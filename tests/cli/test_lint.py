"""``tasker-testkit lint``: both profiles' verdicts, file by file; and the command's help and version."""

from __future__ import annotations

import importlib.metadata
import re
import shutil

import pytest

from tasker_testkit.cli import COMMANDS

BAD = "name: bad\nnamespace_name: n\nversion: 1.0.0\nsteps:\n- {name: a, handler: {callable: a}, dependencies: [a]}\n"


def test_an_accepted_template_is_exit_code_0(run):
    """Both profiles accept it: the file, and a line for each."""
    code, out, err = run("lint", "orders.yaml")
    assert (code, out, err) == (0, "orders.yaml\n  documented: accepted\n  tasker-0.1.8: accepted\n", "")


def test_a_template_that_documented_refuses_is_exit_code_1(run, folder):
    """Problems are listed below the profile that has them; one bad file among good ones is enough."""
    (folder / "bad.yaml").write_text(BAD)
    code, out, _ = run("lint", "bad.yaml", "orders.yaml")
    assert code == 1
    lines = out.splitlines()
    assert lines[:2] == ["bad.yaml", "  documented: refused"]
    assert lines[2].startswith("    problem: bad.yaml:5:")
    assert lines[3] == "  tasker-0.1.8: accepted"
    assert lines[4].startswith("    warning: bad.yaml:5:")
    assert lines[-3] == "orders.yaml"


def test_folders_are_searched_in_order(run, folder):
    """Every *.yaml and *.yml below a folder, sorted; nothing else."""
    for name in ("t/b.yaml", "t/a.yml", "t/deep/er/c.yaml", "t/notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("orders.yaml", name)
    _, out, _ = run("lint", "t")
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        "t/a.yml",
        "t/b.yaml",
        "t/deep/er/c.yaml",
    ]


def test_the_version(shell):
    """--version prints the distribution's version."""
    done = shell("--version")
    assert (done.returncode, done.stdout) == (0, f"tasker-testkit {importlib.metadata.version('tasker-testkit')}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(shell, command):
    """--help says what the command does, and shows a call of it."""
    done = shell(command, "--help")
    assert done.returncode == 0
    assert COMMANDS[command].summary in done.stdout
    assert re.search(rf"examples?:\n  tasker-testkit {command} ", done.stdout)


def test_the_help_lists_commands_and_exit_codes(shell):
    """--help names every command and the three exit codes."""
    text = shell("--help").stdout
    for name, command in COMMANDS.items():
        assert f"{name} " in text
        assert command.summary in text
    assert "exit codes: 0 as expected" in text


def test_lint_and_help_import_nothing_heavy(shell, folder):
    """Neither tasker_core nor pytest, Hypothesis or rich are imported where they aren't used."""
    code = (
        "import sys\nfrom tasker_testkit.cli import main\nmain(['lint', 'orders.yaml'])\n"
        "print(sorted({'tasker_core', 'pytest', 'hypothesis', 'rich', 'freezegun'} & set(sys.modules)))\n"
    )
    (folder / "script.py").write_text(code)
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_run_imports_nothing_of_explorations(folder):
    """The shell's run loads neither the search for failures nor what it looks for."""
    import subprocess
    import sys

    code = (
        "import sys\nfrom tasker_testkit.cli import main\n"
        "main(['run', 'orders.yaml', '--handlers', 'handlers', '--input', 'cart.json'])\n"
        "print([name for name in sys.modules if name.startswith('tasker_testkit.search.')])\n"
    )
    (folder / "script.py").write_text(code)
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False)
    assert "complete" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
