"""The explorer finds real bugs: one planted in each workflow of fixtures/bugs, and none in its repaired twin."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from bugs import doubles

from tasker_testkit import Simulation, explore
from tasker_testkit.explore.kinds import ALL
from tasker_testkit.explore.space import title

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "fixtures" / "bugs"
BUGS = sorted(path.parent.name for path in FOLDER.glob("*/template.yaml"))
ROW = re.compile(r"^\| `(\w+)` \| (.+) \| `(.+)` \| `(.+)` \|$", re.MULTILINE)
DEPTH = 2


def explored(bug, version, depth, **more):
    """An exploration of one version of a workflow, held against its checks."""
    repaired = FOLDER / bug / "repaired.yaml"
    template = repaired if version == "repaired" and repaired.exists() else FOLDER / bug / "template.yaml"
    checks = importlib.import_module(f"bugs.{bug}.checks")
    simulation = Simulation(template, handlers=f"bugs.{bug}.{version}", setup=doubles.reset)
    options = {"kinds": getattr(checks, "KINDS", ALL), "depth": min(depth, getattr(checks, "DEPTH", depth))}
    return explore(simulation, checks.INPUT, check=checks.CHECKS, **options, **more)


def table():
    """The table of docs/bugs.md: what is said of a bug, the plan that shows it, and what doesn't hold; by bug."""
    rows = ROW.findall((ROOT / "docs" / "bugs.md").read_text(encoding="utf-8"))
    return {bug: (story, plan, invariant) for bug, story, plan, invariant in rows}


def test_there_are_many_bugs():
    """Every workflow with a planted bug is in the table of docs/bugs.md, and there are 16 of them."""
    assert list(table()) == BUGS
    assert len(BUGS) == 16


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug):
    """The plan in the table of docs/bugs.md shows the bug, and nothing but the bug's own invariant breaks."""
    failures = explored(bug, "buggy", depth=1).failures or explored(bug, "buggy", depth=2).failures
    first = failures[0]
    assert {failure.invariant for failure in failures} == {first.invariant}
    assert all(len(failure.plan) <= 2 for failure in failures)
    story = importlib.import_module(f"bugs.{bug}").__doc__
    assert table()[bug] == (story, title(tuple(first.plan)), first.invariant)


@pytest.mark.parametrize("bug", BUGS)
def test_a_repaired_twin_raises_no_alarm(bug):
    """With two faults a plan, everything that was asked for holds, and Tasker's own promises as well."""
    exploration = explored(bug, "repaired", DEPTH)
    assert [(failure.invariant, failure.message) for failure in exploration.failures] == []
    assert exploration.coverage.exhaustive


@pytest.mark.parametrize("bug", BUGS)
def test_without_faults_most_bugs_hide(bug):
    """The plain run holds in nearly every buggy workflow: tests without faults would be green."""
    failures = explored(bug, "buggy", depth=0).failures
    assert bool(failures) == (bug == "state_on_the_class")


@pytest.mark.parametrize("bug", ["refund_too_early", "two_writers"])
def test_another_order_shows_what_depends_on_it(bug):
    """Two bugs need no fault, only parallel steps in another order; the twins have none that could be swapped."""
    (failure,) = explored(bug, "buggy", depth=0, orders="all").failures
    assert (failure.invariant, len(failure.plan)) == (table()[bug][2], 0)
    assert explored(bug, "repaired", depth=1, orders="all").failures == ()
