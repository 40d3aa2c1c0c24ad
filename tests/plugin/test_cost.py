"""Who doesn't use the plugin doesn't pay for it, and nobody sees the SDK's start-up lines."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("tasker_core", "hypothesis", "freezegun", "yaml", "jsonschema", "rich", "httpx", "respx", "pydantic")
PROBE = f"import sys; print(sorted(set({HEAVY!r}) & set(sys.modules)))"


def test_importing_the_package_imports_nothing_heavy(project):
    """import tasker_testkit loads no library, nor pytest."""
    project.makepyfile(script=f"import tasker_testkit\n{PROBE}\nprint('pytest' in sys.modules)")
    result = project.runpython("script.py")
    assert result.outlines == ["[]", "False"]


def test_loading_the_plugin_imports_nothing_heavy(project):
    """A session with the plugin and no test of Tasker loads none of its libraries, nor the simulator."""
    project.makepyfile(
        test_probe=f"def test_probe():\n    {PROBE}\n    print([n for n in sys.modules if 'tasker_testkit.sim' in n])\n"
    )
    others = ("hypothesispytest", "anyio", "respx")  # plugins that load some of them themselves
    result = project.runpytest_subprocess("-s", *(part for name in others for part in ("-p", f"no:{name}")))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*[[][]]"])
    assert not [line for line in result.outlines if "tasker_core" in line or "simulation" in line]


def test_the_plugin_doesnt_make_pytest_read_all_packages_again(project):
    """pytest reads what the installed packages declare as often with the plugin as without it."""
    project.makepyfile(test_one="def test_one():\n    pass\n")
    project.makepyfile(
        script="import importlib.metadata, sys, pytest\n"
        "real, read = importlib.metadata.distributions, []\n"
        "importlib.metadata.distributions = lambda *a, **k: read.append(a) or real(*a, **k)\n"
        "assert pytest.main(sys.argv[1:]) == 0\n"
        "print('read', len(read))\n"
    )
    counts = [project.run(sys.executable, "script.py", "-q", *more) for more in ((), ("-p", "no:tasker_testkit"))]
    with_plugin, without = (result.outlines[-1] for result in counts)
    assert with_plugin == without
    assert int(without.removeprefix("read ")) > 0


@pytest.mark.parametrize("part", ["covering", "recording", "files"])
def test_a_part_of_the_plugin_can_be_switched_off(project, part):
    """-p no:tasker_testkit.plugin.PART leaves that part's options out, and the others' in."""
    result = project.runpytest_subprocess("--help", "-p", f"no:tasker_testkit.plugin.{part}")
    options = {"covering": "--tasker-cov", "recording": "--tasker-record", "files": "--tasker-level"}
    shown = {name for name, option in options.items() if f"  {option}" in result.stdout.str()}
    assert shown == options.keys() - {part}


def test_naming_a_part_of_the_plugin_changes_nothing(project):
    """-p tasker_testkit.plugin.PART beside the installed plugin is no error: it is registered once."""
    project.makepyfile("def test_it(tasker_call):\n    pass\n")
    project.runpytest_subprocess("-p", "tasker_testkit.plugin.covering").assert_outcomes(passed=1)


@pytest.mark.parametrize("arguments", [(), ("-p", "no:randomly"), ("--import-mode=importlib",), ("-p", "no:capture")])
def test_the_sdk_is_silent(project, monkeypatch, arguments):
    """A suite that imports tasker_core itself prints nothing on file descriptor 1, if RUST_LOG isn't set."""
    monkeypatch.delenv("RUST_LOG", raising=False)
    project.makeconftest("import tasker_core\n")
    project.makepyfile("import tasker_core\n\ndef test_nothing():\n    pass\n")
    result = project.runpytest_subprocess("-q", *arguments)
    result.assert_outcomes(passed=1)
    assert len(result.outlines) == 2


def test_a_rust_log_of_the_user_stays(project, monkeypatch):
    """Who sets RUST_LOG gets the SDK's log."""
    monkeypatch.setenv("RUST_LOG", "warn")
    project.makepyfile("import os\n\ndef test_it():\n    assert os.environ['RUST_LOG'] == 'warn'\n")
    project.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_the_public_names_are_all_there():
    """Every name of __all__ can be had, dir() lists exactly these, and any other is an AttributeError."""
    code = (
        "import tasker_testkit as t\n"
        "assert dir(t) == sorted(t.__all__), dir(t)\n"
        "missing = [n for n in t.__all__ if getattr(t, n, None) is None]\n"
        "assert missing == [], missing\n"
        "from tasker_testkit import *\n"
        "assert Simulation is t.Simulation\n"
        "assert not [n for n in t.__all__ if n.lower().startswith('test') and n != 'TaskerTestkitError']\n"
        "try:\n    t.Simulatoin\n"
        "except AttributeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("module 'tasker_testkit' has no attribute 'Simulatoin'\n", "")


def test_a_subpackage_doesnt_take_a_public_names_place():
    """``explore`` is the function, also after its subpackage of the same name was imported by itself."""
    code = (
        "import tasker_testkit.explore.kinds\n"
        "from tasker_testkit.explore import kinds\n"
        "from tasker_testkit import explore\n"
        "print(kinds.__name__, explore.__module__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("tasker_testkit.explore.kinds tasker_testkit.search.exploring\n", "")


def test_the_version_is_the_distributions():
    """__version__ is what the installed distribution says."""
    import importlib.metadata

    import tasker_testkit

    assert tasker_testkit.__version__ == importlib.metadata.version("tasker-testkit")
