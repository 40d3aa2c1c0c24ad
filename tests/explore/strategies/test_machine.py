"""A workflow as a state machine of Hypothesis: what it does, what it finds, how it is extended."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from tasker_testkit import Simulation, StrategyError, WorkflowMachine, no_effect_twice, state_is
from tasker_testkit.model.states import TASK_STATES

QUICK = settings(
    max_examples=150, stateful_step_count=15, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink]
)


def workflow() -> dict[str, Any]:
    """Four steps in a diamond, three attempts each."""
    retry = {"max_attempts": 3, "backoff_base_ms": 100}
    edges = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    steps = [
        {"name": name, "handler": {"callable": name}, "dependencies": above, "retry": retry}
        for name, above in edges.items()
    ]
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    return {"name": "orders", "namespace_name": "shop", "version": "1.0.0", "steps": steps, "input_schema": schema}


STUBS: dict[str, Any] = {name: {} for name in "abcd"}


class Orders(WorkflowMachine):
    """The machine under test."""

    simulation = Simulation(workflow(), stubs=STUBS)


@pytest.mark.parametrize("profile", ["documented", "tasker-0.1.8"])
def test_the_rules_are_all_possible(profile):
    """Whatever rules run in whatever order: nothing is refused, and the task is always in a state of Tasker's."""
    seen = set()

    class Watched(Orders):
        """Notes what happens."""

        simulation = Simulation(workflow(), stubs=STUBS, profile=profile)
        kinds = ("fail", "crash")

        @invariant()
        def known(self) -> None:
            """The states are known."""
            assert self.task.state in TASK_STATES
            seen.update(step.state for step in self.task.steps.values())
            seen.update(fault.kind for fault in self.plan)

        def at_end(self, run: Any) -> None:
            """Notes the end."""
            seen.add(run.state)
            assert isinstance(run.history.input["n"], int)

    run_state_machine_as_test(Watched, settings=settings(QUICK, max_examples=300))
    assert {"pending", "enqueued", "complete", "cancelled", "resolved_manually", "error", "fail"} <= seen


def told(machine: type[WorkflowMachine], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The failing steps that Hypothesis prints, without those of invariants."""
    with pytest.raises(AssertionError) as failed:
        run_state_machine_as_test(machine, settings=QUICK)
    notes = "\n".join([*getattr(failed.value, "__notes__", []), capsys.readouterr().out])
    lines = [line.strip() for line in notes.splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.startswith("state.")]


def test_a_failure_is_told_in_few_rules(capsys):
    """What is printed is the smallest way there: the input, each rule with its argument, and nothing else."""

    class NeverTwice(Orders):
        """Says that no step is ever tried again."""

        @invariant()
        def once(self) -> None:
            """One attempt."""
            assert all(step.attempts < 2 for step in self.task.steps.values())

    first, *between, last = [line for line in told(NeverTwice, capsys) if "once()" not in line]
    assert (first, last) == ("state.submit(input={'n': 0})", "state.teardown()")
    faults = [line for line in between if line != "state.call_next()"]
    assert len(faults) == 1
    assert len(between) <= 6
    assert re.fullmatch(r"state\.fault\(fault=\{'step': '[ab]', 'attempt': 1, 'fail': \{\}\}\)", faults[0])


def test_checks_hold_at_the_end():
    """checks are judged by the finished run, as run.check does."""

    class Complete(Orders):
        """Says that every task is complete."""

        checks: ClassVar[Any] = (state_is("complete"), no_effect_twice)
        kinds = ("fail_permanent",)
        input = {"n": 7}  # noqa: RUF012

    with pytest.raises(AssertionError, match=r"blocked_by_failures|cancelled"):
        run_state_machine_as_test(Complete, settings=QUICK)


def test_rules_can_be_switched_off_and_added():
    """A rule is None in the subclass, another one is a method there; the input can be a strategy."""
    calls: list[str] = []

    class Own(Orders):
        """With a rule of its own, and nobody's hand in it."""

        input = st.just({"n": 1})
        cancel = reset_for_retry = resolve_manually = complete_manually = fault = None  # type: ignore[assignment]

        @rule()
        def look(self) -> None:
            """Only looks."""
            calls.append(self.task.state)

        def at_end(self, run: Any) -> None:
            """Nothing went wrong, so all is well."""
            assert (run.state, run.history.input) == ("complete", {"n": 1})

    run_state_machine_as_test(Own, settings=QUICK)
    assert calls


def test_each_run_has_its_own_plan():
    """The simulation's own plan stays empty, and a class doesn't inherit what another one chose from."""
    run_state_machine_as_test(Orders, settings=QUICK)
    assert len(Orders.simulation.faults) == 0

    class Other(Orders):
        """With one step."""

        simulation = Simulation({**workflow(), "steps": workflow()["steps"][:1]}, stubs={"a": {}})

        @invariant()
        def alone(self) -> None:
            """Faults are aimed at this step only."""
            assert {fault.step for fault in self.plan} <= {"a"}

    run_state_machine_as_test(Other, settings=QUICK)


def test_without_a_simulation_it_says_so():
    """The class is named, and what it needs."""

    class Nothing(WorkflowMachine):
        """Has none."""

    with pytest.raises(
        StrategyError, match=r"Nothing drives no workflow. Give the class one: simulation = Simulation\("
    ):
        run_state_machine_as_test(Nothing, settings=QUICK)
