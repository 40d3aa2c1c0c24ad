"""``.tasker/failures``: what failed is tried first next time, and forgotten when it passes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tasker_testkit import Simulation, TaskerTestkitError, TokenError, explore, sometimes
from tasker_testkit.explore.tokens import read_token
from tasker_testkit.search.exploring import Explorer
from tasker_testkit.search.keeping import kept_below
from tasker_testkit.search.kept_failures import keep, kept, read_failure

TEMPLATE = {
    "name": "orders",
    "namespace_name": "shop",
    "version": "1.0.0",
    "steps": [
        {"name": "charge", "handler": {"callable": "charge"}},
        {"name": "ship", "handler": {"callable": "ship"}, "dependencies": ["charge"]},
    ],
}
STUBS = {"charge": {"id": 1}, "ship": {}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of the kept failures, in an empty project."""
    monkeypatch.chdir(tmp_path)
    with kept_below(tmp_path):
        yield tmp_path / ".tasker" / "failures"


def simulation(**fields):
    """The workflow with stubs."""
    return Simulation(fields.pop("template", TEMPLATE), stubs=STUBS, **fields)


def ships(run):
    """What holds unless something fails for good."""
    return run.state == "complete"


def allowed(run):
    """The same check by name, of a workflow that was repaired."""
    return True


allowed.__name__ = "ships"


def files(folder):
    """The names of the kept files."""
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


def first_plans(simulation, **options):
    """What an exploration runs first, before the plan without faults."""
    seen = []
    explorer = Explorer(simulation, options.pop("input", {}), **options)
    explorer.walk(lambda extent, one: seen.append(one.plan))
    return seen[: seen.index(())]


def test_each_failure_is_kept_in_a_file_of_its_own(folder):
    """Named after template and content; readable by people; the folder isn't for a repository."""
    found = explore(simulation(), {"total": 5}, check=ships, kinds="fail").failures
    assert [failure.kept.name for failure in found] == files(folder)
    assert all(name.startswith("orders-") for name in files(folder))
    data = json.loads(found[0].kept.read_text())
    assert data["plan"] == ["charge: attempt 1 fails, for good: handler_error: injected fault"]
    assert (data["invariant"], data["input"], data["token"]) == ("ships", {"total": 5}, found[0].token)
    assert (folder.parent / ".gitignore").read_text().splitlines()[-1] == "*"


def test_what_failed_is_tried_first(folder):
    """The next exploration of the same workflow begins with the kept plans, and finds the same as the first."""
    first = explore(simulation(), check=ships, kinds="fail")
    kept_plans = [tuple(failure.plan) for failure in first.failures]
    assert sorted(map(repr, first_plans(simulation(), check=ships, kinds="fail"))) == sorted(map(repr, kept_plans))
    assert str(explore(simulation(), check=ships, kinds="fail")) == str(first)


def test_a_sample_that_leaves_it_out_finds_it_all_the_same(folder):
    """A kept plan is found although ``limit`` doesn't reach it; a note says why the table has more than its plans."""
    failures = explore(simulation(), check=ships, kinds="fail").failures
    again = explore(simulation(), check=ships, kinds="fail", limit=1)
    assert sorted(map(repr, again.failures)) == sorted(map(repr, failures))
    assert again.coverage.seen == 1
    besides = "failed before, and again, beside this exploration's plans: {}. The table has them too."
    assert again.notes == (besides.format(len(failures)),)
    assert explore(simulation(), check=ships, kinds="fail").notes == ()


def test_what_passes_now_is_forgotten(folder):
    """With the bug repaired nothing is left."""
    explore(simulation(), check=ships, kinds="fail")
    assert len(files(folder)) == 2
    assert explore(simulation(), check=allowed, kinds="fail").failures == ()
    assert files(folder) == []


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"profile": "tasker-0.1.8"}, {"check": allowed}),
        ({"seed": 1}, {"check": allowed}),
        ({}, {"check": ()}),
        ({"template": {**TEMPLATE, "name": "orders-2"}}, {"check": allowed}),
    ],
)
def test_what_is_about_something_else_stays_untouched(folder, fields, options):
    """Another profile, seed, check or template neither tries nor forgets it."""
    explore(simulation(), check=ships, kinds="fail")
    before = files(folder)
    assert first_plans(simulation(**fields), kinds="fail", **options) == []
    assert files(folder) == before


def test_templates_whose_names_make_the_same_file_name(folder):
    """``a/b`` and ``a_b`` share a file name's beginning, and nothing else."""
    explore(simulation(template={**TEMPLATE, "name": "a/b"}), check=ships, kinds="fail")
    assert [len(kept(name)[0]) for name in ("a/b", "a_b")] == [2, 0]


def test_another_input_tries_it_but_does_not_forget_it(folder):
    """Whether it passes with the input it failed with, only that input says."""
    explore(simulation(), {"total": 5}, check=ships, kinds="fail")
    assert len(first_plans(simulation(), input={"total": 6}, check=allowed, kinds="fail")) == 2
    assert len(files(folder)) == 2


def test_a_plan_that_the_template_cannot_have_any_more_is_forgotten(folder):
    """A step that was renamed."""
    explore(simulation(), check=ships, kinds="fail")
    other = {**TEMPLATE, "steps": TEMPLATE["steps"][:1]}
    found = explore(Simulation(other, stubs={"charge": {}}), check=ships, kinds="fail")
    assert len(found.failures) == 1
    assert len(files(folder)) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "list indices must be"),
        ("{}", "it has no 'format'"),
        ('{"format": "x", "version": 1}', "its format is 'x', version 1"),
        (
            '{"format": "tasker-testkit/failure", "version": 1, "token": "Ax", "invariant": "", "input": 1}',
            "This token is damaged",
        ),
        ("\udc80", "codec can't decode"),
    ],
)
def test_a_foreign_file_is_said_and_passed_over(folder, content, reason):
    """What can't be read is a note of the exploration, not the end of it."""
    folder.mkdir(parents=True)
    (folder / "orders-foreign.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    exploration = explore(simulation(), kinds="fail")
    assert exploration.failures == ()
    (note,) = [note for note in exploration.notes if "kept failure" in note]
    assert note.startswith(".tasker/failures/orders-foreign.json is no kept failure that can be read: ")
    assert reason in note
    assert note.endswith(". Delete it.")


def test_a_folder_that_cannot_be_written_is_said(folder, tmp_path):
    """The failure is found and reported, and so is that it can't be kept."""
    (tmp_path / ".tasker").write_text("a file")
    exploration = explore(simulation(), check=ships, kinds="fail")
    assert len(exploration.failures) == 2
    assert any(note.startswith("Can't keep the failure in .tasker/failures: ") for note in exploration.notes)


def test_an_input_that_is_no_json_is_said(folder):
    """The same for an input that no file can hold."""
    token = explore(simulation(), check=ships, kinds="fail").failures[0].token
    with pytest.raises(TaskerTestkitError, match=r"Can't keep the failure in .tasker/failures: Object of type set"):
        keep(read_token(token), invariant="x", message="", input={1})
    assert not [name for name in files(folder) if name.endswith(".tmp")]


def test_what_needs_no_fault_is_not_kept(folder):
    """The plain workflow runs first anyway; a goal that no run reached has no plan either."""
    found = explore(simulation(), check=[sometimes(lambda task: False), lambda run: False], kinds="fail").failures
    assert [len(failure.plan) for failure in found] == [0, 0]
    assert files(folder) == []


def test_an_interrupted_exploration_keeps_nothing_unfinished(folder):
    """What isn't shrunk isn't kept."""
    explorer = Explorer(simulation(), check=ships, kinds="fail")
    explorer.walk()
    assert explorer.exploration(shrink=False).failures
    assert files(folder) == []


def test_many_processes_may_keep_the_same(folder, tmp_path):
    """Readers never see half a file: two processes write the same failure again and again while it is read."""
    failure = explore(simulation(), {"x": "y" * 10_000}, check=ships, kinds="fail").failures[0]
    code = (
        "import sys; from pathlib import Path\n"
        "from tasker_testkit.search.kept_failures import keep, read_failure\n"
        f"one = read_failure(Path({str(failure.kept)!r}))\n"
        "for _ in range(100): keep(one.token, invariant=one.invariant, message='', input=one.input)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) for _ in range(2)]
    reads = 0
    while any(writer.poll() is None for writer in writers):
        assert read_failure(failure.kept).input == {"x": "y" * 10_000}
        reads += 1
    assert [writer.returncode for writer in writers] == [0, 0]
    assert reads > 10
    assert len(files(folder)) == 2


def test_nothing_is_kept_where_nothing_shall_be(tmp_path, monkeypatch):
    """``kept_below(None)``, as in this project's own tests."""
    monkeypatch.chdir(tmp_path)
    found = explore(simulation(), check=ships, kinds="fail").failures
    assert [failure.kept for failure in found] == [None, None]
    assert kept("orders") == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there(tmp_path):
    """A kept failure is named on the command line: a wrong name is one sentence."""
    with pytest.raises(TokenError, match=r"nowhere\.json is no kept failure that can be read: No such file"):
        read_failure(tmp_path / "nowhere.json")
