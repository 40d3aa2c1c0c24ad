"""Which rows of ``docs/profiles.md`` mattered for one workflow, found by running it again.

Each row is tried both ways: the workflow as Tasker 0.1.8 runs it, but this one row as documented; and as documented,
but this one row as Tasker 0.1.8 has it. If either changes anything, the row mattered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tasker_testkit.errors import FaultError, HandlerError, InputError, RunError, SubmissionRefused, TemplateError
from tasker_testkit.fidelity.changes import changed
from tasker_testkit.fidelity.evidence import Evidence, Seen
from tasker_testkit.fidelity.judging import judged
from tasker_testkit.fidelity.rows import ROWS, Row
from tasker_testkit.intervening import unnoticed
from tasker_testkit.model.changes import Path
from tasker_testkit.model.divergence import Divergence
from tasker_testkit.model.profile import DOCUMENTED, TASKER_0_1_8, Profile

if TYPE_CHECKING:
    from tasker_testkit.driving import DrivenTask, Verb
    from tasker_testkit.run import Run
    from tasker_testkit.simulation import Simulation

_REFUSALS: Final = (TemplateError, HandlerError, InputError, SubmissionRefused, FaultError)
_DOORS: Final = tuple(row for row in ROWS if row.at_the_door)


@dataclass(frozen=True)
class Scenario:
    """A simulation with an input and what was done to the task by hand; it can be played under any profile."""

    simulation: Simulation
    input: Any
    script: Sequence[Verb] = ()
    _bases: dict[bool, Simulation] = field(default_factory=dict, init=False)

    def play(self, profile: Profile) -> tuple[Run | None, Seen]:
        """The run under that profile, and what was seen of it. What can't be done by hand in it is left out."""
        try:
            simulation = self._under(profile)
            run, answers = self._driven(simulation) if self.script else (simulation.run(self.input), ())
        except _REFUSALS as error:
            return None, Seen(None, error)
        return run, Seen(run.history, None, answers)

    def _driven(self, simulation: Simulation) -> tuple[Run, tuple[str | None, ...]]:
        task = simulation.start(self.input)
        answers = tuple(_answer(task, verb) for verb in self.script)
        return task.finish(), answers

    def _under(self, profile: Profile) -> Simulation:
        base = self._bases.get(profile.strict_templates)
        if base is None:
            base = self.simulation.with_profile(profile, strict=False)
            self._bases[profile.strict_templates] = base
        return base.with_profile(profile, strict=False)


def _answer(task: DrivenTask, verb: Verb) -> str | None:
    try:
        verb(task)
    except (RunError, InputError, SubmissionRefused) as refusal:
        return str(refusal)
    return None


@dataclass
class Trial:
    """One scenario with what both profiles made of it, tried row by row.

    ``noise`` is what differs between two runs of one profile: handlers that keep something between runs. It counts for
    nothing.
    """

    scenario: Scenario
    documented: Seen
    built: Seen
    noise: frozenset[Path] = frozenset()
    _seen: dict[tuple[bool, tuple[str, ...]], Seen] = field(default_factory=dict, init=False)

    def divergences(self) -> tuple[Divergence, ...]:
        """The rows that mattered, by number. Handlers run again for each row, two times at most."""
        if not changed(self.documented, self.built):
            return ()
        with unnoticed():
            self.noise = frozenset(self._unsteady())
            if not changed(self.documented, self.built, self.noise):
                return ()
            by_hand = self.scenario.script or self.scenario.simulation.actions
            rows = [row for row in ROWS if by_hand or not row.by_hand]
            return tuple(found for row in rows if (found := self._judged(row)))

    def _unsteady(self) -> Iterator[Path]:
        for profile, seen in ((DOCUMENTED, self.documented), (TASKER_0_1_8, self.built)):
            yield from changed(seen, self.scenario.play(profile)[1])

    def _judged(self, row: Row) -> Divergence | None:
        let_in = () if row.at_the_door else _DOORS
        as_documented = let_in if self.documented.refusal else ()
        as_built = let_in if self.built.refusal else ()
        documented, built = self._with(False, as_documented), self._with(True, as_built)
        pairs = [(self._with(True, (*as_built, row)), built)]
        if not row.only_built:
            pairs.append((documented, self._with(False, (*as_documented, row))))
        found = (self._told(row, documented, built, *pair) for pair in pairs)
        return next((one for one in found if one), None)

    def _told(self, row: Row, documented: Seen, built: Seen, before: Seen, after: Seen) -> Divergence | None:
        if not changed(before, after, self.noise):
            return None
        simulation = self.scenario._bases.get(False, self.scenario.simulation)
        case = Evidence(simulation.template, simulation.environment, documented, built, before, after)
        return judged(row, case, self.noise)

    def _with(self, as_built: bool, rows: Collection[Row]) -> Seen:
        """What the one profile sees with these rows as the other has them."""
        profile, other = (TASKER_0_1_8, DOCUMENTED) if as_built else (DOCUMENTED, TASKER_0_1_8)
        for row in rows:
            profile = row.taken(profile, other)
        if not rows:
            return self.built if as_built else self.documented
        key = (as_built, tuple(sorted({name for row in rows for name in _differing(row)})))
        if key not in self._seen:
            self._seen[key] = self.scenario.play(profile)[1]
        return self._seen[key]


def _differing(row: Row) -> Iterator[str]:
    return (name for name in row.fields if getattr(DOCUMENTED, name) != getattr(TASKER_0_1_8, name))


def divergences_of(scenario: Scenario) -> tuple[Divergence, ...]:
    """The rows that mattered in a scenario."""
    with unnoticed():
        (_, documented), (_, built) = scenario.play(DOCUMENTED), scenario.play(TASKER_0_1_8)
    return Trial(scenario, documented, built).divergences()
