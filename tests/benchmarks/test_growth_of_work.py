"""Twice the workflow is about twice the work, counted in calls and comparisons of names: no clock, so no chance."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tasker_testkit import Simulation

ROOT = Path(__file__).resolve().parents[2]
SIZE = 300
WORKFLOWS = ("layered", "linear", "decisions", "batch")


class Name(str):
    """A name of which each comparison is a call, so that a search through names is counted."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return str.__eq__(self, other)


def built(monkeypatch, name, size):
    """The template of that name and size, with its stubs."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import workflows

    made = getattr(workflows, name)(size)
    template, stubs = made if isinstance(made, tuple) else (made, {step: {} for step in made.step_names})
    steps = [
        replace(step, name=Name(step.name), dependencies=tuple(map(Name, step.dependencies))) for step in template.steps
    ]
    return replace(template, steps=tuple(steps)), stubs


def calls_of(action) -> int:
    """How many functions, steps of generators included, ``action`` calls."""
    count = 0

    def counting(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", WORKFLOWS)
def test_twice_the_steps_are_twice_the_work(monkeypatch, name):
    """Making a Simulation, running it and its history: none of it looks at the whole workflow for each step."""

    def work(size):
        template, stubs = built(monkeypatch, name, size)

        def run():
            assert Simulation(template, stubs=stubs).run({}).history.state == "complete"

        return calls_of(run)

    work(SIZE)
    assert work(2 * SIZE) < 2.2 * work(SIZE)
