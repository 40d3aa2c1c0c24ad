"""A task under way as a state machine of Hypothesis: one rule at a time, in any order, until something doesn't hold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tasker_testkit.driving import DrivenTask
from tasker_testkit.errors import StrategyError
from tasker_testkit.explore.kinds import ALL, chosen
from tasker_testkit.explore.strategies.payloads import inputs_of, results_of
from tasker_testkit.explore.strategies.plans import Faults
from tasker_testkit.model.fault_kinds import Fault, fault_from_data
from tasker_testkit.model.faults import FaultPlan
from tasker_testkit.model.states import STEP_SATISFIED, STEP_STATES, TASK_TERMINAL
from tasker_testkit.run import Run
from tasker_testkit.simulation import Simulation

_WHILES: Final = ("100ms", "1s", "10s", "1m", "10m")
_UNSETTLED: Final = frozenset(STEP_STATES) - STEP_SATISFIED
_FAILED: Final = frozenset(("error",))


class _Choices:
    """What the rules of one machine choose from, made once."""

    def __init__(self, machine: type[WorkflowMachine]) -> None:
        simulation = getattr(machine, "simulation", None)
        if not isinstance(simulation, Simulation):
            raise StrategyError(
                f"{machine.__name__} drives no workflow. Give the class one: simulation = Simulation(template, "
                "handlers=...)."
            )
        template, given = simulation.template, machine.input
        drawn = inputs_of(template) if given is None else given
        self.inputs = drawn if isinstance(drawn, st.SearchStrategy) else st.just(drawn)
        self.faults = Faults(template, simulation.profile, chosen(machine.kinds))
        self.results = {step.name: results_of(template, step) for step in template.steps}


def _of(choose: Callable[[Any], st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """What a rule's argument is chosen from, given the machine."""
    return st.runner().flatmap(choose)


class WorkflowMachine(RuleBasedStateMachine):
    """A task that Hypothesis drives: subclass it, give it a ``simulation``, add rules and invariants of your own.

    Class attributes: ``simulation``; ``input``: a value or a strategy (None: ``inputs(template)``); ``kinds``: of the
    faults, as for ``explore``; ``checks``: invariants or functions of a Run that hold at the end, as for ``run.check``.
    ``self.task`` is the task under way, a driven one; ``self.plan`` the faults so far. A rule is switched off by
    ``name = None`` in the subclass. At the end the task runs out, and ``at_end`` gets the run.

    Shrinks towards few rules. Raises StrategyError without a simulation, or for an input_schema that can't be drawn.
    """

    simulation: ClassVar[Any] = None
    input: ClassVar[Any] = None
    kinds: ClassVar[str | Iterable[str]] = ALL
    checks: ClassVar[Collection[Any]] = ()
    _made: ClassVar[_Choices]
    task: DrivenTask
    plan: FaultPlan

    def at_end(self, run: Run) -> None:
        """Called with the finished run; override it to assert what must hold then. Nothing by default."""

    @initialize(input=_of(lambda machine: machine._choices().inputs))
    def submit(self, input: Any) -> None:
        """Submit a task with this input."""
        self.plan = FaultPlan()
        self.task = self.simulation.with_plan(self.plan, strict=False).start(input)

    @rule()
    def call_next(self) -> None:
        """Run until one more handler was called."""
        self.task.call_next()

    @rule(by=st.sampled_from(_WHILES))
    def advance(self, by: str) -> None:
        """Let virtual time pass."""
        self.task.advance(by)

    @precondition(lambda machine: machine._places())
    @rule(fault=_of(lambda machine: machine._next_faults()))
    def fault(self, fault: dict[str, Any]) -> None:
        """Plan a fault, given as data, for the next attempt of a step."""
        self.plan.add(fault_from_data(fault))

    @precondition(lambda machine: machine.task.state not in TASK_TERMINAL)
    @rule()
    def cancel(self) -> None:
        """Cancel the task."""
        self.task.cancel()

    @precondition(lambda machine: machine._steps(_FAILED))
    @rule(step=_of(lambda machine: st.sampled_from(machine._steps(_FAILED))))
    def reset_for_retry(self, step: str) -> None:
        """Reset a step that failed for good."""
        self.task[step].reset_for_retry()

    @precondition(lambda machine: machine._steps(_UNSETTLED))
    @rule(step=_of(lambda machine: st.sampled_from(machine._steps(_UNSETTLED))))
    def resolve_manually(self, step: str) -> None:
        """Settle a step by hand, without a result."""
        self.task[step].resolve_manually()

    @precondition(lambda machine: machine._steps(_UNSETTLED))
    @rule(settled=_of(lambda machine: machine._settlements()))
    def complete_manually(self, settled: tuple[str, dict[str, Any]]) -> None:
        """Settle a step by hand, with a result."""
        step, result = settled
        self.task[step].complete_manually(result)

    def teardown(self) -> None:
        """Let the task run out and judge the run; not after a failure, which is what is told then."""
        if sys.exc_info()[0] is None and hasattr(self, "task"):
            run = self.task.finish()
            run.check(*self.checks)
            self.at_end(run)

    @classmethod
    def _choices(cls) -> _Choices:
        if "_made" not in cls.__dict__:  # not a parent's, whose simulation may be another
            cls._made = _Choices(cls)
        return cls._made

    def _steps(self, states: Collection[str]) -> list[str]:
        """The steps that are in one of the states."""
        return [name for name, step in self.task.steps.items() if step.state in states]

    def _places(self) -> list[tuple[str, int]]:
        """Where a fault can still be aimed: at each step's next attempt, if none is aimed there."""
        faults, steps = self._choices().faults, self.task.steps
        after = {name: steps[name].attempts + 1 if name in steps else 1 for name in faults.steps}
        return [
            (name, number)
            for name, number in after.items()
            if number <= faults.attempts(name) and not self.plan.at(name, number)
        ]

    def _next_faults(self) -> st.SearchStrategy[dict[str, Any]]:
        faults = self._choices().faults
        return st.sampled_from(self._places()).flatmap(lambda place: faults.at(*place)).map(Fault.to_data)

    def _settlements(self) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
        """A step with a result of it; an instance has its batch worker's."""
        results = self._choices().results
        known = {name: results.get(name, st.just({})) for name in self._steps(_UNSETTLED)}
        return st.sampled_from(list(known)).flatmap(lambda name: st.tuples(st.just(name), known[name]))
