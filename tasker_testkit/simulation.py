"""Whole workflows on a simulated clock: the engine, the team's real handlers, and the only loop that joins them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from copy import copy, deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit import observing
from tasker_testkit.checking import check_settings
from tasker_testkit.driving import DrivenTask, Verb
from tasker_testkit.engine.closing import history_of
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.errors import FaultError, HandlerError, RunError, StubError, listed
from tasker_testkit.invoking import Backing, Invoker
from tasker_testkit.model.actions import check_actions, read_actions
from tasker_testkit.model.dispatch import TaskFacts
from tasker_testkit.model.durations import instant
from tasker_testkit.model.faults import Fault, FaultPlan, as_plan
from tasker_testkit.model.loading import accept_context, apply_environment, check_input, fits, load_template
from tasker_testkit.model.profile import Profile, find_profile
from tasker_testkit.model.submission import check_submission, identity, same_again
from tasker_testkit.model.template import Template
from tasker_testkit.run import Run
from tasker_testkit.stubs import by_step
from tasker_testkit.worker.sources import load_handlers
from tasker_testkit.worker.walltime import World

if TYPE_CHECKING:
    from tasker_testkit.model.divergence import Divergence

_NO_INPUT: Final[Mapping[str, Any]] = {}


class Simulation:
    """One workflow that can run many times; runs never see one another.

    * ``template``: a path, YAML text, a mapping, or a loaded ``Template``.
    * ``handlers``: a module, a dotted name, the path of a ``.py`` file, a mapping of callable to handler, or a sequence
      of these. Every callable that doesn't resolve is listed before anything runs (HandlerError).
    * ``stubs``: what takes the place of a step's handler: a result, a ``Failure``, an exception, a list of these (one
      an attempt, the last repeats), or a function of the StepContext.
    * ``profile``: ``"documented"``, ``"tasker-0.1.8"``, or a ``Profile``. ``seed``: feeds jitter and identifiers.
    * ``start``: the instant of every submission, ISO text or datetime (default 2026-01-01T00:00:00Z).
    * ``faults``: a ``FaultPlan`` or its data; one that doesn't fire fails the run unless ``unused_faults="allow"``.
    * ``actions``: what an operator does in every run, as data: ``[{"do": "cancel", "at": "5s"}]``. One that Tasker
      refuses, or whose moment never comes, fails the run.
    * ``workers``: how many steps run at once (profile row 26); None = the profile's default.
    * ``environment``: which of the template's ``environments`` applies (row 15).
    * ``durations``: virtual time that a step's handler takes, added to what it sleeps: a duration (seconds or
      ``"250ms"``), a list of them (one an attempt), or a function of the context and a random generator.
    * ``order``: in which order parallel results are handled; ``"creation"``.
    * ``setup``: called before every run, to give the team's own doubles a fresh start.
    * ``missing_handlers``: ``"allow"`` lets a step whose handler can't be found fail as in Tasker (handler_not_found).
    * ``real_timeout``: real seconds after which a handler that blocks stops the run (HandlerHangs).
    * ``initiator``, ``source_system``, ``reason``, ``tags``, ``priority``: of the task, as its handlers see them.

    Raises TemplateError, HandlerError, StubError, FaultError, RunError or ProfileError for what can't work.
    """

    def __init__(
        self,
        template: Any,
        *,
        handlers: Any = (),
        stubs: Mapping[str, Any] | None = None,
        profile: str | Profile = "documented",
        seed: int = 0,
        start: datetime | str = "2026-01-01T00:00:00Z",
        faults: FaultPlan | Iterable[Any] | None = None,
        actions: Iterable[Any] = (),
        workers: int | None = None,
        environment: str | None = None,
        durations: Mapping[str, Any] | None = None,
        order: str = "creation",
        setup: Callable[[], Any] | None = None,
        unused_faults: str = "error",
        missing_handlers: str = "error",
        real_timeout: float = 10.0,
        initiator: str = "tasker_testkit",
        source_system: str = "tasker_testkit",
        reason: str = "test",
        tags: Sequence[str] = (),
        priority: int = 0,
    ) -> None:
        fields = {"initiator": initiator, "source_system": source_system, "reason": reason, "priority": priority}
        check_settings(seed=seed, workers=workers, order=order, setup=setup, real_timeout=real_timeout)
        check_settings(unused_faults=unused_faults, missing_handlers=missing_handlers, tags=tags, **fields)
        self.profile = find_profile(profile)
        self._source, self.environment = template, environment
        self._loaded = load_template(template, profile=self.profile)
        self.template: Template = apply_environment(self._loaded, environment, self.profile)
        self._blueprint = Blueprint(self.template)
        self.stubs = by_step(self.template, stubs, "stub")
        self.durations = by_step(self.template, durations, "duration")
        self.seed, self.start_at = seed, instant(start)
        self.faults = as_plan(faults)
        self.actions = read_actions(actions)
        self.workers = workers
        self.setup = setup
        self.unused_faults = unused_faults
        self._missing_handlers = missing_handlers
        self._strict = True
        self._world = World(real_timeout=real_timeout)
        self._task_fields: dict[str, Any] = {**fields, "steps_made": {}}
        self._tags = tuple(tags)
        self.used_stubs: set[str] = set()
        self._calls_handlers = any(name not in self.stubs for name in self.template.step_names)
        self.faults.check(self.template, profile=self.profile)
        check_actions(self.actions, self.template)
        self._handlers = load_handlers(handlers)
        self._check_handlers()

    def with_profile(self, profile: str | Profile, *, strict: bool = True) -> Simulation:
        """The same simulation under another profile; handlers aren't loaded again.

        Without ``strict``, faults that don't fire and actions that can't be done don't fail its runs. Raises
        TemplateError or HandlerError for what that profile refuses.
        """
        other = copy(self)
        other.profile, other._strict = find_profile(profile), strict
        if other.profile.strict_templates != self.profile.strict_templates:
            other._loaded = load_template(self._source, profile=other.profile)
        other.template = apply_environment(other._loaded, self.environment, other.profile)
        if other.template is not self.template:
            other._blueprint = Blueprint(other.template)
            other._task_fields = {**self._task_fields, "steps_made": {}}
        if other.profile.honours_method != self.profile.honours_method:
            other._check_handlers()
        return other

    def run(self, input: Any = _NO_INPUT) -> Run:
        """Submit ``input`` (default ``{}``) and run the task to its end, or to where nothing can happen any more.

        Raises InputError or SubmissionRefused if the task isn't created, HandlerHangs for a handler that blocks,
        FaultError for a planned fault that didn't fire, RunError for an action that couldn't be done.
        """
        with self.start(input) as task, self._world if self._calls_handlers else nullcontext():
            return task.finish()

    def start(self, input: Any = _NO_INPUT) -> DrivenTask:
        """Submit ``input`` and drive the task by hand: ``with simulation.start(input) as task: task.advance("5m")``."""
        check_input(self.template, input, self.profile)
        accepted, tags = accept_context(input, self._tags, self.profile)
        check_submission(self.template)
        if self.setup is not None:
            self.setup()
        engine = Engine(
            self._blueprint,
            profile=self.profile,
            seed=self.seed,
            faults=self.faults,
            workers=self.workers,
            start=self.start_at,
            fits=fits,
            actions=self.actions,
        )
        facts = TaskFacts(
            engine.ledger.uuid("task"), self.template, accepted, self.start_at, tags=tags, **self._task_fields
        )
        behind = Backing(self.profile, self._handlers, self.stubs, self.durations, self._world, self.used_stubs)
        invoker = Invoker(behind, engine, facts)
        kept = deepcopy(input) if self.profile.sanitises_context else accepted
        task = DrivenTask(
            engine,
            invoker,
            lambda: self._recorded(engine, accepted, lambda planned: self._divergences(kept, planned, task.script)),
            lambda: self._check(engine),
            self._submit_again(accepted),
        )
        return task

    def _submit_again(self, first: Mapping[str, Any]) -> Callable[[Any], None]:
        """What a second submission meets while, and after, the first one's task exists."""

        def submit(again: Any) -> None:
            check_input(self.template, again, self.profile)
            accepted, _ = accept_context(again, self._tags, self.profile)
            same = identity(self.template, accepted) == identity(self.template, first)
            if same and self.profile.strict_identity:
                raise same_again()

        return submit

    def check_unused(self) -> None:
        """Raise StubError for stubs that no run so far has used."""
        unused = [name for name in self.stubs if name not in self.used_stubs]
        if unused:
            raise StubError(
                f"No run used these stubs:\n{listed(unused)}\nTheir steps never ran. Drop them, or let the steps run."
            )

    def _divergences(self, input: Any, faults: Iterable[Fault], script: Sequence[Verb]) -> tuple[Divergence, ...]:
        from tasker_testkit.counterfactual import Scenario, divergences_of

        same = copy(self)
        same.faults = FaultPlan(faults)  # as they were planned in this run; the plan can have grown since
        return divergences_of(Scenario(same, input, tuple(script)))

    def _recorded(
        self,
        engine: Engine,
        accepted: Mapping[str, Any],
        divergences: Callable[[Iterable[Fault]], tuple[Divergence, ...]],
    ) -> Run:
        ledger, planned = engine.ledger, tuple(self.faults)
        run = Run(
            ledger.task_state,
            lambda: history_of(engine, accepted, planned),
            self.template,
            lambda: divergences(planned),
        )
        if observing.runs is not None:
            observing.runs.append(run)
        return run

    def _check(self, engine: Engine) -> None:
        if self._strict:
            self._check_faults(engine)
            _check_done(engine)

    def _check_faults(self, engine: Engine) -> None:
        if self.unused_faults == "allow" or not len(self.faults):
            return
        fired = {id(fault) for step in engine.ledger.steps for attempt in step.log for fault in attempt.fired}
        unused = [fault for fault in self.faults if id(fault) not in fired]
        if unused:
            raise FaultError(
                f"These faults never fired in a run that ended {engine.ledger.task_state}:\n{listed(unused)}\n"
                'Aim them at attempts that happen, leave them out, or in Python allow it: unused_faults="allow".'
            )

    def _check_handlers(self) -> None:
        if self._missing_handlers == "allow" or not self._calls_handlers:
            return
        problems = self._handlers.problems(self.template, self.profile, skip=set(self.stubs))
        if problems:
            raise HandlerError(
                f"These handlers of template {self.template.name!r} can't be used:\n{listed(problems)}\n"
                "Give handlers with handlers= or --handlers (a module, a file; in Python also a mapping), "
                "or stubs of these steps with stubs= or --stubs."
            )


def _check_done(engine: Engine) -> None:
    planned, ended = engine.planned, f"in a run that ended {engine.ledger.task_state}"
    if planned.refused:
        raise RunError(f"These actions were refused {ended}:\n{listed(planned.refused)}")
    if planned.missed:
        raise RunError(
            f"The moment of these actions never came {ended}:\n{listed(planned.missed)}\n"
            "Wait for a state that the run enters, or name an instant: 'at: 5s'."
        )
