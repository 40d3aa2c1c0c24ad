"""The bench that a test works at: one handler or a whole workflow, as the test's settings say. Needs no pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tasker_testkit.differing import claimed
from tasker_testkit.errors import RouteError, StubError, TaskerTestkitError, TemplateError
from tasker_testkit.model.durations import Duration, instant, microseconds
from tasker_testkit.model.effects import Effect
from tasker_testkit.model.faults import FaultPlan, as_plan
from tasker_testkit.model.loading import load_template
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.profile import find_profile
from tasker_testkit.model.template import Template
from tasker_testkit.run import Run
from tasker_testkit.settings import OF_THE_TEST, Layer, merged
from tasker_testkit.simulation import Simulation
from tasker_testkit.worker.http.routes import Routes
from tasker_testkit.worker.single import call_handler, step_context
from tasker_testkit.worker.walltime import World


class Clock:
    """The frozen clock that a single handler sees: it stands still, but for what the handler itself sleeps."""

    def __init__(self, start: datetime | str = "2026-01-01T00:00:00Z") -> None:
        self.world = World(start=instant(start))

    @property
    def now(self) -> datetime:
        """The instant, an aware UTC datetime."""
        return self.world.now

    def move_to(self, moment: datetime | str) -> None:
        """Show this instant from now on (ISO text or datetime; a naive one is UTC)."""
        self.world.move_to(instant(moment))

    def shift(self, by: Duration) -> None:
        """Let so much virtual time pass (seconds, ``"5m"`` or a timedelta)."""
        self.world.advance(microseconds(by))


class Bench:
    """What one test works with, from its settings (``layers``, nearest first); everything is made when first used.

    ``places`` are the folders in which relative paths given to ``run`` are looked up.
    """

    def __init__(self, layers: Iterable[Layer] = (), *, places: Sequence[Path] = ()) -> None:
        self._layers = tuple(layers)
        self._places = places
        self._settings = merged(self._layers)
        if "differs" in self._settings:
            claimed(self._settings["differs"])
        self._simulations: list[Simulation] = []
        self._effects: list[Effect] = []
        self.calls: list[Callable[..., Outcome]] = []
        """The handlers that were called by themselves, to be called again: ``calls[0](profile=...)``."""
        self._profile = find_profile(self._settings.get("profile", "documented"))
        self.faults = FaultPlan(as_plan(self._settings.get("faults")))
        """The faults of the simulation; one that is added later applies to the runs after that."""

    @cached_property
    def simulation(self) -> Simulation:
        """The simulation that the settings describe. Raises TemplateError if they name no template."""
        return self._built(self._settings)

    @cached_property
    def routes(self) -> Routes:
        """What answers HTTP requests in ``run`` and ``call``: the settings' routes, and those added to its router.

        Raises RouteError for routes that aren't understood.
        """
        return Routes(self._settings.get("routes", ()))

    @cached_property
    def clock(self) -> Clock:
        """The clock that ``call`` shows to handlers; it begins at the settings' ``start``."""
        return Clock(self._settings.get("start", "2026-01-01T00:00:00Z"))

    @cached_property
    def template(self) -> Template | None:
        """The settings' template, None if they name none."""
        if self._settings.get("template") is None:
            return None
        return load_template(self._settings["template"], profile=self._profile)

    def run(self, input: Any = None, **overrides: Any) -> Run:
        """Run the workflow with ``input``; ``overrides`` are keywords of Simulation, for this run only.

        Raises what ``Simulation`` and ``Simulation.run`` raise.
        """
        simulation = self._overridden(overrides) if overrides else self.simulation
        simulation.check_plan(simulation.faults)
        run = simulation.run(input)
        self._effects += run.effects
        return run

    def context(self, step: str, **fields: Any) -> Any:
        """A real StepContext for ``step``, as ``step_context`` makes it; template and profile are the settings'."""
        defaults = {"profile": self._profile, "at": self.clock.now}
        if "template" not in fields:
            defaults["template"] = self.template
        return step_context(step, **{**defaults, **fields})

    def call(self, handler: Any, context: Any, *, profile: Any = None) -> Outcome:
        """Call one handler as ``call_handler`` does, at the clock's instant."""
        chosen = profile or self._profile
        self.calls.append(partial(call_handler, handler, context))
        world, routes = self.clock.world, self.routes
        return call_handler(handler, context, profile=chosen, world=world, effects=self._effects, routes=routes)

    def effects(self, name: str | None = None) -> list[Effect]:
        """What was booked with ``effect(...)`` in the calls and runs of this bench so far; or only that of one name."""
        return [effect for effect in self._effects if name in (None, effect.name)]

    def check_unused(self) -> None:
        """Raise StubError for stubs that no run used, and RouteError for routes that no request met.

        Unless the settings say ``unused_stubs="allow"`` or ``unused_routes="allow"``.
        """
        used = {name for simulation in self._simulations for name in simulation.used_stubs}
        for simulation in self._simulations if self._is_strict("unused_stubs") else ():
            simulation.used_stubs |= used
            _check_unused(simulation.check_unused, "unused_stubs")
        if self._is_strict("unused_routes"):
            _check_unused(self.routes.check_unused, "unused_routes")

    def _is_strict(self, name: str) -> bool:
        allowed = self._settings.get(name, "error")
        if allowed not in ("error", "allow"):
            raise TaskerTestkitError(f"{name}={allowed!r} isn't known. Possible:\n  error\n  allow")
        return bool(allowed == "error")

    def _overridden(self, overrides: Mapping[str, Any]) -> Simulation:
        for name in OF_THE_TEST:
            if name in overrides:
                raise TaskerTestkitError(f"tasker_run(...) has no {name!r}: the marker says it of the whole test.")
        return self._built(merged((Layer("tasker_run(...)", overrides, self._places), *self._layers)))

    def _built(self, settings: Mapping[str, Any]) -> Simulation:
        keywords = {name: value for name, value in settings.items() if name not in OF_THE_TEST}
        if keywords.get("template") is None:
            raise TemplateError(
                "No template is given. Name one with @pytest.mark.tasker(template=...), "
                "with the ini option tasker_template, or in the call: tasker_run(input, template=...)."
            )
        if "faults" not in keywords or keywords["faults"] is self._settings.get("faults"):
            keywords["faults"] = self.faults
        if "routes" not in keywords or keywords["routes"] is self._settings.get("routes"):
            keywords["routes"] = self.routes
        simulation = Simulation(keywords.pop("template"), **keywords)
        self._simulations.append(simulation)
        return simulation


def _check_unused(check: Callable[[], None], name: str) -> None:
    try:
        check()
    except (StubError, RouteError) as error:
        raise type(error)(f'{error} To allow it: @pytest.mark.tasker({name}="allow").') from None
