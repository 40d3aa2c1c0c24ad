"""Drawn templates: both profiles load them without a word, and any engine runs them to their end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from tasker_testkit import Simulation, StrategyError, fault_plans, templates
from tasker_testkit.model.loading import load_template, template_data

FEW = settings(max_examples=60, database=None, derandomize=True)
SMALLEST = settings(FEW, max_examples=2_000, phases=[Phase.generate, Phase.shrink])
ALL = ("decision", "batchable")


@pytest.mark.parametrize("types", [(), "decision", "batchable", ALL], ids=str)
def test_both_profiles_load_every_template(types):
    """No problem and no warning in either, and what was asked for is there."""

    @FEW
    @given(templates(types=types))
    def draw(template: Any) -> None:
        loaded = [load_template(template, profile=name) for name in ("documented", "tasker-0.1.8")]
        assert [one.warnings for one in loaded] == [(), ()]
        assert template_data(loaded[0]) == template_data(loaded[1])
        grown = {"decision", "batchable"} & {step.type for step in loaded[0].steps}
        assert grown == ({types} if isinstance(types, str) else {*types})

    draw()


def test_every_template_runs():
    """Stubbed with empty results and under any faults, every template comes to an end, or the run says why not."""

    @FEW
    @given(st.data(), templates(types=ALL))
    def draw(data: Any, template: Any) -> None:
        stubs = {step["name"]: {} for step in template["steps"]}
        simulation = Simulation(template, stubs=stubs, faults=data.draw(fault_plans(template)), unused_faults="allow")
        run = simulation.run()
        assert (run.state in ("complete", "blocked_by_failures", "error")) == (run.stuck is None)

    draw()


SOUGHT = {
    "nothing": (lambda template: True, {}),
    "a policy": (
        lambda template: "max_attempts" in template["steps"][0].get("retry", {}),
        {"retry": {"max_attempts": 1}},
    ),
    "a timeout": (lambda template: "timeout_seconds" in template["steps"][0], {"timeout_seconds": 1}),
}


@pytest.mark.parametrize(("sought", "more"), SOUGHT.values(), ids=SOUGHT)
def test_templates_shrink_to_the_smallest(sought, more):
    """Towards one step without dependencies and policies."""
    assert find(templates(), sought, settings=SMALLEST) == {
        "name": "workflow",
        "namespace_name": "drawn",
        "version": "1.0.0",
        "steps": [{"name": "step_1", "handler": {"callable": "step_1"}, **more}],
    }


def test_graphs_shrink_to_the_smallest():
    """A chain of three is found, with nothing else in it."""

    def chain(template: Any) -> bool:
        depth: dict[str, int] = {}
        for step in template["steps"]:
            depth[step["name"]] = 1 + max((depth[name] for name in step.get("dependencies", ())), default=0)
        return max(depth.values()) == 3

    found = find(templates(), chain, settings=SMALLEST)
    assert [(step["name"], step.get("dependencies", [])) for step in found["steps"]] == [
        ("step_1", []),
        ("step_2", ["step_1"]),
        ("step_3", ["step_2"]),
    ]


def test_the_number_of_steps_is_kept():
    """max_steps counts the ordinary steps."""

    @FEW
    @given(templates(max_steps=2))
    def draw(template: Any) -> None:
        assert 1 <= len(template["steps"]) <= 2

    draw()


def test_what_makes_no_sense_is_said():
    """Unknown types and numbers that are none are told with what is possible."""
    with pytest.raises(StrategyError, match=r"types: nothing grows from 'decisions'. Did you mean 'decision'\? Types:"):
        templates(types="decisions")
    with pytest.raises(StrategyError, match="max_steps=0: give a whole number from 1"):
        templates(max_steps=0)
