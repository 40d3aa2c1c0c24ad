"""Whole workflows on a simulated clock: the engine, the team's real handlers, and the only loop that joins them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit import observing
from tasker_testkit.checking import call_setup, check_handlers, check_settings
from tasker_testkit.driving import DrivenTask, Verb
from tasker_testkit.engine.closing import history_of
from tasker_testkit.engine.engine import Engine
from tasker_testkit.engine.growth import Blueprint
from tasker_testkit.engine.orders import chooser
from tasker_testkit.errors import RunError
from tasker_testkit.intervening import instead_of
from tasker_testkit.invoking import Backing, Invoker
from tasker_testkit.locating import lasting, seen_from_here
from tasker_testkit.model.actions import check_actions, read_actions
from tasker_testkit.model.dispatch import TaskFacts
from tasker_testkit.model.durations import instant
from tasker_testkit.model.faults import Fault, FaultPlan, as_plan
from tasker_testkit.model.loading import apply_environment, fits, load_template
from tasker_testkit.model.profile import Profile, find_profile
from tasker_testkit.model.systems import read_systems
from tasker_testkit.model.template import Template
from tasker_testkit.recipes import recipe_of
from tasker_testkit.run import Run
from tasker_testkit.stubs import Stubs, by_step
from tasker_testkit.submitting import Desk, Submission
from tasker_testkit.travelling import Packed, packed, unpacked
from tasker_testkit.undone import check_done, check_fired, check_used
from tasker_testkit.worker.endings import raised
from tasker_testkit.worker.http.routes import Routes
from tasker_testkit.worker.sources import load_handlers
from tasker_testkit.worker.walltime import World
from tasker_testkit.worker.zones import known_zone

if TYPE_CHECKING:
    from tasker_testkit.model.divergence import Divergence

_NO_INPUT: Final[Mapping[str, Any]] = {}
_OF_A_RUN: Final = {"faults", "order", "seed", "_strict"}
"""Of a simulation's fields those that have nothing to do with what stands behind its steps."""


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
    * ``order``: what goes first where several steps could: ``"creation"``; ``"seeded"``, drawn from the seed; or a list
      of choices, one a question (0 = the one that ``"creation"`` takes), 0 beyond its end.
    * ``setup``: called before every run, at its first instant, to give the team's own doubles a fresh start.
    * ``routes``: what other systems answer over HTTP: a list of routes as data, or a ``respx.Router`` (docs/http.md).
    * ``systems``: names for outages, ``{"payments": "https://pay.example/*"}``; an address or several for each.
    * ``missing_handlers``: ``"allow"`` lets a step whose handler can't be found fail as in Tasker (handler_not_found).
    * ``timezone``: what local time is for the handlers, ``"Europe/Berlin"`` for instance (docs/world.md).
    * ``real_timeout``: real seconds after which a handler that blocks stops the run (HandlerHangs).
    * ``initiator``, ``source_system``, ``reason``, ``tags``, ``priority``: of the task, as its handlers see them.

    It can be pickled, if all that was given can: another process then has the same simulation.

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
        order: str | Sequence[int] = "creation",
        setup: Callable[[], Any] | None = None,
        routes: Any = (),
        systems: Mapping[str, Any] | None = None,
        unused_faults: str = "error",
        missing_handlers: str = "error",
        timezone: str = "UTC",
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
        self._source, self.environment = lasting(template), environment
        self._loaded = load_template(template, profile=self.profile)
        self.template: Template = apply_environment(self._loaded, environment, self.profile)
        self._blueprint = Blueprint(self.template)
        self.stubs = by_step(self.template, stubs, "stub")
        self.durations = by_step(self.template, durations, "duration")
        self.seed, self.start_at = seed, instant(start)
        self.faults = as_plan(faults)
        self.actions = read_actions(actions)
        self.workers, self.order = workers, order
        self.setup = setup
        self.routes = routes if isinstance(routes, Routes) else Routes(routes)
        self.systems = read_systems(systems or {})
        self.unused_faults, self._missing_handlers = unused_faults, missing_handlers
        self._strict = True
        self.timezone = known_zone(timezone)
        self._world = World(real_timeout=real_timeout, timezone=timezone)
        self._task_fields: dict[str, Any] = {**fields, "steps_made": {}}
        self._tags = tuple(tags)
        self._desk = Desk(self.template, self.profile, self._tags)
        self.used_stubs: set[str] = set()
        self._calls_handlers = any(name not in self.stubs for name in self.template.step_names)
        self.check_plan(self.faults)
        check_actions(self.actions, self.template)
        self._handlers = load_handlers(handlers)
        self._check_handlers()
        self.behind = self._backing()

    def with_profile(self, profile: str | Profile, *, strict: bool = True) -> Simulation:
        """The same simulation under another profile; handlers aren't loaded again.

        Without ``strict``, faults that don't fire and actions that can't be done don't fail its runs. Raises
        TemplateError or HandlerError for what that profile refuses.
        """
        other = self._varied(profile=find_profile(profile), _strict=strict)
        if other.profile.strict_templates != self.profile.strict_templates:
            other._loaded = load_template(seen_from_here(self._source), profile=other.profile)
        other.template = apply_environment(other._loaded, self.environment, other.profile)
        other._desk = Desk(other.template, other.profile, other._tags)
        if other.template is not self.template:
            other._blueprint = Blueprint(other.template)
            other._task_fields = {**self._task_fields, "steps_made": {}}
        if other.profile.honours_method != self.profile.honours_method:
            other._check_handlers()
        return other

    def with_plan(
        self,
        faults: FaultPlan | Iterable[Any] | None,
        *,
        order: str | Sequence[int] | None = None,
        seed: int | None = None,
        strict: bool = True,
    ) -> Simulation:
        """The same simulation with other faults and, if given, another ``order`` and ``seed``; nothing is loaded again.

        Both share what takes time: template, handlers and the frozen clock. Without ``strict``, faults that don't fire
        and actions that can't be done don't fail its runs. Raises FaultError for a fault that could never fire.
        """
        changed = {"order": order, "seed": seed}
        given = {name: value for name, value in changed.items() if value is not None}
        check_settings(**given)
        plan = as_plan(faults)
        self.check_plan(plan)
        return self._varied(faults=plan, _strict=strict, **given)

    def _varied(self, **changes: Any) -> Simulation:
        other = object.__new__(type(self))
        vars(other).update({**vars(self), **changes})
        if not changes.keys() <= _OF_A_RUN:
            other.behind = other._backing()
        return other

    def _backing(self) -> Backing:
        stubs = Stubs(self.stubs, self.profile, partial(raised, profile=self.profile), self.used_stubs)
        return Backing(self.profile, self._handlers, stubs, self.durations, self._world, self.routes, self.systems)

    def __getstate__(self) -> Packed:
        return packed(vars(self))

    def __setstate__(self, state: Packed) -> None:
        vars(self).update(unpacked(state))
        self._check_handlers()
        self.behind = self._backing()

    def run(self, input: Any = _NO_INPUT) -> Run:
        """Submit ``input`` (default ``{}``) and run the task to its end, or to where nothing can happen any more.

        Raises InputError or SubmissionRefused if the task isn't created, HandlerHangs for a handler that blocks,
        FaultError for a planned fault that didn't fire, RunError for an action that couldn't be done.
        """
        with self._world if self._calls_handlers else nullcontext(), self.start(input) as task:
            return task.finish()

    def kept_frozen(self) -> AbstractContextManager[World]:
        """``with simulation.kept_frozen():`` the clock stays frozen from run to run, of it and of its variations.

        Each run then saves what freezing costs, about 25 µs. Between runs the clock stands still.
        """
        return self._world

    def start(self, input: Any = _NO_INPUT) -> DrivenTask:
        """Submit ``input`` and drive the task by hand: ``with simulation.start(input) as task: task.advance("5m")``."""
        return instead_of(self, input)._started(input)

    def _started(self, input: Any) -> DrivenTask:
        submission = self._desk.accept(input)
        if self.setup is not None:
            with self._world as world:
                world.move_to(self.start_at)
                call_setup(self.setup)
        self.routes.rewind()
        engine = Engine(
            self._blueprint,
            profile=self.profile,
            seed=self.seed,
            faults=self.faults,
            workers=self.workers,
            start=self.start_at,
            fits=fits,
            actions=self.actions,
            choose=chooser(self.order, self.seed),
        )
        facts = partial(
            TaskFacts,
            template=self.template,
            input=submission.context,
            created_at=self.start_at,
            tags=submission.tags,
            made=submission.made,
            **self._task_fields,
        )
        invoker = Invoker(self.behind, engine.ledger, facts, self.faults.on_the_wire)
        engine.publisher.outlet = invoker.announce
        script: list[Verb] = []
        return DrivenTask(
            engine,
            invoker,
            lambda: self._recorded(engine, submission, script),
            lambda: self._check(engine),
            lambda again: self._desk.accept_again(again, submission),
            script,
        )

    def check_plan(self, plan: FaultPlan) -> None:
        """Raise FaultError for a fault that could never fire in this workflow."""
        plan.check(self.template, profile=self.profile, systems=self.systems)

    def check_unused(self) -> None:
        """Raise StubError for stubs that no run so far has used."""
        check_used(self.stubs, self.used_stubs)

    def _divergences(self, input: Any, faults: Iterable[Fault], script: Sequence[Verb]) -> tuple[Divergence, ...]:
        from tasker_testkit.counterfactual import Scenario, divergences_of

        same = self._varied(faults=FaultPlan(faults))  # as planned in this run; the plan can have grown since
        return divergences_of(Scenario(same, input, tuple(script)))

    def _recorded(self, engine: Engine, submission: Submission, script: Sequence[Verb]) -> Run:
        planned = tuple(self.faults)
        run = Run(
            engine,
            lambda: history_of(engine, submission.copy(), planned),
            self.template,
            lambda: self._divergences(submission.given(), planned, script),
            lambda run: self._token(planned, run, script),
            lambda folder: recipe_of(self, submission, script, folder, engine),
        )
        observing.announce(run)
        return run

    def _token(self, planned: Iterable[Fault], run: Run, script: Sequence[Verb]) -> str:
        from tasker_testkit.replaying import token_of

        if script:
            raise RunError("A token can't carry what was done to a task by hand. Plan it with actions=[...].")
        return token_of(self, planned, history=run.history).text

    def _check(self, engine: Engine) -> None:
        if self._strict:
            check_fired(engine, () if self.unused_faults == "allow" else tuple(self.faults))
            check_done(engine)

    def _check_handlers(self) -> None:
        if self._missing_handlers == "allow" or not self._calls_handlers:
            return
        check_handlers(self._handlers, self.template, self.profile, skip=set(self.stubs))
