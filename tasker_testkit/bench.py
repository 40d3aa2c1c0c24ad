"""The bench that a test works at: one handler or a whole workflow, as the test's settings say. Needs no pytest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tasker_testkit.errors import StubError, TaskerTestkitError, TemplateError
from tasker_testkit.model.durations import Duration, instant, microseconds
from tasker_testkit.model.faults import FaultPlan, as_plan
from tasker_testkit.model.loading import load_template
from tasker_testkit.model.outcome import Outcome
from tasker_testkit.model.profile import find_profile
from tasker_testkit.model.template import Template
from tasker_testkit.run import Run
from tasker_testkit.settings import Layer, merged
from tasker_testkit.simulation import Simulation
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
        self._simulations: list[Simulation] = []
        self._profile = find_profile(self._settings.get("profile", "documented"))
        self.faults = FaultPlan(as_plan(self._settings.get("faults")))
        """The faults of the simulation; one that is added later applies to the runs after that."""

    @cached_property
    def simulation(self) -> Simulation:
        """The simulation that the settings describe. Raises TemplateError if they name no template."""
        return self._built(self._settings)

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
        simulation.faults.check(simulation.template, profile=simulation.profile)
        return simulation.run(input)

    def context(self, step: str, **fields: Any) -> Any:
        """A real StepContext for ``step``, as ``step_context`` makes it; template and profile are the settings'."""
        defaults = {"profile": self._profile, "at": self.clock.now}
        if "template" not in fields:
            defaults["template"] = self.template
        return step_context(step, **{**defaults, **fields})

    def call(self, handler: Any, context: Any, *, profile: Any = None) -> Outcome:
        """Call one handler as ``call_handler`` does, at the clock's instant."""
        return call_handler(handler, context, profile=profile or self._profile, world=self.clock.world)

    def check_unused(self) -> None:
        """Raise StubError for stubs that no run used, unless the settings say ``unused_stubs="allow"``."""
        allowed = self._settings.get("unused_stubs", "error")
        if allowed not in ("error", "allow"):
            raise TaskerTestkitError(f"unused_stubs={allowed!r} isn't known. Possible:\n  error\n  allow")
        used = {name for simulation in self._simulations for name in simulation.used_stubs}
        for simulation in self._simulations if allowed == "error" else ():
            simulation.used_stubs |= used
            _check_unused(simulation)

    def _overridden(self, overrides: Mapping[str, Any]) -> Simulation:
        return self._built(merged((Layer("tasker_run(...)", overrides, self._places), *self._layers)))

    def _built(self, settings: Mapping[str, Any]) -> Simulation:
        keywords = {name: value for name, value in settings.items() if name != "unused_stubs"}
        if keywords.get("template") is None:
            raise TemplateError(
                "No template is given. Name one with @pytest.mark.tasker(template=...), "
                "with the ini option tasker_template, or in the call: tasker_run(input, template=...)."
            )
        if "faults" not in keywords or keywords["faults"] is self._settings.get("faults"):
            keywords["faults"] = self.faults
        simulation = Simulation(keywords.pop("template"), **keywords)
        self._simulations.append(simulation)
        return simulation


def _check_unused(simulation: Simulation) -> None:
    try:
        simulation.check_unused()
    except StubError as error:
        raise StubError(f'{error} To allow it: @pytest.mark.tasker(unused_stubs="allow").') from None
