"""Hypothesis strategies for a workflow: its inputs, fault plans, the contexts of its handlers, and whole templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hypothesis import strategies as st

from tasker_testkit.errors import StrategyError, listed, near
from tasker_testkit.explore.kinds import ALL, chosen
from tasker_testkit.explore.strategies.ancestry import Ancestry
from tasker_testkit.explore.strategies.graphs import GROWING, graphs
from tasker_testkit.explore.strategies.payloads import inputs_of
from tasker_testkit.explore.strategies.plans import Faults, plans_of
from tasker_testkit.explore.strategies.sieve import Draw
from tasker_testkit.model.loading import load_template
from tasker_testkit.model.outcome import Failure
from tasker_testkit.model.profile import find_profile
from tasker_testkit.model.template import Template
from tasker_testkit.simulation import Simulation
from tasker_testkit.worker.sdk import load
from tasker_testkit.worker.single import step_context

__all__ = ["fault_plans", "inputs", "step_contexts", "templates"]

_FAILURES: Final = st.builds(
    Failure, message=st.just("injected fault"), error_type=st.sampled_from(("handler_error", "timeout"))
)
"""What the attempt before came to."""


def inputs(template: Any, *, valid: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    """Inputs of a task that the template accepts: JSON objects that fit ``input_schema`` and ``required_fields``.

    ``template``: whatever ``load_template`` takes, or a Simulation. With ``valid=False`` near misses: objects that are
    wrong in exactly one way, so that a run refuses them with one problem. Texts hold no NUL and no lone surrogates;
    containers are nested as deep as Tasker takes them, unless the schema demands more.

    Shrinks towards few keys and items, short texts, small numbers, the first of several alternatives; near misses
    towards the schema's first keyword. Raises StrategyError for a schema that can't be drawn from (its keywords are in
    ``docs/strategies.md``) or that nothing seems to fit.
    """
    if not isinstance(valid, bool):
        raise StrategyError(f"valid={valid!r:.80}: give True, or False for near misses.")
    return inputs_of(_template(template), valid=valid)


def fault_plans(
    template: Any, *, max_faults: int = 3, kinds: str | Iterable[str] = ALL, steps: Iterable[str] | None = None
) -> st.SearchStrategy[Any]:
    """Fault plans of up to ``max_faults`` faults that could fire, at most one an attempt.

    ``template``: whatever ``load_template`` takes, or a Simulation, whose profile counts. ``kinds``: as for
    ``explore``. ``steps``: where faults strike; None = every step but batch workers, whose instances only a run names
    (``steps=["work_001"]``). A later attempt comes only if those before it fail: run such plans with
    ``unused_faults="allow"``.

    Shrinks towards no faults, then towards early steps, first attempts, and the kinds that the explorer tries first.
    Raises FaultError for an unknown kind, StrategyError for an unknown step or where no such fault can strike.
    """
    if isinstance(max_faults, bool) or not isinstance(max_faults, int) or max_faults < 0:
        raise StrategyError(f"max_faults={max_faults!r}: give a whole number from 0.")
    profile = template.profile if isinstance(template, Simulation) else find_profile("documented")
    return plans_of(Faults(_template(template), profile, chosen(kinds), steps), max_faults)


def step_contexts(
    template: Any, step: str, *, input: Any = None, dependencies: Mapping[str, Any] | None = None
) -> st.SearchStrategy[Any]:
    """``StepContext`` values that a handler of ``step`` can meet in a run, as ``tasker_context`` makes them.

    Every ancestor that has run by then has a result: one that fits its ``result_schema``; without one any object. Of
    the dependencies of a deferred_convergence some are there, and a batch worker has one instance or more.
    ``input`` and the values of ``dependencies`` (by step) replace what would be drawn: a strategy, or a value.

    Shrinks towards the first attempt, small inputs and results, few branches. Raises StrategyError.
    """
    known = _template(template)
    ancestry = Ancestry(known, step, {name: _strategy(value) for name, value in (dependencies or {}).items()})
    task_input = inputs_of(known) if input is None else _strategy(input)
    load()  # now: Hypothesis doesn't like what an import does with the random module in the middle of a strategy

    @st.composite
    def contexts(draw: Draw) -> Any:
        attempt = draw(st.integers(1, ancestry.attempts))
        previous = draw(_FAILURES) if attempt > 1 else None
        scene = ancestry.scene(draw)
        given = {"input": draw(task_input), "dependencies": scene.results, "inputs": scene.inputs}
        return step_context(scene.step, attempt=attempt, previous=previous, template=known, **given)

    return contexts()


def templates(*, max_steps: int = 5, types: str | Iterable[str] = ()) -> st.SearchStrategy[dict[str, Any]]:
    """Templates as mappings, which both profiles load without a warning: any graph of up to ``max_steps`` steps.

    Steps have retry policies and timeouts; their callables are their names. ``types``: what grows at run time, too:
    ``"decision"`` (with branches and perhaps a convergence), ``"batchable"`` (with worker and convergence).

    Shrinks towards one step, no dependencies and no policies. Raises StrategyError for an unknown type.
    """
    wanted = (types,) if isinstance(types, str) else tuple(types)
    for name in wanted:
        if name not in GROWING:
            raise StrategyError(f"types: nothing grows from {name!r}.{near(name, GROWING)} Types:\n{listed(GROWING)}")
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
        raise StrategyError(f"max_steps={max_steps!r}: give a whole number from 1.")
    return graphs(max_steps, wanted)


def _template(source: Any) -> Template:
    return source.template if isinstance(source, Simulation) else load_template(source)


def _strategy(given: Any) -> st.SearchStrategy[Any]:
    return given if isinstance(given, st.SearchStrategy) else st.just(given)
