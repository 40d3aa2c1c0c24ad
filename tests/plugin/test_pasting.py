"""The test that a failure's report shows: pasted into a file it fails as the exploration did, until the bug is gone."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tasker_testkit.search.writing import Page, Unwritten

HANDLERS = """\
from tasker_core import StepHandler, StepHandlerResult

from gateway import charge


class ValidateHandler(StepHandler):
    handler_name = "validate"

    def call(self, context):
        return StepHandlerResult.success({"total": context.get_input("total")})


class ChargeHandler(StepHandler):
    handler_name = "charge"

    def call(self, context):
        charge(context.get_dependency_result("validate")["total"], key=KEY)
        return StepHandlerResult.success({})
"""
BUGGY = HANDLERS.replace("KEY", 'f"{context.task_uuid}-{context.retry_count}"')
REPAIRED = HANDLERS.replace("KEY", "str(context.task_uuid)")
GATEWAY = """\
from tasker_testkit import effect

booked = set()


def charge(amount, key):
    if key not in booked:
        effect("charge", key=key, amount=amount)
    booked.add(key)


def reset():
    booked.clear()
"""
CHECKS = """\
from tasker_testkit import always, eventually


def paid_once(run):
    charges = [effect for effect in run.effects if effect.name == "charge"]
    assert len(charges) <= 1, f"charged {len(charges)} times"


@always
def never_twice(task):
    return len(task.effects) <= 1


def once(task):
    return len(task.effects) <= 1


class Checks:
    @staticmethod
    def once(run):
        return len(run.effects) <= 1
"""
EXPLORE = """\
import pathlib, pytest
import gateway, checks
from tasker_testkit import *

@pytest.mark.tasker(template="orders.yaml", handlers="handlers", setup=gateway.reset{marker})
def test_explore(tasker_simulation):
    found = explore(tasker_simulation, {input}, check={check}, kinds="lose_result")
    failure = found.failures[-1]
    pathlib.Path("test_pasted.py").write_text(failure.as_test())
    print(failure)
"""


@pytest.fixture
def shop(project, monkeypatch):
    """The project with a gateway, checks and a handler whose key changes with each attempt."""
    monkeypatch.delitem(sys.modules, "checks", raising=False)  # another test's, in this process
    project.makepyfile(handlers=BUGGY, gateway=GATEWAY, checks=CHECKS)
    project.makeini("[pytest]\npythonpath = .\n")
    return project


@pytest.fixture
def pasted(shop):
    """Explore, paste the test, run it: ``pasted(check=...) -> (the report, the test's source, its RunResult)``."""

    def pasted(check, input='{"total": 5}', marker=""):
        shop.makepyfile(test_explore=EXPLORE.format(check=check, input=input, marker=marker))
        explored = shop.runpytest("-q", "-s", "-p", "no:cacheprovider", "test_explore.py")
        explored.assert_outcomes(passed=1)
        source = (shop.path / "test_pasted.py").read_text()
        return explored.stdout.str(), source, shop.runpytest("-q", "-p", "no:cacheprovider", "test_pasted.py")

    return pasted


CALLS = {
    "checks.paid_once": "paid_once",
    "checks.never_twice": "never_twice",
    "eventually(checks.once)": "eventually(once)",
    "checks.Checks.once": "Checks.once",
    "at_most_once('charge')": 'at_most_once("charge")',
}


@pytest.mark.parametrize("check", CALLS)
def test_a_pasted_test_fails_until_the_bug_is_gone(pasted, shop, check):
    """It fails with what the report says, whatever the check is; with a key that stays the same it passes."""
    report, source, ran = pasted(check)
    assert f"    run.check({CALLS[check]})\n" in source
    assert 'tasker_faults.lose_result("charge", attempt=1)' in source
    ran.assert_outcomes(failed=1)
    said = re.search(r"^E +AssertionError: (.*)", ran.stdout.str(), re.MULTILINE)[1]
    assert said[:60] in report
    shop.makepyfile(handlers=REPAIRED)
    shop.runpytest("-q", "-p", "no:cacheprovider", "test_pasted.py").assert_outcomes(passed=1)


def test_it_reads_as_if_somebody_had_written_it(pasted):
    """The whole page, as it is."""
    _, source, _ = pasted("checks.paid_once")
    assert source == (
        "import pytest\n"
        "\n"
        "from checks import paid_once\n"
        "from gateway import reset\n"
        "\n"
        "\n"
        '@pytest.mark.tasker(template="orders.yaml", handlers="handlers.py", setup=reset)\n'
        "def test_paid_once(tasker_run, tasker_faults):\n"
        '    """paid_once: doesn\'t hold of this run: charged 2 times."""\n'
        '    tasker_faults.lose_result("charge", attempt=1)\n'
        '    run = tasker_run({"total": 5})\n'
        "    run.check(paid_once)\n"
    )


def test_settings_and_long_inputs_are_written_out(pasted):
    """Everything that the simulation was told, an entry a line where a line is too short."""
    marker = """, seed=7, workers=2, start="2027-01-01T00:00:00Z", tags=["a"], reason="why",
        stubs={"validate": [Failure("busy", retryable=True), {"total": 3}]}, durations={"charge": "2s"},
        actions=[{"do": "resolve_manually", "step": "charge", "at": "2h"}]"""
    given = '{"total": 5, "note": "x" * 120, "more": [1, None]}'
    _, source, ran = pasted("checks.paid_once", input=given, marker=marker)
    assert source.partition("\n\n\n")[2].startswith(
        f'INPUT = {{\n    "total": 5,\n    "note": "{"x" * 120}",\n    "more": [1, None],\n}}\n'
    )
    for line in (
        "    seed=7,",
        '    start="2027-01-01T00:00:00Z",',
        '    stubs={"validate": [Failure(message="busy"), {"total": 3}]},',
        '    actions=[{"do": "resolve_manually", "step": "charge", "at": "7200s"}],',
        '    unused_stubs="allow",',
    ):
        assert f"\n{line}\n" in source
    ran.assert_outcomes(failed=1)


def test_the_profile_is_written_and_the_failure_is_the_same(pasted):
    """A result that is lost under Tasker 0.1.8 leaves the task without an end; the pasted test says so too."""
    _, source, ran = pasted("state_is('complete')", marker=', profile="tasker-0.1.8"')
    assert 'profile="tasker-0.1.8", setup=reset' in source
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["E*state_is('complete'): the task ends *, not complete*"])


def test_what_cannot_be_written_is_said(pasted):
    """A lambda has no name: a comment says what is missing, and the check says what to put in its place."""
    marker = ', stubs={"validate": lambda context: {"total": 5}}'
    _, source, ran = pasted("lambda run: len(run.effects) <= 1", marker=marker)
    assert "# stubs: as in the exploration; <lambda> has no name in a module\n" in source
    assert "    run.check(...)  # give it: lambda at test_explore.py:7\n" in source
    ran.assert_outcomes(failed=1)
    ran.stdout.fnmatch_lines(["E*check: Ellipsis can't be checked. Give functions of a Run that raise or return *"])


def test_an_object_without_a_name_is_told_by_its_class():
    """What can't be written is named without its address, so that the report is the same in every process."""
    with pytest.raises(Unwritten, match=r"^an object of class Page has no name in a module$"):
        Page(Path()).write(Page(Path()))
